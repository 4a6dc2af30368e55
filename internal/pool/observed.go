package pool

import (
	"time"

	"headroom/internal/pool/forecast"
)

// Observed is what a plan is made from.
type Observed struct {
	Record   Record
	OnShelf  int // slots of this kind set out on the tier's shelf and not taken
	Waiting  int // tenants on the tier's waiting list
	Demand   forecast.Demand
	Pairs    int           // tenants of the tier that can be served from what is free of both kinds
	CoolDown time.Duration // how long slots rest before they are free again
	Rests    []time.Time   // where that is longer than a host takes: when slots that rest are free again, the earliest first
}

// Free is how many slots can still be given away, under a policy: those on the shelf and those in
// reserve, less what the limit of tenants keeps back.
func (o Observed) Free(p Policy) int { return o.Record.Counters.free(o.OnShelf, p.TenantsPerHost) }

// free is how many slots can still be given away, with so many on the shelf, where hosts take so many tenants; 0: as many as they
// have slots.
func (c Counters) free(onShelf, limit int) int {
	if limit > 0 {
		return onShelf + c.Room.Under(limit)
	}
	return onShelf + c.Reserve
}

// Coming is how many slots are on their way, under a policy: those that hosts bring which are not late, at most that if
// hosts are of different sizes and a limit of tenants is in force, and those that rest no longer, from now on, than a host takes.
func (o Observed) Coming(p Policy, now time.Time) int {
	late, slots := o.Record.Late(p, now)
	return o.provisioning(p, late, slots) + o.resting(o.Record.LeadTimes(p, now), now)
}

// provisioning is how many slots hosts will bring, less those of the hosts that are late.
func (o Observed) provisioning(p Policy, late, lateSlots int) int {
	c := o.Record.Counters
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
