package forecast

import (
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/mathext"
	"pgregory.net/rapid"
)

func TestTheBufferOfAKnownCase(t *testing.T) {
	if got := Buffer(Known(1), Constant(10*time.Minute), 10, 0.99); got != 18 {
		t.Errorf("at 60 an hour, ten minutes and hosts of ten the buffer is %d, not 18", got)
	}
}

// Of a Poisson process and a constant lead time, the (r, nQ) policy serves at once the share
// (1/Q)·Σ P(N ≤ y−1) over y = r+1 … r+Q, where N is Poisson's with the lead time's mean: the buffer is the
// least that reaches the target.
func TestTheBufferMeetsTheClosedFormOfPoissonDemand(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mean := rapid.Float64Range(0.05, 200).Draw(rt, "mean")
		batch, serve := drawBatch(rt), drawServe(rt, 0.5)
		served := func(buffer int) float64 {
			sum := 0.0
			for y := buffer; y < buffer+batch; y++ {
				if y > 0 {
					sum += mathext.GammaIncRegComp(float64(y), mean) // P(N ≤ y−1)
				}
			}
			return sum / float64(batch)
		}
		a := Arrivals{shape: 1e8, exposure: 1e8} // of 1e9 the logarithms of Γ are so large that their rounding moves a share by 2e-6
		got, target := Buffer(a, Constant(time.Duration(mean*float64(time.Minute))), batch, serve), 1-(1-serve)/2
		const off = 1e-6
		if served(got) < target-off || got > 0 && served(got-1) >= target+off {
			rt.Errorf("buffer %d serves %v, one less serves %v, wanted is %v", got, served(got), served(got-1), target)
		}
	})
}

func TestTheBufferIsTheLeastThatServes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := drawRate(rt).Arrivals(rapid.Float64Range(0, 2).Draw(rt, "c"))
		l, batch, serve := drawLeads(rt), drawBatch(rt), drawServe(rt, 0.5)
		served := func(r int) float64 {
			sum := 0.0
			for y := r + 1; y <= r+batch; y++ {
				for _, lead := range l.quantiles {
					sum += a.AtMost(y-1, lead) / Quantiles
				}
			}
			return sum / float64(batch)
		}
		r, target := Buffer(a, l, batch, serve)-1, 1-(1-serve)/2
		const off = 1e-7
		if served(r) < target-off || r >= 0 && served(r-1) >= target+off {
			rt.Errorf("r = %d serves %v, one less %v, wanted is %v", r, served(r), served(r-1), target)
		}
	})
}

func TestTheBufferGrowsWithTargetRateAndLead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, l, batch := drawRate(rt), drawLeads(rt), drawBatch(rt)
		c, serve := rapid.Float64Range(0, 2).Draw(rt, "c"), drawServe(rt, 0.5)
		buffer := Buffer(r.Arrivals(c), l, batch, serve)

		if more := Buffer(r.Arrivals(c), l, batch, drawServe(rt, serve)); more < buffer {
			rt.Errorf("a higher target makes the buffer %d, from %d", more, buffer)
		}
		faster := Rate{Count: r.Count + rapid.Float64Range(0, 500).Draw(rt, "more"), Exposure: r.Exposure}
		if more := Buffer(faster.Arrivals(c), l, batch, serve); more < buffer {
			rt.Errorf("a higher rate makes the buffer %d, from %d", more, buffer)
		}
		longer := leadsOf(append([]float64(nil), l.points...))
		for i := range longer.points {
			longer.points[i] *= rapid.Float64Range(1, 1.5).Draw(rt, "longer")
		}
		longer = leadsOf(sorted(longer.points))
		if more := Buffer(r.Arrivals(c), longer, batch, serve); more < buffer {
			rt.Errorf("longer leads make the buffer %d, from %d", more, buffer)
		}
	})
}

// Some lead times are short, others long, and the share of the short ones is what is to be served: over hundreds of slots the share
// that is served is the target but for rounding.
func TestRoundingDoesNotChooseTheBuffer(t *testing.T) {
	r, l := Rate{Count: 87 * math.Pow(10, 1.5), Exposure: 87}, LeadTimes([]time.Duration{5321 * time.Second}, nil, databases)
	const c = 1.5288591384887695e-05
	buffer := Buffer(r.Arrivals(c), l, 1, 0.5)
	for more := range 50 {
		r.Count++
		got := Buffer(r.Arrivals(c), l, 1, 0.5)
		if got < buffer {
			t.Errorf("%d more make the buffer %d, from %d", more+1, got, buffer)
		}
		buffer = got
	}
}

// A wider spread wants more, where tenants come at all: of next to none, it makes it likelier that none comes, and the
// buffer may shrink by a slot or two. So the lead times are the usual ones here, and one an hour is expected at least. Where
// a host brings many slots, and fewer than 95 of 100 are to be served at once, a slot more or less is within what the mean
// over those slots rounds: there, and below some five an hour, it may shrink by one.
func TestTheBufferGrowsWithTheSpread(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := Rate{Exposure: rapid.Float64Range(8, 87).Draw(rt, "exposure")}
		r.Count = r.Exposure * math.Pow(10, rapid.Float64Range(math.Log10(1.0/60), 2).Draw(rt, "log rate"))
		l, batch, serve := LeadTimes(nil, nil, databases), drawBatch(rt), drawServe(rt, 0.9)
		c := rapid.Float64Range(0, 2).Draw(rt, "c")
		buffer, least := Buffer(r.Arrivals(c), l, batch, serve), 0
		if serve < 0.95 && r.PerMinute() < 5.0/60 {
			least = 1
		}
		if more := Buffer(r.Arrivals(rapid.Float64Range(c, 2).Draw(rt, "more c")), l, batch, serve); more < buffer-least {
			rt.Errorf("a wider spread makes the buffer %d, from %d", more, buffer)
		}
	})
}

func TestASurgeNeverMakesTheBufferSmaller(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, _ := drawDemand(rt)
		l, batch, serve := drawLeads(rt), drawBatch(rt), drawServe(rt, 0.5)
		need := d.Needs(l, batch, serve)
		slow := Buffer(d.Slow.Arrivals(d.Spread.C()), l, batch, serve)
		if need.Buffer < slow || !need.Surge && need.Buffer != slow {
			rt.Errorf("needed are %+v, of the slow rate alone %d", need, slow)
		}
		if fast := Buffer(d.Fast.Arrivals(d.Spread.C()), l, batch, serve); need.Surge && !need.Hour && need.Buffer != max(slow, fast) {
			rt.Errorf("in a surge needed are %+v, of the slow rate alone %d, of the fast one %d", need, slow, fast)
		}
	})
}

func TestABurstIsASurge(t *testing.T) {
	d := Began(start).Noted(0, start.Add(2*time.Hour), 26)
	if need := d.Needs(LeadTimes(nil, nil, databases), 20, 0.99); need.Surge {
		t.Errorf("nobody came, and that is a surge: %+v", need)
	}
	before := d.Needs(LeadTimes(nil, nil, databases), 20, 0.99)
	d = d.Noted(30, start.Add(2*time.Hour+3*time.Minute), 26)
	after := d.Needs(LeadTimes(nil, nil, databases), 20, 0.99)
	if !after.Surge || after.Buffer < before.Buffer+50 {
		t.Errorf("thirty came in three minutes, and needed are %+v, from %+v", after, before)
	}
}

func BenchmarkNeeds(b *testing.B) {
	d := Began(start).Noted(15, start.Add(30*time.Minute), 26)
	l := LeadTimes(nil, nil, databases)
	for b.Loop() {
		d.Needs(l, 20, 0.99)
	}
}
