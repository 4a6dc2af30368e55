package forecast

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func sorted(s []float64) []float64 { slices.Sort(s); return s }

func drawAges(t *rapid.T, n int) []time.Duration {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(-60, 3600).Draw(t, "age")) * time.Second
	}), n, n).Draw(t, "ages")
}

func TestWaitsGrowWithThePositionAndTheChance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		coming := rapid.IntRange(1, 8).Draw(rt, "coming")
		s := Short{Leads: drawLeads(rt), Ages: drawAges(rt, coming)}
		last := time.Duration(0)
		for hosts := range coming + 1 {
			s.Hosts = hosts
			median, ok := Wait([]Short{s}, 0, 0.5)
			ninety, also := Wait([]Short{s}, 0, 0.9)
			if !ok || !also || median < last || ninety < median {
				rt.Errorf("for %d of %d hosts the wait is %s, or %s with 90 %%; for one less it is %s", hosts, coming, median, ninety, last)
			}
			last = median
		}
		if s.Hosts++; s.Hosts > coming {
			if wait, ok := Wait([]Short{s}, 0, 0.5); ok {
				rt.Errorf("for a host that is not on its way the wait is %s", wait)
			}
		}
	})
}

func TestSlotsThatRestAreWaitedForNoLongerThanTheyRest(t *testing.T) {
	l := LeadTimes(nil, nil, databases)
	at := func(s Short) (median, ninety time.Duration) {
		median, ok := Wait([]Short{s}, 0, 0.5)
		ninety, also := Wait([]Short{s}, 0, 0.9)
		if !ok || !also {
			t.Fatalf("for %+v there is no wait", s)
		}
		return median, ninety
	}
	if median, ninety := at(Short{Leads: l, Hosts: 1, Rested: 10 * time.Minute, Spared: 1}); median.Round(time.Second) != 10*time.Minute || ninety.Round(time.Second) != 10*time.Minute {
		t.Errorf("without a host on its way: %s, %s", median, ninety)
	}
	old := []time.Duration{25 * time.Minute}
	alone, _ := at(Short{Leads: l, Ages: old, Hosts: 1})
	_, both := at(Short{Leads: l, Ages: old, Hosts: 1, Rested: 10 * time.Minute, Spared: 1})
	if sooner, _ := at(Short{Leads: l, Ages: old, Hosts: 1, Rested: time.Hour, Spared: 1}); sooner != alone || both.Round(time.Second) > 10*time.Minute {
		t.Errorf("with a host that comes before they are free %s, not %s; with one that may come after, %s", sooner, alone, both)
	}
	if _, ok := Wait([]Short{{Leads: l, Hosts: 2, Rested: time.Minute, Spared: 1}}, 0, 0.5); ok {
		t.Error("a host that is not on its way is waited for")
	}
}

// A lead time of ten minutes that hosts always take, and looks every minute. On its way since it was decided on, a host is there
// in ten minutes, and is found half a minute later on average, at most a minute. One that the next look orders comes behind up to
// a minute more: the sum of both delays is below x (up to 1) with a chance of x²/2, so below 1 with ½, and below 2 − √0.2 = 1.553
// with 0.9. What is free already is found in between too. Six looks stand for all, each for ten seconds: that is the error here.
func TestAWaitHasTheTimesUntilTheNextLooks(t *testing.T) {
	l := Measured(slices.Repeat([]time.Duration{10 * time.Minute}, 1000)) // so many that hardly any is expected to take longer
	for name, test := range map[string]struct {
		shorts         []Short
		median, ninety float64 // minutes
	}{
		"on its way":                     {[]Short{{Leads: l, Ages: []time.Duration{0}, Hosts: 1}}, 10.5, 10.9},
		"half way":                       {[]Short{{Leads: l, Ages: []time.Duration{5 * time.Minute}, Hosts: 1}}, 5.5, 5.9},
		"ordered by the next":            {[]Short{{Leads: l, Next: 1, Hosts: 1}}, 11, 10 + 2 - math.Sqrt(0.2)},
		"one of either":                  {[]Short{{Leads: l, Ages: []time.Duration{5 * time.Minute}, Next: 1, Hosts: 2}}, 11, 10 + 2 - math.Sqrt(0.2)},
		"free, and to be set out":        {nil, 0.5, 0.9},
		"rested in a quarter of an hour": {[]Short{{Leads: l, Hosts: 1, Rested: 15 * time.Minute, Spared: 1}}, 15.5, 15.9},
	} {
		median, ok := Wait(test.shorts, time.Minute, 0.5)
		ninety, also := Wait(test.shorts, time.Minute, 0.9)
		if !ok || !also || math.Abs(median.Minutes()-test.median) > 1.0/6 || math.Abs(ninety.Minutes()-test.ninety) > 1.0/6 {
			t.Errorf("%s: %s, and %s with 90 %%, want %.2f and %.2f minutes", name, median, ninety, test.median, test.ninety)
		}
	}
	if _, ok := Wait([]Short{{Leads: l, Ages: []time.Duration{0}, Next: 1, Hosts: 3}}, time.Minute, 0.5); ok {
		t.Error("a host that is neither on its way nor ordered is waited for")
	}
}

func TestWhoLacksNothingWaitsForNothing(t *testing.T) {
	if wait, ok := Wait(nil, 0, 0.9); !ok || wait != 0 {
		t.Errorf("the wait is %s, %t", wait, ok)
	}
}

