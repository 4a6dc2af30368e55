package forecast

import (
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
	l := LeadTimes(nil, []time.Duration{20 * time.Minute, 2 * time.Hour}, databases)
	if got := l.P99(); got < 119*time.Minute {
		t.Errorf("with a host of two hours, 99 of 100 are said to take less than %s", got)
	}
	if got := len(l.points); got != priorPoints+1 {
		t.Errorf("%d points: a host of twenty minutes says nothing yet", got)
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
