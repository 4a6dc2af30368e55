package pool

import (
	"fmt"
	"time"
)

// TierSeen is what the plans of both pools of a tier are made from.
type TierSeen struct {
	Pools    map[Kind]Observed
	Policies map[Kind]Policy
	Budget   Budget
	Limits   map[Kind][]Limit // further ones, that more than a pool has to keep
}

// DecideTier plans both pools of a tier, under what they share: the budget. Near its cap, where the money does not
// suffice for all that is wanted of both, only the kind that is shorter in pairs is ordered: the other one's slots
// would wait for theirs. Where both are as short, as many of each are ordered as there is money for both of.
func DecideTier(t TierSeen, now time.Time) map[Kind]Plan {
	plans, lasts := make(map[Kind]Plan, len(Kinds)), t.Pools[Database].lasts()
	for _, k := range Kinds {
		plans[k] = t.decide(k, nil, lasts, now)
	}
	if !t.near(plans) {
		return plans
	}
	databases, shares := t.there(Database, now), t.there(Share, now)
	hold := func(k Kind, why string) {
		if len(plans[k].Actions) > 0 {
			plans[k] = t.decide(k, []Limit{{Name: "moneyCap", Why: why}}, lasts, now)
		}
	}
	switch {
	case databases > shares:
		hold(Database, "near the cap shares go first, which are fewer")
	case shares > databases:
		hold(Share, "near the cap databases go first, which are fewer")
	default:
		// Each plan alone has the whole budget: as many of each kind are ordered as both can be paid of.
		both := t.Policies[Database].Price() + t.Policies[Share].Price()
		pairs := Limit{Name: "moneyCap", Most: int(max(0, t.Budget.Cap-t.Budget.Spent) / max(1, both)), Why: "there is no money for a host of each kind, and one alone serves nobody"}
		if pairs.Most > 0 {
			pairs.Why = fmt.Sprintf("there is money for %d hosts of each kind", pairs.Most)
		}
		for _, k := range Kinds {
			if len(plans[k].Actions) > pairs.Most {
				plans[k] = t.decide(k, []Limit{pairs}, lasts, now)
			}
		}
	}
	return plans
}

// near reports whether both kinds are wanted, and there is not the money for all of that.
func (t TierSeen) near(plans map[Kind]Plan) bool {
	wanted := Cents(0)
	for _, k := range Kinds {
		hosts := len(plans[k].Actions) + plans[k].heldBy("moneyCap")
		if hosts == 0 {
			return false
		}
		wanted += t.Policies[k].Price() * Cents(hosts)
	}
	return !t.Budget.Allows(wanted)
}

// there is how many slots of a kind are free or coming.
func (t TierSeen) there(k Kind, now time.Time) int {
	return t.Pools[k].Free(t.Policies[k]) + t.Pools[k].Coming(t.Policies[k], now)
}

// decide plans a pool. lasts is how long the tier's pairs last, which both pools' plans say.
func (t TierSeen) decide(k Kind, further []Limit, lasts time.Duration, now time.Time) Plan {
	limits := append(append([]Limit(nil), t.Limits[k]...), further...)
	if l, ok := t.Budget.limit(t.Policies[k]); ok {
		limits = append(limits, l)
	}
	return decide(t.Pools[k], t.Policies[k], limits, lasts, now)
}

// heldBy is how many hosts a limit holds back.
func (p Plan) heldBy(name string) int {
	n := 0
	for _, held := range p.Held {
		if held.Limit == name {
			n += held.Hosts
		}
	}
	return n
}
