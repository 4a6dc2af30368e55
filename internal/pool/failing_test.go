package pool

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFilesThatFailAreNamedInOrderAndBounded(t *testing.T) {
	var f FailingFiles
	for i := range 50 {
		if !f.Add(fmt.Sprintf("file-%02d", 49-i), "") {
			t.Fatal("no more may be added")
		}
	}
	if f.Count != 50 || len(f.Names) != failingNamed || !slices.IsSorted(f.Names) || f.Names[0] != "file-00" || f.Names[19] != "file-19" {
		t.Errorf("%d: %v", f.Count, f.Names)
	}
	var long FailingFiles
	long.Add(strings.Repeat("ü", 500), "S3AccessDenied")
	long.Add("\xff", "")
	for _, name := range long.Names {
		if len(name) > failingLength+30 || !utf8.ValidString(name) {
			t.Errorf("%d bytes: %q", len(name), name)
		}
	}
	if !strings.HasSuffix(long.Names[0], "… (S3AccessDenied)") {
		t.Errorf("it is %q", long.Names[0])
	}
	many := FailingFiles{Count: FailingMost - 1}
	if many.Add("last", "") || many.String() != "100000 files or more fail to upload" {
		t.Errorf("more may be added to %s", many)
	}
	if one := (FailingFiles{Count: 1}); one.String() != "1 file fails to upload" {
		t.Error(one)
	}
}

func TestWhatIsKnownOfFilesThatFail(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	var first FailingFiles
	first.Add("first", "")
	f := Failing{}.Begun("arn:1").Found(first, now)
	if f.Report != "arn:1" || !f.Read || f.Reports != 1 || !f.Same(first) {
		t.Errorf("%+v", f)
	}
	f = f.Ended().Begun("arn:2")
	if f.Read || f.Reports != 2 {
		t.Errorf("the next report is read already: %+v", f)
	}
	if f = f.Found(FailingFiles{}, now.Add(time.Hour)); !f.Same(first) {
		t.Error("a report that lists nothing was believed")
	}
	for what, tt := range map[string]struct {
		of    Failing
		clean bool
	}{
		"nothing was asked":          {Failing{}, false},
		"something fails":            {f.Ended(), false},
		"its report is there still":  {f.None(), false},
		"nothing fails":              {f.None().Ended(), true},
		"it is another's report":     {f.None().Left(), false},
		"it is another's, and ended": {f.None().Left().Ended(), false},
	} {
		if got := tt.of.Clean(now.Add(90*time.Minute), time.Hour); got != tt.clean {
			t.Errorf("%s: clean %t", what, got)
		}
	}
	if f.None().Ended().Clean(now.Add(3*time.Hour), time.Hour) {
		t.Error("what was seen long ago is believed")
	}
	if left := f.Left(); left.Report != "arn:2" || !left.Read || left.Reports != 2 || left.Count > 0 {
		t.Errorf("left: %+v", left)
	}
	if left := (Failing{Reports: 3}).Left(); left.Read {
		t.Errorf("there is no report to be deleted: %+v", left)
	}
}

// A clearance of the share ends the report that its departure left.
func TestAClearanceGetsTheReportOfItsDeparture(t *testing.T) {
	d := Departure{Failing: Failing{FailingFiles: FailingFiles{Count: 1, Names: []string{"first"}}, Report: "arn:1", Reports: 4}}
	share, database := Clear(d, Share, "next", time.Time{}), Clear(d, Database, "next", time.Time{})
	if f := share.Failing; f.Report != "arn:1" || !f.Read || f.Reports != 4 || f.Count > 0 {
		t.Errorf("the share's has %+v", f)
	}
	if f := database.Failing; f.Report != "" || f.Reports > 0 {
		t.Errorf("the database's has %+v", f)
	}
}
