package archivist

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/archive"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// read reads a version from the archives' bucket.
func (w *world) read(key, version string) []byte {
	w.t.Helper()
	content, _, err := w.bucket.ReadAll(context.Background(), pool.ObjectRef{Bucket: store, Key: key, Version: version}, 64<<20)
	check(w.t, err)
	return content
}

// unzipped are the entries of an archive, as who gets it has them.
func (w *world) unzipped(ref events.ArchiveRef) map[string]string {
	w.t.Helper()
	raw := w.read(ref.Key, ref.VersionID)
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	check(w.t, err)
	out := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		check(w.t, err)
		content, err := io.ReadAll(in)
		check(w.t, err)
		out[f.Name] = string(content)
	}
	return out
}

func TestArchiveAndVerify(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	verify := w.archived()
	ref := *verify.Archive
	got := w.unzipped(ref)
	if len(got) != files+2 || got["share/a.txt"] != strings.Repeat("content ", 100) || got["share/Zoë"] != "é" || got["share/link"] != "../../etc/passwd" ||
		!strings.Contains(got[archive.DumpName], "orders") || got[archive.ManifestName] != string(w.read(ref.ManifestKey, ref.ManifestVersionID)) {
		t.Errorf("the zip has %v", got)
	}
	if ref.Entries != files+1 || ref.Bytes != int64(len(w.read(ref.Key, ref.VersionID))) || len(ref.SHA256) != 64 || len(ref.ManifestSHA256) != 64 {
		t.Errorf("got %+v", ref)
	}
	for _, want := range []string{shareMark, databaseMark, `"schema":"app","table":"we\"ird; na.me","rows":3}`, `"rows":10,"forced":true`, `"serverVersion":"15.14"`} {
		if !strings.Contains(got[archive.ManifestName], want) {
			t.Errorf("the manifest lacks %s", want)
		}
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("uploads are open: %v", open)
	}
	report := w.do(verify)
	if report.Proof == "" || len(report.Found) > 0 || report.Failure != "" || report.Bytes != ref.Bytes || report.Total != ref.Bytes || report.Entries != files+1 {
		t.Errorf("verified: %+v", report)
	}
	for _, want := range []string{"6 files", "restored", "2 tables with 13 rows", ref.SHA256} {
		if !strings.Contains(report.Proof, want) {
			t.Errorf("the proof lacks %q: %s", want, report.Proof)
		}
	}
	if text := w.log.String(); strings.Contains(text, "a.txt") || strings.Contains(text, "orders") || strings.Contains(text, password) {
		t.Errorf("the log has the tenant's things: %s", text)
	}
}

// What a task did is found with what it came of, as a function's lines are.
func TestEachLineOfATaskBearsItsThread(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	job := w.archived()
	job.CorrelationID = "5e0c8a1f-3b7d"
	w.log.Reset()
	w.sent = nil
	w.do(job)
	for _, report := range w.sent {
		if report.CorrelationID != job.CorrelationID {
			t.Errorf("a report is of %q", report.CorrelationID)
		}
	}
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	for _, line := range lines {
		if !strings.Contains(line, "correlationId=5e0c8a1f-3b7d") || !strings.Contains(line, "tenant="+job.TenantID) {
			t.Errorf("a line is of nothing: %s", line)
		}
	}
	if len(lines) < 2 || len(w.sent) == 0 || job.TenantID == "" {
		t.Errorf("%d lines of tenant %q", len(lines), job.TenantID)
	}
}

func TestWhatATenantHasNot(t *testing.T) {
	for name, change := range map[string]func(*events.ArchivistJob){
		"no database": func(j *events.ArchivistJob) { j.Database = nil },
		"no share":    func(j *events.ArchivistJob) { j.Bucket, j.Mark = "", "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.fill()
			first, verify := job(events.JobArchive, 1), job(events.JobVerify, 2)
			change(&first)
			change(&verify)
			verify.Archive = w.do(first).Archive
			if verify.Archive == nil {
				t.Fatalf("got %+v", w.sent)
			}
			if report := w.do(verify); report.Proof == "" {
				t.Errorf("verified: %+v", report)
			}
			// What was archived without is not taken for an archive of all.
			whole := job(events.JobVerify, 2)
			whole.Archive = verify.Archive
			if report := w.do(whole); len(report.Found) == 0 || report.Proof != "" {
				t.Errorf("as one of all: %+v", report)
			}
		})
	}
}

