package pool

import (
	"math"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool/forecast"
)

// Ahead is what lies ahead of a tier.
type Ahead struct {
	Empty time.Duration // how long pairs last that are free now, with nothing that is coming: the median
	Early time.Duration // and with one chance in ten that they last less
	Risk  float64       // how likely somebody must wait within the lead time that 90 of 100 hosts stay below, with what is coming
	Days  map[Kind]int  // until a pool meets the first of its limits, at the pace of the last weeks

	Ends map[Kind][]End // those limits, the nearest first
}

// End is a limit that a pool will meet.
type End struct {
	Limit string // as plans name it, such as "ceiling"
	Days  int    // until then, at the pace of the last weeks; 3650: ten years or more
}

// RiskRings is the risk at which people hear of it, in percent: that somebody must wait is likelier than that nobody must. A pool
// that serves 99 of 100 at once comes to a chance of 10 % or more by itself each time that a host's slots are nearly gone before
// the next host is ready, and the larger hosts are the more so.
const RiskRings = 50

// daysMost is how far days are counted: ten years.
const daysMost = 3650

// Ahead looks ahead.
func (t TierSeen) Ahead(now time.Time) Ahead {
	ahead := Ahead{Days: map[Kind]int{}, Ends: map[Kind][]End{}}
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
		ahead.Ends[k] = t.ends(k)
		ahead.Days[k] = ahead.Ends[k][0].Days
	}
	ahead.Empty, ahead.Early = demand.Empty(pairs)
	return ahead
}

// ends are the limits that a pool will meet, the nearest first.
func (t TierSeen) ends(k Kind) []End {
	seen, p := t.Pools[k], t.Policies[k]
	in := func(hosts int) int {
		slots := float64(seen.Free(p)) + float64(max(0, hosts))*float64(p.Brings())
		return int(min(daysMost, slots/seen.Demand.PerDay()))
	}
	ends := []End{{Limit: "ceiling", Days: in(p.Ceiling - seen.Record.Counters.Hosts)}}
	if a, b := t.Policies[Database], t.Policies[Share]; t.Budget.Cap > 0 {
		// A tenant takes a part of a host of each kind.
		each := float64(a.Price())/float64(a.Brings()) + float64(b.Price())/float64(b.Brings())
		if left := float64(max(0, t.Budget.Cap-t.Budget.Spent)); each > 0 {
			ends = append(ends, End{Limit: "moneyCap", Days: in(int(left/each) / p.Brings())})
		}
	}
	for _, l := range t.Limits[k] {
		if strings.HasPrefix(l.Name, quotaPrefix) {
			ends = append(ends, End{Limit: l.Name, Days: in(l.Most)})
		}
	}
	slices.SortStableFunc(ends, func(a, b End) int { return a.Days - b.Days })
	return ends
}
