package pool_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// forecasting is a policy that keeps what is forecast, and a pool whose hosts took twelve minutes, seldom thirty.
func forecasting() (pool.Policy, pool.Record) {
	p := buffered(0, 0)
	p.ServeAtOnce, p.MaxOrders, p.Ceiling = 99, 32, 100
	r := pool.Record{Key: shares}
	for i := range 30 {
		took := 12 * time.Minute
		if i == 0 {
			took = 30 * time.Minute
		}
		r.Leads = append(r.Leads, pool.Lead{At: now, Took: took})
	}
	return p, r
}

// steady is the demand after a day of so many an hour.
func steady(perHour int, until time.Time) forecast.Demand {
	start := until.Add(-24 * time.Hour)
	d := forecast.Began(start)
	for minute := 1; minute <= 24*60; minute++ {
		d = d.Noted(int64(perHour*minute/60), start.Add(time.Duration(minute)*time.Minute), 20)
	}
	return d
}

func TestAPlanByForecastSaysWhatItIsMadeFrom(t *testing.T) {
	p, r := forecasting()
	r.Counters = pool.Counters{Hosts: 2, InService: 1, Provisioning: 1, ProvisioningSlots: 10, Reserve: 12, Slots: 20, Used: 8}
	plan := pool.Decide(pool.Observed{Record: r, Demand: steady(41, now), Pairs: 6}, p, nil, now)
	const want = "share standard: 12 free + 10 coming; wanted 23 for 99 % over lead 12 (p99 33) min at 42/h, spread 0; time to empty 8.2 min; 1 ordered"
	if plan.Reason != want || len(plan.Actions) != 1 {
		t.Errorf("%s", plan.Reason)
	}
}

func TestWhatIsScheduledCountsALeadTimeBefore(t *testing.T) {
	p, r := forecasting()
	launch := pool.Scheduled{From: now.Add(3 * time.Hour), Until: now.Add(5 * time.Hour), Free: 200}
	p.Scheduled = []pool.Scheduled{launch}
	p99 := r.LeadTimes(p, now).P99()
	for at, want := range map[time.Time]bool{
		launch.From.Add(-p99 - time.Second): false, launch.From.Add(-p99): true, launch.From: true, launch.Until.Add(-1): true, launch.Until: false,
	} {
		plan := pool.Decide(pool.Observed{Record: r, Demand: steady(1, now)}, p, nil, at)
		if got := plan.Buffer == 200; got != want {
			t.Errorf("at %s from the launch on, wanted are %d: %s", at.Sub(launch.From), plan.Buffer, plan.Reason)
		}
		if want && !strings.Contains(plan.Reason, "wanted 200 (scheduled until ") {
			t.Errorf("%s", plan.Reason)
		}
	}
}

// A forecast is held against what came a mean lead time of databases later, and counts if it was made about then. Of eight lead times
// of ten minutes and one of a hundred the mean is 20.5 minutes, and 90 of 100 are below 64: half an hour is about the one, and not
// about the other.
func TestForecastsLookAMeanLeadTimeOfDatabasesAhead(t *testing.T) {
	leads := forecast.Measured(append(slices.Repeat([]time.Duration{10 * time.Minute}, 8), 100*time.Minute))
	o := pool.Outlook{}.Noted(0, leads, now).Noted(3, leads, now.Add(30*time.Minute))
	if o.Demand.Spread.Weight == 0 {
		t.Error("after half an hour the forecast is held against nothing")
	}
	o = pool.Outlook{}.Noted(0, leads, now).Noted(3, leads, now.Add(32*time.Minute))
	if o.Demand.Spread.Weight != 0 {
		t.Error("after 32 minutes it is")
	}
}

func TestTheLargestBufferCounts(t *testing.T) {
	p, r := forecasting()
	seen := pool.Observed{Record: r, Demand: steady(41, now)}
	byForecast := pool.Decide(seen, p, nil, now).Buffer
	p.BufferSlots = byForecast + 1
	if plan := pool.Decide(seen, p, nil, now); plan.Buffer != byForecast+1 || !strings.Contains(plan.Reason, "wanted 24; ") {
		t.Errorf("%s", plan.Reason)
	}
	p.BufferSlots = byForecast - 1
	if plan := pool.Decide(seen, p, nil, now); plan.Buffer != byForecast {
		t.Errorf("%s", plan.Reason)
	}
}

func BenchmarkDecide(b *testing.B) {
	p, r := forecasting()
	seen := pool.Observed{Record: r, Demand: steady(41, now), Pairs: 6}
	for b.Loop() {
		pool.Decide(seen, p, nil, now)
	}
}
