package forecast

import (
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// weeks notes signups of some weeks, so many each minute as next draws, looking once a minute.
func weeks(n int, next func(minute int) int) Demand {
	d, signups := Began(start), int64(0)
	for minute := range n * 7 * 24 * 60 {
		signups += int64(next(minute))
		d = d.Noted(signups, start.Add(time.Duration(minute+1)*time.Minute), 26)
	}
	return d
}

func TestSignupsByChanceHaveNextToNoSpread(t *testing.T) {
	source := rand.NewPCG(1, 2)
	d := weeks(2, func(int) int { return int(distuv.Poisson{Lambda: 0.7, Src: source}.Rand()) })
	if c := d.Spread.C(); c > 0.06 {
		t.Errorf("the spread of a steady rate is %.3f", c)
	}
}

func TestSignupsInClumpsHaveASpread(t *testing.T) {
	source := rand.NewPCG(1, 2)
	d := weeks(2, func(minute int) int {
		if minute%1000 < 30 { // half an hour of many, now and then
			return int(distuv.Poisson{Lambda: 5, Src: source}.Rand())
		}
		return int(distuv.Poisson{Lambda: 0.1, Src: source}.Rand())
	})
	if c := d.Spread.C(); c < 0.2 {
		t.Errorf("the spread of clumps is %.3f", c)
	}
}

func TestASampleIsTakenEveryFiveMinutes(t *testing.T) {
	d := Began(start)
	for minute := 1; minute <= 26; minute++ {
		d = d.Noted(0, start.Add(time.Duration(minute)*time.Minute), 26)
	}
	if d.Spread.Weight == 0 {
		t.Error("after 26 minutes no sample was taken")
	}
	if got := len(d.Spread.Marks); got != 6 {
		t.Errorf("after 26 minutes there are %d forecasts", got)
	}
	before := d.Spread
	if d = d.Noted(0, start.Add(29*time.Minute), 26); d.Spread.Weight != before.Weight {
		t.Error("four minutes after a sample another was taken")
	}
}

func TestNoSampleIsTakenOverAGap(t *testing.T) {
	d := Began(start).Noted(0, start.Add(10*time.Hour), 26)
	if d.Spread.Weight != 0 {
		t.Errorf("a forecast for 26 minutes was held against ten hours: %+v", d.Spread)
	}
}

func TestForecastsThatAreKeptAreFew(t *testing.T) {
	d := weeks(1, func(int) int { return 1 })
	if got := len(d.Spread.Marks); got > 8 {
		t.Errorf("%d forecasts are kept for 26 minutes", got)
	}
}

// As long as hosts may take hours, forecasts are kept for four.
func TestForecastsAreKeptForFourHours(t *testing.T) {
	d := Began(start)
	for look := 1; look <= 48; look++ {
		d = d.Noted(0, start.Add(time.Duration(5*look)*time.Minute), 230)
	}
	if at, ok := d.Spread.made(start.Add(240*time.Minute), 230); !ok || at.At.Sub(start) > 15*time.Minute {
		t.Errorf("of 230 minutes ago there is %+v, %t", at, ok)
	}
}

// One sample, worked by hand from the formula: N ← max(−0.1·W, N·d + min(1, ((y−m)² − m)/(1+m)²)), D ← D·d + m²/(1+m)²,
// c = max(0, (N + 0.1·W)/(D + W)), with d = 2^(−5/(7·1440)) and W = 24.
func TestASampleIsAsTheFormulaSays(t *testing.T) {
	const horizon = 30
	for name, test := range map[string]struct {
		before         Spread
		ago            time.Duration
		came           int64
		excess, weight float64
		c              float64
	}{
		"more than was expected":            {Spread{Excess: 1, Weight: 2}, 30 * time.Minute, 10, 1.2037378687, 2.7340063497, 0.1347997686},
		"a clump, which counts 1 at most":   {Spread{Excess: 1, Weight: 2}, 30 * time.Minute, 30, 1.9996562361, 2.7340063497, 0.1645715266},
		"no less than the prior's opposite": {Spread{Excess: -2.4, Weight: 2}, 30 * time.Minute, 6, -2.4, 2.7340063497, 0},
		"by the time that really went by":   {Spread{Excess: 1, Weight: 2}, 33 * time.Minute, 10, 1.0855288123, 2.7534675968, 0.1302832539},
		"the first":                         {Spread{}, 30 * time.Minute, 6, -0.1224489796, 0.7346938776, 0.0920792079},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.before
			s.Marks = []Mark{{At: start, Signups: 100, PerMinute: 0.2}}
			s = s.sampled(start.Add(test.ago), 100+test.came, 0.2, horizon)
			near(t, "the excess", s.Excess, test.excess, 1e-8)
			near(t, "the weight", s.Weight, test.weight, 1e-8)
			near(t, "c", s.C(), test.c, 1e-8)
		})
	}
}
