package pool

import (
	"math"
	"testing"
	"time"
)

func TestWhatHostsAreExpectedToTakeBeforeAnyWasMeasured(t *testing.T) {
	for kind, median := range map[Kind]float64{Database: 26, Share: 15.6} {
		if got := (Record{}).LeadTimes(Policy{Kind: kind}, time.Time{}).At(0.5); math.Abs(got-median) > 1e-9 {
			t.Errorf("a %s host is expected to take %v minutes, want %v", kind, got, median)
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
