package pool_test

import (
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
