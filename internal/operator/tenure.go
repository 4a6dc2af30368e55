package operator

import (
	"context"
	"maps"
	"slices"
	"time"

	"headroom/internal/pool"
)

// slotsOf are a host's slots as their tenants' records have them. Who took a slot from the shelf has it from then on; the
// host's record names him only once several have taken some, with the time at which that was written.
func (o *Operator) slotsOf(ctx context.Context, h pool.Host, shelf pool.Shelf) ([]Slot, error) {
	holders := map[int]pool.TenantID{}
	for _, s := range h.Slots {
		if s.State == pool.SlotAssigned {
			holders[s.Index] = s.Tenant
		}
	}
	for tenant, hold := range shelf.Held {
		for _, l := range hold.Listed() {
			if l.Kind == h.Kind && l.Host(h.Tier) == h.ID {
				holders[l.Offer.Index] = tenant
			}
		}
	}
	tenants, err := o.Ledger.Tenants(ctx, slices.Sorted(maps.Values(holders)))
	if err != nil {
		return nil, err
	}
	var view []Slot
	for _, s := range h.Slots {
		seen := Slot{
			Index: s.Index, Generation: s.Generation, Name: s.Name, State: s.State, Since: s.Since.UTC(), Tenant: s.Tenant, Share: s.Share, Bucket: s.Bucket, Doubt: s.Doubt,
		}
		t := tenants[holders[s.Index]]
		if since, has := tenure(t, h.Kind, pool.Holding{Host: h.ID, Index: s.Index, Generation: s.Generation}); has {
			seen.State, seen.Tenant, seen.Since = pool.SlotAssigned, t.ID, since
		}
		view = append(view, seen)
	}
	return view, nil
}

// tenure is since when a tenant that has its storage has a slot, by its record; false: it does not have this one.
func tenure(t pool.Tenant, kind pool.Kind, slot pool.Holding) (since time.Time, has bool) {
	held, since := t.Share, t.ReadyAt
	if kind == pool.Database {
		held = t.Database
		if !t.MovedAt.IsZero() {
			since = t.MovedAt
		}
	}
	return since.UTC(), t.State == pool.TenantReady && held.Same(slot)
}
