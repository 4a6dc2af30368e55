package pool

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool/forecast"
)

// CheckEvery is how often a pool check is asked for, whatever happens: what is to be ordered, and what came into service, is seen
// by then at the latest.
const CheckEvery = time.Minute

// Estimate is how long somebody who waits will wait for.
type Estimate struct {
	Median time.Duration // as likely more as less
	Ninety time.Duration // at most, with 90 %
	Capped string        // why there is none: what keeps hosts from being ordered, in words; empty: there is one
}

// EstimateWait is how long the tenant at a place of the waiting list waits, from 1: until of each kind of which there is not
// a slot for it, as many hosts are in service as it takes, and their slots are given out. It counts hosts on their way that are
// not late, those that the next check orders, and slots that rest, as far as a plan counts on them. Where neither is on its way
// nor may be ordered what it takes, there is no estimate, and it is said why.
func (t TierSeen) EstimateWait(position int, now time.Time) Estimate {
	for k, seen := range t.Pools {
		seen.Waiting = max(seen.Waiting, position)
		t.Pools[k] = seen
	}
	plans := DecideTier(t, now)
	var shorts []forecast.Short
	var capped []string
	for _, k := range Kinds {
		seen, p := t.Pools[k], t.Policies[k]
		short := position - seen.Free(p)
		if short <= 0 {
			continue
		}
		ages, next := seen.Record.inTime(p, now), len(plans[k].Actions)
		leads := seen.Record.WaitTimes(p, now)
		hosts := ceilDiv(short, p.Brings())
		planned := seen.Record.LeadTimes(p, now)
		then := ceilDiv(max(0, short-seen.resting(planned, now)), p.Brings()) // as the plan counts
		if then > len(ages)+next {
			capped = append(capped, fmt.Sprintf("no %s host may be ordered for it: %s", k, plans[k].limits()))
		}
		one := forecast.Short{Leads: leads, Ages: ages, Next: next, Hosts: hosts, Spared: hosts - then}
		if then < hosts {
			one.Rested = seen.rested(short-then*p.Brings(), planned, now)
		}
		shorts = append(shorts, one)
	}
	if len(capped) > 0 {
		return Estimate{Capped: strings.Join(capped, "; ")}
	}
	median, known := forecast.Wait(shorts, CheckEvery, 0.5)
	ninety, also := forecast.Wait(shorts, CheckEvery, 0.9)
	if !known || !also {
		return Estimate{Capped: "nobody knows when the hosts come that are on their way"}
	}
	return Estimate{Median: median, Ninety: ninety}
}

// limits names what holds hosts of a plan back.
func (p Plan) limits() string {
	var names []string
	for _, held := range p.Held {
		names = append(names, held.Limit)
	}
	if len(names) == 0 {
		return "those that are late may come yet"
	}
	return strings.Join(names, ", ")
}
