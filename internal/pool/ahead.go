package pool

import (
	"math"
	"time"

	"headroom/internal/pool/forecast"
)

// Ahead is what lies ahead of a tier.
type Ahead struct {
	Empty time.Duration // how long pairs last that are free now, with nothing that is coming: the median
	Early time.Duration // and with one chance in ten that they last less
	Risk  float64       // how likely somebody must wait within the lead time that 90 of 100 hosts stay below, with what is coming
	Days  map[Kind]int  // until a pool meets its ceiling or the cap on money, at the pace of the last weeks
}

// daysMost is how far days are counted: ten years.
const daysMost = 3650

// Ahead looks ahead.
func (t TierSeen) Ahead(now time.Time) Ahead {
	ahead := Ahead{Days: map[Kind]int{}}
	pairs, demand := math.MaxInt, forecast.Demand{}
	for _, k := range Kinds {
		seen, p := t.Pools[k], t.Policies[k]
		demand = seen.Demand
		pairs = min(pairs, seen.Free(p))
		if seen.Waiting > 0 {
			ahead.Risk = 1
		}
		ahead.Risk = max(ahead.Risk, demand.Risk(forecast.Stock{
			Leads: seen.Record.LeadTimes(p, now), Free: seen.Free(p), Batch: p.Brings(), Ages: seen.Record.inTime(p, now),
		}))
		ahead.Days[k] = t.days(k)
	}
	ahead.Empty, ahead.Early = demand.Empty(pairs, 0.5), demand.Empty(pairs, 0.1)
	return ahead
}

// days is in how many days a pool meets its ceiling or the cap.
func (t TierSeen) days(k Kind) int {
	seen, p := t.Pools[k], t.Policies[k]
	hosts := p.Ceiling - seen.Record.Counters.Hosts
	if a, b := t.Policies[Database], t.Policies[Share]; t.Budget.Cap > 0 {
		// A tenant takes a part of a host of each kind.
		each := float64(a.Price())/float64(a.Brings()) + float64(b.Price())/float64(b.Brings())
		if left := float64(max(0, t.Budget.Cap-t.Budget.Spent)); each > 0 {
			hosts = min(hosts, int(left/each)/p.Brings())
		}
	}
	slots := float64(seen.Free(p)) + float64(max(0, hosts))*float64(p.Brings())
	return int(min(daysMost, slots/seen.Demand.PerDay()))
}
