package sim

import (
	"math"
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestLeadTimesAreDrawnAsTheyAreGiven(t *testing.T) {
	const n = 20000
	lead := Lead{12 * time.Minute, 30 * time.Minute}
	var took []float64
	failed := 0
	for i := range n {
		f := fateOf(1, lead, 0.1, pool.Share, i)
		took = append(took, f.takes.Minutes())
		if f.fails {
			failed++
		}
	}
	slices.Sort(took)
	for p, want := range map[float64]float64{0.5: 12, 0.99: 30} {
		if got := took[int(p*n)]; math.Abs(got-want) > 0.05*want {
			t.Errorf("the quantile of %v is %.1f min, want %v", p, got, want)
		}
		if got := lead.Quantile(p).Minutes(); math.Abs(got-want) > 0.001*want {
			t.Errorf("Quantile(%v) is %v min, want %v", p, got, want)
		}
	}
	if share := float64(failed) / n; math.Abs(share-0.1) > 0.01 {
		t.Errorf("%.3f fail", share)
	}
	one, again, other := fateOf(1, lead, 0, pool.Share, 7), fateOf(1, lead, 0, pool.Share, 7), fateOf(2, lead, 0, pool.Share, 7)
	if one != again || one == other {
		t.Error("a fate does not follow from seed and number")
	}
}

func TestLeadsAreRead(t *testing.T) {
	kind, lead, err := ParseLead("database=20m/40m")
	if err != nil || kind != pool.Database || lead != (Lead{20 * time.Minute, 40 * time.Minute}) {
		t.Errorf("%s %v, error %v", kind, lead, err)
	}
	for _, text := range []string{"", "database", "database=20m", "disk=20m/40m", "share=x/30m", "share=10m/y", "share=0s/1m", "share=30m/12m", "share=1m/9999h"} {
		if _, _, err := ParseLead(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestLeadTimesThatWereMeasuredAreFittedWhereThereAreTen(t *testing.T) {
	want := Lead{Median: 20 * time.Minute, P99: 40 * time.Minute}
	var took []time.Duration
	for i := range 200 {
		took = append(took, want.Quantile((float64(i)+0.5)/200))
	}
	got, ok := MeasuredLead(took)
	if off := got.P99 - want.P99; !ok || (got.Median-want.Median).Abs() > time.Second || off.Abs() > time.Minute {
		t.Errorf("fitted is %v, %t", got, ok)
	}
	if _, ok := MeasuredLead(took[:9]); ok {
		t.Error("nine are enough")
	}
	if same, ok := MeasuredLead(make([]time.Duration, 10)); !ok || same.P99 < same.Median {
		t.Errorf("of ten that took no time it is %v", same)
	}
}
