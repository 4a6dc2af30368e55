package appliance

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Why an upload fails, in the words of the service's API ("CacheReportFilter").
const (
	AccessDenied  = "S3AccessDenied"
	ObjectMissing = "ObjectMissing"
	InvalidState  = "InvalidObjectState"
	OtherFailure  = "Unknown" // what the service has for all else is not documented
)

// reasonOf words why S3 did not take a file. A key that the share's role may not use is denied, too.
func reasonOf(err error) string {
	for _, known := range []struct{ code, reason string }{
		{"AccessDenied", AccessDenied}, {"NoSuchKey", ObjectMissing}, {"InvalidObjectState", InvalidState},
	} {
		if strings.Contains(err.Error(), known.code) {
			return known.reason
		}
	}
	return OtherFailure
}

// FailingUpload counts the files of all shares that fail to upload.
func (a *Appliance) FailingUpload() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, s := range a.shares {
		n += len(s.files.dirty.failing())
	}
	return n
}

// ReportFailing writes a report of the files of a share that fail to upload to a bucket, of those whose reason is wanted.
// Its columns are those of the user guide ("Understanding the information provided in S3 File Gateway cache reports"), with
// the reason, which there is a filter for.
func (a *Appliance) ReportFailing(ctx context.Context, id string, to Bucket, key string, wanted func(reason string) bool) error {
	s, ok := a.byID(id)
	if !ok {
		return fmt.Errorf("report of share %s: %w", id, ErrNoShare)
	}
	if a.away.Load() {
		return ErrNotConnected
	}
	bucket, failing := s.definition().Bucket, s.files.dirty.failing()
	lines := [][]string{{"Bucket", "S3ObjectKey", "FilePath", "RenamedTo", "UploadFailureReason"}}
	for _, path := range slices.Sorted(maps.Keys(failing)) {
		if wanted(failing[path]) {
			lines = append(lines, []string{bucket.Name, bucket.Prefix + path, "/" + path, "", failing[path]})
		}
	}
	var report bytes.Buffer
	if err := csv.NewWriter(&report).WriteAll(lines); err != nil {
		return fmt.Errorf("word the report of share %s: %w", id, err)
	}
	if err := a.cfg.Objects.Put(ctx, to, key, report.Bytes()); err != nil {
		return fmt.Errorf("put the report of share %s: %w", id, err)
	}
	return nil
}
