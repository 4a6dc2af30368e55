package pool

import (
	"math"
	"testing"
	"time"
)

func TestWhatHostsAreExpectedToTakeBeforeAnyWasMeasured(t *testing.T) {
	// The outermost of five points is the quantile of nine tenths, which of a lognormal is exp(1.2815516·σ) times the median.
	for kind, prior := range map[Kind]struct{ median, sigma float64 }{Database: {26, 0.447}, Share: {15.6, 0.591}} {
		leads := (Record{}).LeadTimes(Policy{Kind: kind}, time.Time{})
		if got := leads.At(0.5); math.Abs(got-prior.median) > 1e-9 {
			t.Errorf("a %s host is expected to take %v minutes, want %v", kind, got, prior.median)
		}
		if got, want := leads.At(0.9), prior.median*math.Exp(1.2815516*prior.sigma); math.Abs(got-want) > 1e-5 {
			t.Errorf("one %s host in ten is expected to take %v minutes, want %v", kind, got, want)
		}
	}
}

func TestThirtyLeadTimesAreKept(t *testing.T) {
	var r Record
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for n := range 40 {
		ordered := now.Add(time.Duration(n) * time.Hour)
		r = r.Note(Succeeded, Host{ID: "share-standard-1", DecidedAt: ordered}, ordered.Add(time.Duration(n+1)*time.Minute))
	}
	if n := len(r.Leads); n != 30 || r.Leads[0].Took != 11*time.Minute || r.Leads[29].Took != 40*time.Minute {
		t.Errorf("%d are kept: %v", n, r.Leads)
	}
}