func TestAWaitForOneNewHostIsTheLeadTime(t *testing.T) {
	l := LeadTimes(nil, nil, databases)
	wait, ok := Wait([]Short{{Leads: l, Ages: []time.Duration{0}, Hosts: 1}}, 0, 0.5)
	if !ok {
		t.Fatal("there is no wait")
	}
	near(t, "the wait", wait.Minutes(), 26, 1e-3)
	// A host that is half an hour old is past what most take: it may come soon.
	older, _ := Wait([]Short{{Leads: l, Ages: []time.Duration{30 * time.Minute}, Hosts: 1}}, 0, 0.5)
	if older >= wait || older <= 0 {
		t.Errorf("for a host of half an hour the wait is %s", older)
	}
}

func TestBothKindsTakeLongerThanOne(t *testing.T) {
	one := Short{Leads: LeadTimes(nil, nil, databases), Ages: []time.Duration{0}, Hosts: 1}
	both, _ := Wait([]Short{one, one}, 0, 0.5)
	alone, _ := Wait([]Short{one}, 0, 0.5)
	if both <= alone {
		t.Errorf("both take %s, one takes %s", both, alone)
	}
}

func TestTimeToEmpty(t *testing.T) {
	d := weeks(1, func(minute int) int { return minute % 2 }) // thirty an hour
	median, tenth := d.Empty(30)
	near(t, "the median in minutes", median.Minutes(), 60, 0.1)
	if tenth >= median || tenth < 30*time.Minute {
		t.Errorf("with one in ten it is %s", tenth)
	}
	if median, tenth = d.Empty(0); median != 0 || tenth != 0 {
		t.Errorf("nothing free lasts %s and %s", median, tenth)
	}
}

func TestTheRiskOfAPoolThatHasEnoughIsSmall(t *testing.T) {
	d := weeks(1, func(minute int) int { return minute % 2 })
	l := LeadTimes(nil, nil, databases)
	need := d.Needs(l, 20, 0.99)
	if risk := d.Risk(Stock{Leads: l, Free: need.Buffer, Batch: 20}); risk > 0.1 {
		t.Errorf("with %d free the risk is %.3f", need.Buffer, risk)
	}
	if risk := d.Risk(Stock{Leads: l, Free: 3, Batch: 20}); risk < 0.5 {
		t.Errorf("with three free the risk is %.3f", risk)
	}
	coming := d.Risk(Stock{Leads: l, Free: 3, Batch: 20, Ages: []time.Duration{25 * time.Minute, 25 * time.Minute}})
	if coming >= d.Risk(Stock{Leads: l, Free: 3, Batch: 20}) {
		t.Errorf("with two hosts on their way the risk is %.3f", coming)
	}
}

func TestNothingIsNaN(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, now := drawDemand(rt)
		if rapid.Bool().Draw(rt, "many") {
			d = d.Noted(d.Signups+1_000_000, now.Add(time.Duration(rapid.IntRange(-10, 60).Draw(rt, "minutes"))*time.Minute), 26)
		}
		switch rapid.IntRange(0, 9).Draw(rt, "history") {
		case 0:
			d = Demand{} // nothing was ever noted
		case 1, 2, 3:
			for range rapid.IntRange(1, 9).Draw(rt, "watched") {
				now = now.Add(time.Duration(rapid.IntRange(-90, 900).Draw(rt, "minutes later")) * time.Minute)
				d = d.Noted(d.Signups+int64(rapid.IntRange(0, 99).Draw(rt, "came")), now, 26).Watched(rapid.IntRange(0, 99).Draw(rt, "pairs"))
			}
		}
		l, batch := drawLeads(rt), drawBatch(rt)
		need := d.Needs(l, batch, drawServe(rt, 0.5))
		if need.Buffer < 0 || need.Buffer > MostBuffer {
			rt.Errorf("the buffer is %d", need.Buffer)
		}
		free := rapid.IntRange(0, 10_000).Draw(rt, "free")
		median, tenth := d.Empty(free)
		if tenth < 0 || median < tenth || median > Forever {
			rt.Errorf("%d free last %s and %s", free, median, tenth)
		}
		wait, known := Wait([]Short{{Leads: l, Ages: drawAges(rt, 3), Hosts: rapid.IntRange(0, 3).Draw(rt, "hosts")}}, 0, 0.9)
		if known && (wait < 0 || wait > Forever) {
			rt.Errorf("the wait is %s", wait)
		}
		risk := d.Risk(Stock{Leads: l, Free: free, Batch: batch, Ages: drawAges(rt, 3)})
		for name, x := range map[string]float64{"rate": d.PerHour(), "rate a day": d.PerDay(), "stretch": math.Exp(d.Trust.Stretch), "spread": d.Spread.C(), "mean lead": l.Mean(), "risk": risk} {
			if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
				rt.Errorf("the %s is %v", name, x)
			}
		}
	})
}

func TestNothingNotedIsPlannedFor(t *testing.T) {
	need := Demand{}.Needs(LeadTimes(nil, nil, databases), 20, 0.99)
	if need.Buffer < 1 || need.Buffer > 10 {
		t.Errorf("with nothing noted the buffer is %d", need.Buffer)
	}
}
