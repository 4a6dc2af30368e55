package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// lognormal draws a lead time, in minutes.
func lognormal(draw *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*draw.NormFloat64())
}

// held is how often somebody waits no longer than told with 90 %, and with 50 %, who lacks so many of the hosts that are on
// their way, or ordered by the next look, of each kind: over many pools that have measured thirty lead times each, drawn from lognormals.
func held(draw *rand.Rand, every time.Duration, kinds []way) (ninety, median float64) {
	const times = 400
	for range times {
		var shorts []Short
		until, decided, found := 0.0, every.Minutes()*draw.Float64(), every.Minutes()*draw.Float64()
		for _, w := range kinds {
			var took []time.Duration
			for range 30 {
				took = append(took, duration(lognormal(draw, w.median, w.sigma)))
			}
			s := Short{Leads: WaitTimes(took, nil, w.prior), Hosts: w.lacks}
			var come []float64
			for len(come) < w.coming {
				age := w.oldest * draw.Float64()
				if lead := lognormal(draw, w.median, w.sigma); lead > age { // else it is there already
					s.Ages, come = append(s.Ages, duration(age)), append(come, lead-age)
				}
			}
			for range w.next {
				come = append(come, decided+lognormal(draw, w.median, w.sigma))
			}
			s.Next = w.next
			slices.Sort(come)
			until = max(until, come[w.lacks-1])
			shorts = append(shorts, s)
		}
		for _, said := range []struct {
			chance float64
			held   *float64
		}{{0.9, &ninety}, {0.5, &median}} {
			wait, ok := Wait(shorts, every, said.chance)
			if !ok {
				return math.NaN(), math.NaN()
			}
			if until+found <= wait.Minutes() {
				*said.held += 1.0 / times
			}
		}
	}
	return ninety, median
}

// way is hosts of a kind that are on their way.
type way struct {
	median, sigma float64 // of their lead times
	prior         Prior
	lacks, coming int
	oldest        float64 // minutes
	next          int     // that are decided on by the next look
}

func TestNineOfTenWaitNoLongerThanTold(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 7))
	shares, quick := Prior{Median: 15.6, Sigma: 0.591}, Prior{Median: 1.5, Sigma: 0.3}
	database := func(lacks, coming int, oldest float64) way {
		return way{20, 0.298, databases, lacks, coming, oldest, 0}
	}
	share := func(lacks, coming int, oldest float64) way { return way{12, 0.394, shares, lacks, coming, oldest, 0} }
	for _, test := range []struct {
		name  string
		kinds []way
	}{
		{"a new database host", []way{database(1, 1, 0)}},
		{"a new gateway", []way{share(1, 1, 0)}},
		{"one of each", []way{database(1, 1, 0), share(1, 1, 0)}},
		{"one of each, one of three", []way{database(1, 3, 15), share(1, 3, 10)}},
		{"an older gateway", []way{share(1, 1, 15)}},
		{"both of two", []way{database(2, 2, 10)}},
		{"five of six", []way{share(5, 6, 5)}},
		{"all of six", []way{share(6, 6, 5)}},
		{"ten of sixteen", []way{share(10, 16, 10)}},
		{"fifteen of sixteen", []way{share(15, 16, 0)}},
		{"thirty of thirty-two", []way{share(30, 32, 0), database(8, 8, 0)}},
		{"slower than usual", []way{{40, 0.3, shares, 1, 1, 0, 0}, {30, 0.3, databases, 1, 1, 0, 0}}},
		{"faster than usual", []way{{6, 0.3, shares, 1, 1, 0, 0}, {10, 0.3, databases, 1, 1, 0, 0}}},
		{"more alike", []way{{12, 0.1, shares, 1, 1, 0, 0}}},
		{"less alike", []way{{12, 0.8, shares, 1, 2, 0, 0}}},
		{"ordered by the next look", []way{{20, 0.298, databases, 1, 0, 0, 1}, {12, 0.394, shares, 1, 0, 0, 1}}},
		{"ordered by the next look, one of them", []way{{12, 0.394, shares, 2, 1, 10, 1}}},
		{"made as fast as it is looked", []way{{1.2, 0.1, quick, 1, 0, 0, 1}, {1.3, 0.1, quick, 1, 0, 0, 1}}},
	} {
		ninety, median := held(draw, time.Minute, test.kinds)
		if !(ninety >= 0.85 && ninety <= 0.98) || !(median >= 0.4 && median <= 0.65) {
			t.Errorf("%s: %.1f %% wait no longer than told with 90 %%, %.1f %% with 50 %%", test.name, 100*ninety, 100*median)
		} else {
			t.Logf("%s: %.1f %% wait no longer than told with 90 %%, %.1f %% with 50 %%", test.name, 100*ninety, 100*median)
		}
	}
}
