package pool

import (
	"fmt"
	"slices"
	"time"
)

// Observed is what a plan is made from.
type Observed struct {
	Record  Record
	OnShelf int // slots of this kind set out on the tier's shelf and not taken
	Waiting int // tenants on the tier's waiting list
}

// Free is how many slots can still be given away, under a policy: those on the shelf and those in
// reserve, less what the limit of tenants keeps back.
func (o Observed) Free(p Policy) int {
	c := o.Record.Counters
	if p.TenantsPerHost > 0 {
		return o.OnShelf + c.Room.Under(p.TenantsPerHost)
	}
	return o.OnShelf + c.Reserve
}

// Provisioning is how many slots provisioning hosts will bring, under a policy; at most that, if they are of
// different sizes and a limit of tenants is in force. A host that is late brings nothing.
func (o Observed) Provisioning(p Policy, now time.Time) int {
	c := o.Record.Counters
	late, lateSlots := o.Record.Late(now)
	slots := max(0, c.ProvisioningSlots-lateSlots)
	if p.TenantsPerHost > 0 {
		return min(slots, p.Limit()*max(0, c.Provisioning-late))
	}
	return slots
}

// Assigned is how many slots tenants hold, those of cordoned hosts too.
func (o Observed) Assigned() int {
	return max(0, o.Record.Counters.Used+o.Record.Counters.CordonedUsed-o.OnShelf)
}

// ActionKind is what an action does.
type ActionKind string

// OrderHost orders one host.
const OrderHost ActionKind = "order"

// Action is one thing to do about a pool, now.
type Action struct {
	Kind   ActionKind
	Reason string // in words, with the numbers
}

// Limit bounds how many hosts may be ordered now.
type Limit struct {
	Name string // such as "ceiling"
	Most int    // hosts that may be ordered under it
	Why  string // in words, with the numbers
}

// HeldBack is what a limit holds back.
type HeldBack struct {
	Limit string
	Hosts int
}

// Plan is what to do about a pool, and why. Its actions are taken one at a time: each is planned anew,
// from what is so by then.
type Plan struct {
	Actions []Action
	Held    []HeldBack // hosts that are wanted and not ordered, by the limit that holds them back
	Reason  string     // in words, with the numbers
}

// Missing is how many hosts are wanted beyond those that are ordered now.
func (p Plan) Missing() int {
	n := 0
	for _, held := range p.Held {
		n += held.Hosts
	}
	return n
}

// Decide plans a pool: how many hosts to order, from what was observed, the policy, further limits and the
// time.
//
// Wanted are the free slots of the buffer (the larger of the number and the percentage of assigned
// slots) and one for each waiting tenant. What is free and what provisioning hosts will bring is
// subtracted, those that are late aside; what is missing is ordered in whole hosts. The floor asks for hosts too.
// Orders are held back by the backoff after failed hosts, the ceiling, the most orders at once, and by further, which
// are limits that more than this pool has to keep.
func Decide(o Observed, p Policy, further []Limit, now time.Time) Plan {
	c := o.Record.Counters
	free, provisioning := o.Free(p), o.Provisioning(p, now)
	buffer := max(p.BufferSlots, ceilDiv(o.Assigned()*p.BufferPercent, 100))
	missing := buffer + o.Waiting - free - provisioning
	hosts := ceilDiv(max(0, missing), p.Brings())
	reason := fmt.Sprintf("slots free %d + provisioning %d, wanted: buffer %d + waiting %d", free, provisioning, buffer, o.Waiting)
	late, _ := o.Record.Late(now)
	if late > 0 {
		reason += fmt.Sprintf("; %d provisioning for more than %s, which none took: not counted on", late, o.Record.LongestLead())
	}
	if there := c.InService + c.Provisioning - late; p.Floor-there > hosts {
		hosts = p.Floor - there
		reason += fmt.Sprintf("; floor %d hosts, there are %d", p.Floor, there)
	}
	if hosts == 0 {
		return Plan{Reason: reason + ": enough"}
	}
	plan, wanted := Plan{}, hosts
	for _, limit := range append(poolLimits(o.Record, p, now), further...) {
		if most := max(0, limit.Most); hosts > most {
			plan.Held = append(plan.Held, HeldBack{Limit: limit.Name, Hosts: hosts - most})
			hosts = most
			reason += "; " + limit.Why
		}
	}
	plan.Reason = fmt.Sprintf("%s: hosts missing %d, ordered now %d", reason, wanted, hosts)
	plan.Actions = slices.Repeat([]Action{{Kind: OrderHost, Reason: plan.Reason}}, hosts)
	return plan
}

// poolLimits are the limits that follow from a pool's own record and policy.
func poolLimits(r Record, p Policy, now time.Time) []Limit {
	c := r.Counters
	var limits []Limit
	if now.Before(r.BackoffUntil) {
		limits = append(limits, Limit{Name: "backoff", Why: fmt.Sprintf(
			"none before %s after %d failures in a row", r.BackoffUntil.UTC().Format(time.RFC3339), r.Failures)})
	}
	late, _ := r.Late(now)
	coming := c.Provisioning - late
	if late > 0 {
		// What makes hosts late may make all of them late: it must not fill the pool up to its ceiling.
		limits = append(limits, Limit{Name: "late", Most: 2*p.MaxOrders - c.Provisioning, Why: fmt.Sprintf(
			"%d of %d provisioning are late, and with those at most %d", late, c.Provisioning, 2*p.MaxOrders)})
	}
	return append(limits,
		Limit{Name: "ceiling", Most: p.Ceiling - c.Hosts, Why: fmt.Sprintf("ceiling %d hosts, there are %d", p.Ceiling, c.Hosts)},
		Limit{Name: "maxOrders", Most: p.MaxOrders - coming, Why: fmt.Sprintf("at most %d provisioning, there are %d", p.MaxOrders, coming)},
	)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

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
