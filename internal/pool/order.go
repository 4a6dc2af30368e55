package pool

import (
	"fmt"
	"time"
)

// Order makes the record of the pool's next host. Its ID and its stack's name follow from the pool's
// number, so that checks at once record one order; its mark is the caller's random draw, and tells its
// stack, gateway and shares from those of an order that bore the same name before.
func Order(r Record, p Policy, stackPrefix, mark string, now time.Time, why string) Host {
	id := r.Key.Host(r.Seq + 1)
	h := Host{
		ID: id, Kind: r.Key.Kind, Tier: r.Key.Tier,
		State: HostOrdered, Since: now, Why: why, DecidedAt: r.decidedAt(now), OrderedAt: now,
		Mark:    mark,
		Size:    p.SlotsPerHost,
		Price:   p.Price(),
		Stack:   Stack{Name: stackPrefix + string(id), Token: string(id) + "-" + mark},
		History: []Entry{{At: now, What: string(HostOrdered), Why: why}},
	}
	return Begin(h, StepOrder, now)
}

// ForReason is an order for another reason, before it is recorded.
func ForReason(ordered Host, why string) Host {
	ordered = ordered.Clone()
	ordered.Why = why
	ordered.History[len(ordered.History)-1].Why = why
	return ordered
}

// Blocked says why no host of a pool may be ordered now, in words; empty when one may.
func Blocked(r Record, p Policy, now time.Time) string {
	for _, limit := range poolLimits(r, p, now) {
		if limit.Most <= 0 {
			return fmt.Sprintf("no %s host may be ordered: %s", p.Kind, limit.Why)
		}
	}
	return ""
}
