package sim

import (
	"math"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// keeping is a planner that keeps a number of slots free or on their way.
func keeping(buffer func(o pool.Observed, p pool.Policy, now time.Time) int) Planner {
	return Planner{hosts: func(o pool.Observed, p pool.Policy, now time.Time) int {
		c := o.Record.Counters
		missing := buffer(o, p, now) + o.Waiting - o.Free(p) - c.ProvisioningSlots
		hosts := int(math.Ceil(float64(max(0, missing)) / float64(p.Brings())))
		hosts = max(hosts, p.Floor-c.InService-c.Provisioning)
		return max(0, min(hosts, p.Ceiling-c.Hosts, p.MaxOrders-c.Provisioning))
	}}
}

// Static keeps so many slots of each kind free or on their way.
func Static(slots int) Planner {
	return keeping(func(pool.Observed, pool.Policy, time.Time) int { return slots })
}

// Percentage keeps a percentage of the assigned slots free or on their way, and one slot at least.
func Percentage(percent float64) Planner {
	return keeping(func(o pool.Observed, _ pool.Policy, _ time.Time) int {
		return max(1, int(math.Ceil(float64(o.Assigned())*percent/100)))
	})
}

// leadPoints is how many points stand for the distribution of lead times that is known.
const leadPoints = 200

// Known is the buffer that knows the rate, the count of the series in each interval, and how long hosts take: what no
// planner can, and what they are measured by.
func Known(o Options, serve float64) Planner {
	counts := map[int64]int{}
	for _, at := range o.Demand.arrivals(o.Seed) {
		counts[int64(at.Sub(o.Demand.First())/o.Demand.Interval)]++
	}
	leads := map[pool.Kind]forecast.Leads{}
	for kind, l := range o.Leads {
		took := make([]time.Duration, leadPoints)
		for i := range took {
			took[i] = l.Quantile((float64(i) + 0.5) / leadPoints)
		}
		leads[kind] = forecast.Measured(took)
	}
	type asked struct {
		count int
		kind  pool.Kind
	}
	known := map[asked]int{}
	return keeping(func(_ pool.Observed, p pool.Policy, now time.Time) int {
		count := counts[int64(now.Sub(o.Demand.First())/o.Demand.Interval)]
		buffer, seen := known[asked{count, p.Kind}]
		if !seen && count > 0 {
			buffer = forecast.Buffer(forecast.Known(float64(count)/o.Demand.Interval.Minutes()), leads[p.Kind], p.Brings(), serve)
			known[asked{count, p.Kind}] = buffer
		}
		return buffer
	})
}
