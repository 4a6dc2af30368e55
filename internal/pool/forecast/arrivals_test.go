package forecast

import (
	"testing"

	"gonum.org/v1/gonum/mathext"
	"pgregory.net/rapid"
)

// The walk is what makes plans cheap; the library's incomplete beta function is what it must say.
func TestAWalkSaysWhatTheIncompleteBetaFunctionSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := drawRate(rt).Arrivals(rapid.Float64Range(0, 3).Draw(rt, "c"))
		minutes := rapid.Float64Range(0, 120).Draw(rt, "minutes")
		walk := a.counts(minutes)
		y := 0
		for range 20 {
			y += rapid.IntRange(0, 100).Draw(rt, "further")
			near(t, "the chance of no more", walk.atMost(y), a.AtMost(y, minutes), 1e-6)
		}
	})
}

func TestArrivalsOfAKnownRateArePoissons(t *testing.T) {
	a := Known(0.5)
	if a != (Arrivals{shape: 1e5, exposure: 2e5}) {
		t.Errorf("one in two minutes is %+v", a)
	}
	for y := range 40 {
		poisson := mathext.GammaIncRegComp(float64(y)+1, 15)
		near(t, "the chance of no more", a.AtMost(y, 30), poisson, 1e-3)
	}
}

func TestASpreadLeavesTheMean(t *testing.T) {
	r := Rate{Count: 20, Exposure: 60}
	for _, c := range []float64{0, 0.1, 2} {
		a := r.Arrivals(c)
		near(t, "the mean", a.shape/a.exposure, r.PerMinute(), 1e-12)
	}
}
