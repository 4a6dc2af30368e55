package forecast

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestThePriorAlone(t *testing.T) {
	l := LeadTimes(nil, nil, databases)
	near(t, "the median", l.At(0.5), 26, 1e-9)
	// The outermost of five points: exp(0.447 · 1.2816) on either side.
	near(t, "the longest", l.At(0.99), 46.1, 0.01)
	near(t, "the shortest", l.At(0.01), 14.66, 0.01)
}

func TestThePriorIsAlwaysMixedIn(t *testing.T) {
	var took []time.Duration
	for range 30 {
		took = append(took, 10*time.Minute)
	}
	l := LeadTimes(took, nil, databases)
	near(t, "the median", l.At(0.5), 10, 1e-9)
	if l.P99() < 40*time.Minute {
		t.Errorf("99 of 100 are said to take less than %s", l.P99())
	}
}

func TestAHostThatIsOlderThanAllCountsWithItsAge(t *testing.T) {
	l := LeadTimes(nil, []time.Duration{40 * time.Minute, 2 * time.Hour}, databases)
	if got := l.P99(); got < 119*time.Minute {
		t.Errorf("with a host of two hours, 99 of 100 are said to take less than %s", got)
	}
	if got := len(l.points); got != priorPoints+1 {
		t.Errorf("%d points: a host of forty minutes says nothing yet", got)
	}
}

// Eight of ten minutes and one of a hundred. Of nine points the share x is at the 9x − ½ th, from 0: of the quantiles (i−½)/8 the last
// is at 7.9375, which is 10 + 0.9375·90 = 94.375 minutes, and all others are 10. Their mean is (7·10 + 94.375)/8.
func TestEightQuantilesStandForAllLeadTimes(t *testing.T) {
	l := Measured(append(slices.Repeat([]time.Duration{10 * time.Minute}, 8), 100*time.Minute))
	near(t, "the longest quantile", l.quantiles[Quantiles-1], 94.375, 1e-9)
	near(t, "the mean", l.Mean(), 164.375/8, 1e-9)
}

// A hundred minutes are the longest of six points, which is the quantile 11/12. What lies beyond is spread over half as long again:
// half of it is below 125 minutes, and a host that is as old as 125 is in service by 137.5 with a chance of one half.
func TestTheLongestLeadTimeMayBeExceededByHalf(t *testing.T) {
	l := LeadTimes([]time.Duration{100 * time.Minute}, nil, databases)
	near(t, "the share below 125 minutes", l.share(125), 1-1.0/24, 1e-9)
	near(t, "the chance of 12.5 minutes more at 125", l.within(125, 12.5), 0.5, 1e-9)
	near(t, "the chance at 150", l.within(150, 1000), 0, 0)
}

// What was measured counts twice where somebody is told how long to wait, and once where hosts are planned.
func TestWhatWasMeasuredCountsTwiceForWhoWaits(t *testing.T) {
	took := []time.Duration{10 * time.Minute, 20 * time.Minute, 90 * time.Minute}
	if plan, wait := LeadTimes(took, nil, databases), WaitTimes(took, nil, databases); len(plan.points) != 3+priorPoints || len(wait.points) != 2*3+priorPoints {
		t.Errorf("three lead times are %d points, and %d", len(plan.points)-priorPoints, len(wait.points)-priorPoints)
	}
}

func TestQuantilesAndSharesAreEachOthersInverse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLeads(rt)
		p, q := rapid.Float64Range(0, 1).Draw(rt, "p"), rapid.Float64Range(0, 1).Draw(rt, "q")
		if p > q {
			p, q = q, p
		}
		if l.At(p) > l.At(q) {
			rt.Errorf("%v of all take %v, and %v take %v", p, l.At(p), q, l.At(q))
		}
		if x := l.At(q); x > 0 {
			near(t, "the quantile of its share", l.At(l.share(x)), x, 1e-6)
		}
		if low, high := l.share(p*100), l.share(q*100); low > high || low < 0 || high > 1 {
			rt.Errorf("shares of %v and %v are %v and %v", p*100, q*100, low, high)
		}
	})
}
