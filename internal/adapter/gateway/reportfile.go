package gateway

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"headroom/internal/pool"
)

// The columns of a cache report that are of interest, as AWS's user guide names them ("Understanding the information
// provided in S3 File Gateway cache reports"). Where they stand, and whether there are others, it does not say: so they
// are found by the first line.
const (
	columnPath   = "filepath"
	columnKey    = "s3objectkey"
	columnReason = "uploadfailurereason"
)

// errNoColumn means that the first line of a report has neither of the columns that name a file.
var errNoColumn = errors.New("its first line names no column FilePath or S3ObjectKey")

// FilesIn reads the files that a report lists, by the paths that clients know them by. A report without a line is one of no
// file.
func (*Gateways) FilesIn(report io.Reader) (pool.FailingFiles, error) {
	var files pool.FailingFiles
	lines := csv.NewReader(report)
	lines.FieldsPerRecord, lines.LazyQuotes, lines.ReuseRecord = -1, true, true
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return files, nil
	}
	if err != nil {
		return files, fmt.Errorf("read the first line of a cache report: %w", err)
	}
	columns := map[string]int{}
	for i, title := range header {
		columns[strings.ToLower(strings.Join(strings.Fields(strings.TrimPrefix(title, "\ufeff")), ""))] = i
	}
	_, hasPath := columns[columnPath]
	_, hasKey := columns[columnKey]
	if !hasPath && !hasKey {
		return files, fmt.Errorf("read a cache report: %w", errNoColumn)
	}
	for more := true; more; {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return files, fmt.Errorf("read line %d of a cache report: %w", files.Count+2, err)
		}
		value := func(column string) string {
			if i, ok := columns[column]; ok && i < len(line) {
				return line[i]
			}
			return ""
		}
		name := strings.TrimPrefix(value(columnPath), "/")
		if name == "" {
			name = value(columnKey)
		}
		more = files.Add(name, value(columnReason))
	}
	return files, nil
}