// What nobody verifies goes away by its tag.
func TestAnArchiveIsAnAttemptUntilItIsVerified(t *testing.T) {
	w := newWorld(t, nil)
	ref := w.archived().Archive
	for key, version := range map[string]string{ref.Key: ref.VersionID, ref.ManifestKey: ref.ManifestVersionID} {
		out, err := w.s3.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(store), Key: &key, VersionId: &version})
		check(t, err)
		if len(out.TagSet) != 1 || *out.TagSet[0].Key != "headroom:archive" || *out.TagSet[0].Value != "attempt" {
			t.Errorf("%s has the tags %v", key, out.TagSet)
		}
	}
}

// Of a database that is too large to be restored the proof says what was done instead.
func TestALargeDumpIsReadThrough(t *testing.T) {
	w := newWorld(t, nil)
	w.data.large = true
	verify := w.archived()
	if report := w.do(verify); !strings.Contains(report.Proof, "section by section") || strings.Contains(report.Proof, "restored, ") {
		t.Errorf("got %+v", report)
	}
}

func TestProgress(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	w.tick = 5 * time.Second
	w.archived()
	if len(w.sent) < 5 {
		t.Fatalf("%d reports", len(w.sent))
	}
	if first := w.sent[0]; first.Address != address || first.Done || first.Bytes != 0 {
		t.Errorf("the first: %+v", first)
	}
	var before events.TaskReport
	for _, r := range w.sent {
		if r.Bytes < before.Bytes || r.Entries < before.Entries || r.Of != events.OfDeparture || r.ID != departure || r.Attempt != 1 {
			t.Errorf("after %+v comes %+v", before, r)
		}
		before = r
	}
	if before.Bytes != before.Total || before.Entries != files+1 {
		t.Errorf("the last: %+v", before)
	}
	// Not more often than is of use.
	w = newWorld(t, nil)
	w.fill()
	w.archived()
	if len(w.sent) != 2 {
		t.Errorf("%d reports within no time", len(w.sent))
	}
}

// A dump that takes long to be restored does not keep the task from being heard of.
func TestATaskIsHeardOfWhileNothingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		verify := w.archived()
		w.sent = nil
		w.Now = time.Now
		w.Sleep = awsclient.Sleep
		w.Start = func(run func()) { go run() }
		w.data.takes = time.Hour
		if got := w.do(verify); got.Proof == "" {
			t.Errorf("got %+v", got)
		}
		ended := len(w.sent)
		if ended < 200 || ended > 250 {
			t.Errorf("%d reports in an hour", ended)
		}
		time.Sleep(time.Hour)
		if len(w.sent) != ended {
			t.Error("it is heard of although it has ended")
		}
	})
}

func TestAJobThatHangsIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.fill()
		w.Sleep = awsclient.Sleep
		w.s3.Fault = func(o string) (bool, error) {
			if o == "GetObject" {
				time.Sleep(30 * time.Hour)
			}
			return false, nil
		}
		if got := w.do(job(events.JobArchive, 1)); got.Failure != errLong.Error() || len(w.open()) > 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestNothingIsReportedAfterTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	ended := &task{Archivist: w.Archivist, job: job(events.JobArchive, 1), log: w.Log}
	check(t, ended.end(t.Context(), ended.report(), nil))
	w.now = w.now.Add(time.Hour)
	if ended.say(t.Context()); len(w.sent) != 1 {
		t.Errorf("reported: %+v", w.sent)
	}
}

func TestAReportThatIsNotTaken(t *testing.T) {
	w := newWorld(t, nil)
	w.silent = errors.New("no such queue")
	if err := w.Do(t.Context(), job(events.JobArchive, 1)); !errors.Is(err, w.silent) {
		t.Errorf("got %v", err)
	}
}

func TestATaskThatIsStoppedSaysSo(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	ctx, cancel := context.WithCancel(t.Context())
	w.s3.Fault = func(operation string) (bool, error) {
		if operation == "GetObject" {
			cancel()
		}
		return false, nil
	}
	check(t, w.Do(ctx, job(events.JobArchive, 1)))
	w.s3.Fault = nil
	last := w.sent[len(w.sent)-1]
	if !last.Done || !strings.Contains(last.Failure, "the task was stopped") || last.Archive != nil {
		t.Errorf("got %+v", last)
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("uploads are open: %v", open)
	}
}

