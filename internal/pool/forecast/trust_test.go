package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// step is how often a pool is looked at, in minutes.
const step = 5

// beaten is how often the pairs were gone sooner than said, of looks every quarter of an hour from half of the days on, and
// how many looks those are. rate tells how many come in a minute on average, and refilled how many pairs are free.
func beaten(seed uint64, days int, rate func(minute int) float64, refilled func(minute, free int) int) (share float64, looks int) {
	draw := rand.New(rand.NewPCG(seed, 3))
	d, free := Began(start), 0
	came := make([]int64, days*24*60/step)
	type said struct {
		look, within int
		gone         int64
	}
	var all []said
	for look := range came {
		n := poisson(draw, step*rate(step*look))
		came[look] = d.Signups + int64(n)
		free = refilled(look, max(0, free-n))
		d = d.Noted(came[look], start.Add(time.Duration(step*(look+1))*time.Minute), 26).Watched(free)
		if _, early := d.Empty(free); free > 0 && look%(15/step) == 0 && look > len(came)/2 {
			all = append(all, said{look, int(early.Minutes() / step), d.Signups + int64(free)})
		}
	}
	for _, s := range all {
		if ends := s.look + s.within; ends < len(came) {
			looks++
			if came[ends] >= s.gone {
				share++
			}
		}
	}
	return share / float64(looks), looks
}

func poisson(draw *rand.Rand, mean float64) int {
	n := 0
	for at := draw.ExpFloat64(); at < mean; at += draw.ExpFloat64() {
		n++
	}
	return n
}

// refill keeps some pairs free: below low, high are free at once.
func refill(low, high int) func(int, int) int {
	return func(_, free int) int {
		if free < low {
			return high
		}
		return free
	}
}

func TestOneEarlyTimeToEmptyInTenIsBeaten(t *testing.T) {
	hour := func(minute int) int { return minute / 60 % 24 }
	series := map[string]func(minute int) float64{
		"steady":       func(int) float64 { return 0.4 },
		"a few":        func(int) float64 { return 0.01 },
		"days":         func(m int) float64 { return 0.5 * (1 + 0.9*math.Sin(2*math.Pi*float64(m)/1440)) },
		"a wall":       func(m int) float64 { return []float64{0.005, 1}[btoi(hour(m) == 9)] },
		"working days": func(m int) float64 { return []float64{0.002, 0.2}[btoi(hour(m) > 8 && hour(m) < 18 && m/1440%7 < 5)] },
		"growth":       func(m int) float64 { return 0.01 + float64(m)/40_000 },
		"clumps":       func(m int) float64 { return []float64{0.01, 2}[btoi(m*7919/20%23 == 0)] },
		"a change":     func(m int) float64 { return []float64{0.03, 0.6}[btoi(m > 20*1440)] },
	}
	for name, rate := range series {
		for _, r := range []func(int, int) int{refill(8, 18), refill(20, 60)} {
			if share, looks := beaten(1, 40, rate, r); looks < 300 || share < 0.05 || share > 0.15 {
				t.Errorf("%s: %.1f %% of %d looks were beaten", name, 100*share, looks)
			} else {
				t.Logf("%s: %.1f %% of %d looks were beaten", name, 100*share, looks)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestWhatWasBeatenIsSaidShorterAndWhatHeldLonger(t *testing.T) {
	look := Look{Until: start.Add(time.Hour), Gone: 10, For: lookEvery}
	at := func(minutes int, signups int64) Trust {
		return Trust{Looks: []Look{look}}.learned(start.Add(time.Duration(minutes)*time.Minute), signups)
	}
	for name, test := range map[string]struct {
		got     Trust
		stretch float64
		open    int
	}{
		"open":                {at(30, 9), 0, 1},
		"beaten":              {at(30, 10), -0.9 * trustStep, 0},
		"held":                {at(60, 9), 0.1 * trustStep, 0},
		"held, and gone then": {at(61, 12), 0.1 * trustStep, 0},
	} {
		if math.Abs(test.got.Stretch-test.stretch) > 1e-9 || len(test.got.Looks) != test.open {
			t.Errorf("%s: the logarithm is %v, %d looks are open", name, test.got.Stretch, len(test.got.Looks))
		}
	}
}

func TestTrustStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, now := drawDemand(rt)
		for range rapid.IntRange(0, 300).Draw(rt, "watched") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 3000).Draw(rt, "minutes")) * time.Minute)
			came := rapid.IntRange(0, 40).Draw(rt, "came")
			d = d.Noted(d.Signups+int64(came), now, 26).Watched(rapid.IntRange(0, 500).Draw(rt, "free"))
			if s := d.Trust.Stretch; math.IsNaN(s) || s < stretchLeast || s > stretchMost {
				rt.Fatalf("the logarithm is %v", s)
			}
			if len(d.Trust.Looks) > 2*looksMost {
				rt.Fatalf("%d looks are open", len(d.Trust.Looks))
			}
		}
		last := time.Duration(0)
		for pairs := range 60 {
			median, early := d.Empty(pairs)
			if early < last || median < early {
				rt.Fatalf("%d pairs last %s and %s, one less %s", pairs, median, early, last)
			}
			last = early
		}
	})
}
