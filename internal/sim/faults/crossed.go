package faults

import (
	"maps"
	"slices"

	"headroom/internal/pool"
)

// cross has a host fail at which something is under way that somebody waits for: a tenant that leaves or moves, what is cleared of one
// that has left, or what comes back. A gateway may be lost for good then.
func (w *world) cross() {
	crossed := w.chances[Crossed]
	if !crossed.comes() {
		return
	}
	at := map[pool.HostID]bool{}
	books := w.ledger.Books()
	for _, d := range books.Departures {
		if d.State == pool.DepartureLeaving || d.State == pool.DepartureUndoing {
			at[d.Tenant.Database.Host], at[d.Tenant.Share.Host] = true, true
		}
	}
	for _, c := range books.Clearances {
		if !c.State.Ended() {
			at[c.Holding.Host] = true
		}
	}
	for _, r := range books.Restorations {
		if !r.State.Ended() {
			at[r.Database.Host], at[r.Target.Host] = true, true
		}
	}
	var there []*host
	for _, id := range slices.Sorted(maps.Keys(at)) {
		if h := w.cloud.stacks.live[prefix+string(id)]; h != nil && h.made {
			there = append(there, h)
		}
	}
	if len(there) == 0 {
		return
	}
	h := there[crossed.draw.IntN(len(there))]
	if h.kind == pool.Share && w.cloud.seated(h) && crossed.draw.IntN(2) == 0 {
		w.cloud.lose(h, crossed)
		return
	}
	w.cloud.ail(h.name)
}