func TestFailuresLeaveNothingHalfDone(t *testing.T) {
	for _, operation := range []string{
		"ListMultipartUploads", "ListObjectVersions", "CreateMultipartUpload", "GetObject", "UploadPart", "CompleteMultipartUpload",
	} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t, nil)
			w.fill()
			w.s3.Fault = func(o string) (bool, error) {
				if o == operation {
					return false, errors.New("S3 is away")
				}
				return false, nil
			}
			if got := w.do(job(events.JobArchive, 1)); !strings.Contains(got.Failure, "S3 is away") || got.Archive != nil {
				t.Errorf("got %+v", got)
			}
			w.s3.Fault = nil
			if open := w.open(); len(open) > 0 {
				t.Errorf("uploads are open: %v", open)
			}
		})
	}
	for name, spoil := range map[string]func(*data){
		"no copier":      func(d *data) { d.granted = false },
		"other secret":   func(d *data) { d.host = "other.internal" },
		"database fails": func(d *data) { d.fails = errors.New("the server is away") },
	} {
		w := newWorld(t, nil)
		spoil(w.data)
		if got := w.do(job(events.JobArchive, 1)); got.Failure == "" || got.Archive != nil || len(w.open()) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// An object that is overwritten or deleted while the archive is written is no part of a good one.
func TestAnObjectThatIsGoneWhileItIsArchived(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	w.s3.Fault = func(o string) (bool, error) {
		if o == "GetObject" {
			return false, pool.ErrNoObject
		}
		return false, nil
	}
	if got := w.do(job(events.JobArchive, 1)); got.Failure == "" {
		t.Errorf("got %+v", got)
	}
}

func TestAnAttemptAbortsEarlierOnesAndYieldsToLaterOnes(t *testing.T) {
	w := newWorld(t, nil)
	for _, key := range []string{departure + "/1/archive.zip", departure + "/2/manifest.jsonl", "acme.other/1/archive.zip", departure + "x/1/archive.zip"} {
		_, err := w.bucket.Upload(t.Context(), pool.ObjectSpec{Bucket: store, Key: key, KMSKey: "k"}, 1)
		check(t, err)
	}
	if got := w.do(job(events.JobArchive, 2)); got.Archive == nil {
		t.Errorf("got %+v", got)
	}
	if open := w.open(); !slices.Equal(open, []string{departure + "x/1/archive.zip", "acme.other/1/archive.zip"}) {
		t.Errorf("open: %v", open)
	}
	_, err := w.bucket.Upload(t.Context(), pool.ObjectSpec{Bucket: store, Key: departure + "/10/archive.zip", KMSKey: "k"}, 1)
	check(t, err)
	if got := w.do(job(events.JobArchive, 3)); !strings.Contains(got.Failure, errOvertaken.Error()) || len(w.open()) != 3 {
		t.Errorf("got %+v, open %v", got, w.open())
	}
}

// outcome is what is left when a departure was archived and verified.
type outcome struct {
	Files  map[string]string
	Open   []string
	Proof  bool
	Locked int
}

// A task that is killed is followed by another attempt.
func TestKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life)
		w.fill()
		attempt := 0
		var ref *events.ArchiveRef
		check(t, life.Deliver(func() error {
			attempt++
			err := w.Do(t.Context(), job(events.JobArchive, attempt))
			if err == nil {
				ref = w.sent[len(w.sent)-1].Archive
			}
			return err
		}))
		if ref == nil {
			t.Fatalf("not archived: %+v", w.sent)
		}
		var proof string
		check(t, life.Deliver(func() error {
			verify := job(events.JobVerify, attempt+1)
			verify.Archive = ref
			err := w.Do(t.Context(), verify)
			proof = w.sent[len(w.sent)-1].Proof
			return err
		}))
		w.s3.Fault = nil
		out := outcome{Files: w.unzipped(*ref), Open: w.open(), Proof: proof != ""}
		delete(out.Files, archive.ManifestName)
		page, err := w.bucket.Versions(t.Context(), store, "", pool.ObjectCursor{})
		check(t, err)
		for _, v := range page.Versions {
			stored, err := w.bucket.Head(t.Context(), v.Ref(store))
			check(t, err)
			if !stored.Until.IsZero() {
				out.Locked++
			}
		}
		return out
	})
}

// What there is no memory for is refused before anything is copied, in words that say why.
func TestMoreFilesThanThereIsMemoryForAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	w.Memory = 1 << 20
	v := &vast{t: t, dir: t.TempDir(), files: 10_000}
	w.Objects = v
	report := w.do(job(events.JobArchive, 1))
	if !strings.Contains(report.Failure, errTooMany.Error()) || !strings.Contains(report.Failure, "files") || report.Archive != nil || v.peak > 0 {
		t.Errorf("it came to %+v", report)
	}
	w.Memory = 4 << 20
	if report := w.do(job(events.JobArchive, 2)); report.Failure != "" || report.Archive == nil {
		t.Errorf("with more memory it came to %+v", report)
	}
}
