package pool

import "math"

// retiredSlots is how many slots a host gets of a pool that never had one.
const retiredSlots = 10

// PolicyOf is the policy of a pool. One that has none any more has the one for those who wait, with the dearest price of
// its kind: its hosts are bought under the cap like all others.
func (d Document) PolicyOf(r Record) Policy {
	if p, ok := d.Pools.Of(r.Key); ok {
		return p
	}
	retired := Retired(r)
	for _, p := range d.Pools {
		if p.Kind == retired.Kind {
			retired.HostPrice = max(retired.HostPrice, p.HostPrice)
		}
	}
	return retired
}

// Retired is the policy of a pool that has none any more. Its tier takes no new tenants, and those that are known
// are served on: hosts are ordered for those who wait, and for nobody else.
func Retired(r Record) Policy {
	slots := r.Size
	if slots == 0 {
		slots = retiredSlots
	}
	return Policy{
		Kind: r.Key.Kind, Tier: r.Key.Tier, SlotsPerHost: slots, Ceiling: math.MaxInt32, MaxOrders: 1, Placement: Pack,
		KeepEmpty: defaults.KeepEmpty,
	}
}
