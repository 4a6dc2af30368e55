package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// takeBack takes back what was never handed over to a tenant. There is nothing to be archived, and nothing to be undone.
func (h *Handler) takeBack(ctx context.Context, d pool.Departure) (leaving, error) {
	if left := h.othersMayBeAt(d); left > 0 {
		return leaving{Record: d, Wait: left, Because: errors.New("an invocation of its signup may still be going on")}, nil
	}
	held := func(now pool.Tenant) bool {
		return now.State == pool.TenantLeft && now.Held && pool.DepartureIDOf(now) == d.ID()
	}
	// The shelf first: what it held for a name that can't sign up again is held for this life.
	shelf, err := h.Ledger.Shelf(ctx, d.Tenant.Tier)
	if err != nil {
		return leaving{}, fmt.Errorf("look what tenant %s holds: %w", d.Tenant.ID, err)
	}
	now, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
	if err != nil {
		return leaving{}, fmt.Errorf("look whether what tenant %s held was taken back: %w", d.Tenant.ID, err)
	}
	// Else it was, by an earlier try that was cut short behind it: its name may have signed up again, and have the same slots.
	if held(now) {
		if refused, err := h.takeHeld(ctx, d, shelf, held); refused != nil {
			return h.refusedLeaving(ctx, d, refused)
		} else if err != nil {
			return leaving{}, err
		}
	}
	if err := h.Announce.TenantClosed(ctx, d); err != nil {
		return leaving{}, err
	}
	return leaving{Record: d.Proven(pool.StepCertify, h.Now(), "nothing was handed over to it; what it held is taken back")}, nil
}

// takeHeld takes back what a tenant holds whose name can't sign up again before. refused: the guard does not allow it.
func (h *Handler) takeHeld(ctx context.Context, d pool.Departure, shelf pool.Shelf, held func(pool.Tenant) bool) (refused, err error) {
	t := d.Tenant
	holds := slices.Clone(t.Returning)
	if t.Named() {
		holds = append(holds, t.Database, t.Share)
	}
	all := slices.Clone(holds)
	claim, claimed := shelf.Reclaim(t.ID)
	if claimed {
		all = append(all, pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share))
	}
	if err := h.evictUnhanded(ctx, d, all); err != nil {
		return nil, err
	}
	if err := h.closeUnhanded(ctx, d, claim, all); err != nil {
		return nil, err
	}
	if err := h.Shelf.TakeFrom(ctx, t, holds, held); err != nil {
		return nil, err
	}
	if err := h.deleteUnhanded(ctx, d); errors.Is(err, errRefused) {
		return err, nil
	} else if err != nil {
		return nil, err
	}
	// Commit point: the name can sign up again.
	_, _, err = ledger.UpdateTenant(ctx, h.Ledger, t.ID, func(now pool.Tenant) (pool.Tenant, error) {
		if !held(now) {
			return now, ledger.ErrUnchanged
		}
		now.Held = false
		return now, nil
	})
	if err != nil {
		return nil, fmt.Errorf("let the name of tenant %s sign up again: %w", t.ID, err)
	}
	return nil, nil
}

// hostsOf lists the hosts of a kind that are among what a tenant holds.
func hostsOf(kind pool.Kind, holds []pool.Holding) []pool.HostID {
	var ids []pool.HostID
	for _, has := range holds {
		if key, _, err := has.Host.Parse(); err == nil && key.Kind == kind {
			ids = append(ids, has.Host)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// evictUnhanded takes a tenant's rules away from all gateways at which its signup may have opened a share: of what it
// holds by its record, and by the shelf, which knows that only until it is taken back.
func (h *Handler) evictUnhanded(ctx context.Context, d pool.Departure, holds []pool.Holding) error {
	for _, id := range hostsOf(pool.Share, holds) {
		share, err := h.Ledger.Host(ctx, id)
		if err != nil {
			return fmt.Errorf("read host %s, at which tenant %s may be let in: %w", id, d.Tenant.ID, err)
		}
		if err := h.evict(ctx, d, share); err != nil {
			return err
		}
	}
	return nil
}

// closeUnhanded closes the databases that a tenant's signup may have opened and that are the tenant's still. They are closed
// once more when they have rested; but that may be long after the tenant is said to be out, if their host is cordoned. Those
// that were taken from it before are left to that: they may be somebody else's soon.
func (h *Handler) closeUnhanded(ctx context.Context, d pool.Departure, claim pool.Claim, holds []pool.Holding) error {
	for _, id := range hostsOf(pool.Database, holds) {
		host, err := h.Ledger.Host(ctx, id)
		if err != nil {
			return fmt.Errorf("read host %s, on which tenant %s may be let in: %w", id, d.Tenant.ID, err)
		}
		for _, slot := range host.Slots {
			has := pool.Holding{Host: id, Index: slot.Index, Generation: slot.Generation}
			of := slot.State == pool.SlotAssigned && slot.Tenant == d.Tenant.ID || has.Same(pool.HoldingOf(claim.Database))
			if !of || !host.State.Live() || !slices.ContainsFunc(holds, has.Same) {
				continue
			}
			if err := h.asMaster(ctx, host, func(login pool.Login) error { return h.Databases.Close(ctx, login, slot.Name) }); err != nil {
				return fmt.Errorf("keep tenant %s out of what it was to get: %w", d.Tenant.ID, err)
			}
		}
	}
	return nil
}
