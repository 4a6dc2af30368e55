package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// failingNamed is how many files that fail to upload are named, of those that come first by their names: a record is
	// paid for by its size.
	failingNamed = 20
	// failingLength bounds each name, in bytes.
	failingLength = 200
	// FailingMost is up to how many such files are counted.
	FailingMost = 100_000
)

// ReportState is how far a report has come that a gateway makes of what it has in its cache.
type ReportState string

// The states of a report.
const (
	ReportRunning ReportState = "running"
	ReportDone    ReportState = "done"
	ReportFailed  ReportState = "failed" // nothing comes of it any more
)

// CacheReport is a report as its gateway shows it.
type CacheReport struct {
	State ReportState
	Key   string // of the object that it is in, once it is done
}

// ReportSpec says of what a report is made, and where it is put. It lists what fails to upload, and nothing else.
type ReportSpec struct {
	Token  string // client token: the same again makes no other report
	Share  ShareRef
	Bucket string // name of the bucket that it is put into
	Role   string // ARN of the role by which the gateway reaches that bucket
}

// FailingFiles are files of a share that its gateway can't bring into the bucket. They are on its disk alone.
type FailingFiles struct {
	Names []string // some of them, in order, with the reason where there is one
	Count int      // of all; FailingMost means that there may be more
}

// Add counts a file, and keeps its name if it is among the first. It reports whether more may be added.
func (f *FailingFiles) Add(name, reason string) bool {
	name = strings.ToValidUTF8(name, "�")
	if len(name) > failingLength {
		name = strings.ToValidUTF8(name[:failingLength], "") + "…"
	}
	if reason != "" {
		name += " (" + reason + ")"
	}
	at, _ := slices.BinarySearch(f.Names, name)
	f.Names = slices.Insert(f.Names, at, name)
	f.Names = f.Names[:min(len(f.Names), failingNamed)]
	f.Count++
	return f.Count < FailingMost
}

// Same reports whether the same is named.
func (f FailingFiles) Same(other FailingFiles) bool {
	return f.Count == other.Count && slices.Equal(f.Names, other.Names)
}

// String says how many they are, in words.
func (f FailingFiles) String() string {
	switch {
	case f.Count == 1:
		return "1 file fails to upload"
	case f.Count >= FailingMost:
		return fmt.Sprintf("%d files or more fail to upload", f.Count)
	}
	return fmt.Sprintf("%d files fail to upload", f.Count)
}

// Failing is what is known of a share's files that fail to upload, by reports that its gateway is asked for one after the
// other.
type Failing struct {
	FailingFiles
	Share   string    // ID of the share that they are of; empty: of the one that is there
	At      time.Time // when the last report was read; zero: none was
	Report  string    // ARN of the report that is there now; empty: there is none
	Read    bool      // that was read, and is to be deleted
	Reports int       // that were asked for
}

// Clone copies what is known.
func (f Failing) Clone() Failing {
	f.Names = slices.Clone(f.Names)
	return f
}

// Of is what is known of a share by its ID. Of what another took the place of, with a new gateway, nothing is of use any more: what
// that one could not upload is lost with its gateway.
func (f Failing) Of(share string) Failing {
	if f.Share != "" && f.Share != share {
		f = Failing{Reports: f.Reports}
	}
	f.Share = share
	return f
}

// Begun is that a report was asked for.
func (f Failing) Begun(report string) Failing {
	f = f.Clone()
	f.Report, f.Read = report, false
	f.Reports++
	return f
}

// Found is that the report was read. One that lists nothing leaves what is named: what a gateway flags it forgets every
// day, so that nothing is listed proves nothing.
func (f Failing) Found(files FailingFiles, now time.Time) Failing {
	f = f.Clone()
	if files.Count > 0 {
		f.FailingFiles = files
	}
	f.At, f.Read = now.UTC(), true
	return f
}

// Ended is that there is no report any more.
func (f Failing) Ended() Failing {
	f = f.Clone()
	f.Report, f.Read = "", false
	return f
}

// None is that nothing fails any more. A report that is there is still to be deleted.
func (f Failing) None() Failing {
	f.FailingFiles = FailingFiles{}
	return f
}

// Left is what is left of it for who comes later: a report that is there, of which nobody wants to know what it says.
func (f Failing) Left() Failing {
	return Failing{Share: f.Share, Report: f.Report, Read: f.Report != "", Reports: f.Reports}
}

// Clean reports whether a report was read within a time before now, and deleted, that listed nothing.
func (f Failing) Clean(now time.Time, within time.Duration) bool {
	return f.Report == "" && f.Count == 0 && !f.At.IsZero() && now.Sub(f.At) < within
}
