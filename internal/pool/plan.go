package pool

import (
	"fmt"
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

// Making is how many slots hosts in the making will bring, under a policy; at most that, if they are of
// different sizes and a limit of tenants is in force.
func (o Observed) Making(p Policy) int {
	c := o.Record.Counters
	if p.TenantsPerHost > 0 {
		return min(c.MakingSlots, p.Limit()*c.Making)
	}
	return c.MakingSlots
}

// Assigned is how many slots tenants hold, those of cordoned hosts too.
func (o Observed) Assigned() int {
	return max(0, o.Record.Counters.Used+o.Record.Counters.Shut-o.OnShelf)
}

// Plan is what to do about a pool, and why.
type Plan struct {
	Orders  int    // hosts to order now
	Missing int    // hosts that are wanted beyond those, and held back
	Reason  string // in words, with the numbers
}

// Decide plans a pool: how many hosts to order, from what was observed, the policy and the time.
//
// Wanted are the free slots of the buffer (the larger of the number and the percentage of assigned
// slots) and one for each waiting tenant. What is free and what hosts in the making will bring is
// subtracted; what is missing is ordered in whole hosts. The floor asks for hosts too; the ceiling,
// the most orders at once, and the backoff after failed hosts hold orders back.
func Decide(o Observed, p Policy, now time.Time) Plan {
	c := o.Record.Counters
	free, making := o.Free(p), o.Making(p)
	buffer := max(p.BufferSlots, ceilDiv(o.Assigned()*p.BufferPercent, 100))
	missing := buffer + o.Waiting - free - making
	hosts := ceilDiv(max(0, missing), p.Brings())
	reason := fmt.Sprintf("slots free %d + in the making %d, wanted: buffer %d + waiting %d", free, making, buffer, o.Waiting)
	if short := p.Floor - c.InService - c.Making; short > hosts {
		hosts = short
		reason += fmt.Sprintf("; floor %d hosts, there are %d", p.Floor, c.InService+c.Making)
	}
	if hosts == 0 {
		return Plan{Reason: reason + ": enough"}
	}
	wanted := hosts
	if now.Before(o.Record.BackoffUntil) {
		return Plan{Missing: wanted, Reason: fmt.Sprintf("%s: %d hosts wanted, none before %s after %d failures in a row",
			reason, wanted, o.Record.BackoffUntil.UTC().Format(time.RFC3339), o.Record.Failures)}
	}
	if room := max(0, p.Ceiling-c.Hosts); hosts > room {
		hosts = room
		reason += fmt.Sprintf("; ceiling %d hosts, there are %d", p.Ceiling, c.Hosts)
	}
	if room := max(0, p.MaxOrders-c.Making); hosts > room {
		hosts = room
		reason += fmt.Sprintf("; at most %d in the making, there are %d", p.MaxOrders, c.Making)
	}
	return Plan{Orders: hosts, Missing: wanted - hosts, Reason: fmt.Sprintf("%s: hosts missing %d, ordered now %d", reason, wanted, hosts)}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Order makes the record of the pool's next host. Its ID, stack name and token follow from the
// pool's number alone, so an order that is applied twice is one order.
func Order(r Record, p Policy, stackPrefix string, now time.Time, why string) Host {
	seq := r.Seq + 1
	id := r.Key.Host(seq)
	h := Host{
		ID: id, Kind: r.Key.Kind, Tier: r.Key.Tier,
		State: Ordered, Since: now, Why: why, OrderedAt: now,
		Size:    p.SlotsPerHost,
		Stack:   Stack{Name: stackPrefix + string(id), Token: string(id)},
		History: []Entry{{At: now, What: string(Ordered), Why: why}},
	}
	return Begin(h, StepOrder, now)
}
