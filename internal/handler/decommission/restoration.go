package decommission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	// restoreWait is the time between two looks at a restoration that ends.
	restoreWait = time.Minute
	// moveWait is that between two looks at a move that ends: it may let a tenant in that leaves.
	moveWait = 5 * time.Second
)

// endRestoration ends what a restoration has of a clearance's database: copies that it fills, and databases that it keeps,
// in all of which the tenant's role owns things. The function that restores takes them away. It says why there is something
// still; nil when there is nothing.
func (h *Handler) endRestoration(ctx context.Context, c pool.Clearance) (waits, err error) {
	tenant := c.Departure.Tenant()
	r, err := h.Ledger.Restoration(ctx, tenant)
	if errors.Is(err, pool.ErrNotFound) || err == nil && !r.Has(c.Holding) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err = h.expire(ctx, tenant, c.Holding)
	if err != nil {
		return nil, err
	}
	return fmt.Errorf("restoration %s has copies of its database still, and is ended", r.ID()), nil
}

// expire ends what a restoration has of a holding whose tenant leaves, and has it gone on with.
func (h *Handler) expire(ctx context.Context, tenant pool.TenantID, has pool.Holding) (pool.Restoration, error) {
	return h.endBy(ctx, tenant, func(r pool.Restoration) (pool.Restoration, bool, error) { return r.Expire(has, h.Now()) })
}

// endBy ends something of a restoration by what end makes of it, and has it gone on with.
func (h *Handler) endBy(ctx context.Context, tenant pool.TenantID, end func(pool.Restoration) (pool.Restoration, bool, error)) (pool.Restoration, error) {
	_, r, err := ledger.UpdateRestoration(ctx, h.Ledger, tenant, func(r pool.Restoration) (pool.Restoration, error) {
		after, changed, err := end(r)
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, err
	})
	if err != nil {
		return r, fmt.Errorf("end the restoration of tenant %s, which leaves: %w", tenant, err)
	}
	// Also where it was ended before: an earlier try may have been killed before it sent this.
	if err := h.Restores.Send(ctx, events.NewStep(events.OfRestoration, string(tenant), string(r.Step), r.Count+1), 0); err != nil {
		return r, fmt.Errorf("have the restoration of tenant %s ended: %w", tenant, err)
	}
	return r, nil
}

// endMove ends the move of a tenant that leaves: one that has not come to its switch comes to nothing, and one that has comes
// to its end. It says that it has not ended yet; nil when there is none.
func (h *Handler) endMove(ctx context.Context, d pool.Departure) (waits, err error) {
	has := d.Tenant.Database
	r, err := h.Ledger.Restoration(ctx, d.Tenant.ID)
	if errors.Is(err, pool.ErrNotFound) || err == nil && (!r.Move || r.State.Ended() || !r.Database.Same(has) && !r.Target.Same(has)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a move of tenant %s, which leaves: %w", d.Tenant.ID, err)
	}
	if r.State == pool.RestorationRestoring && r.Database.Same(has) {
		// What is kept is not touched: the departure may be undone.
		if r, err = h.endBy(ctx, d.Tenant.ID, func(r pool.Restoration) (pool.Restoration, bool, error) { return r.CallOff(has, h.Now()) }); err != nil {
			return nil, err
		}
	}
	return fmt.Errorf("%s is under way still", r.ID()), nil
}

// movedAway says that a slot which a tenant moved away from is cleared.
func (h *Handler) movedAway(ctx context.Context, move pool.RestorationID) error {
	tenant, _, _ := move.Parse()
	r, err := h.Ledger.Restoration(ctx, tenant)
	if err != nil {
		return fmt.Errorf("look for the moves of tenant %s: %w", tenant, err)
	}
	if err := h.Restores.Send(ctx, events.NewStep(events.OfRestoration, string(tenant), string(pool.StepSweep), r.Count+1), 0); err != nil {
		return fmt.Errorf("say that the slot of before %s is cleared: %w", move, err)
	}
	return nil
}

// swapsBack says that another database is still to take the place of a tenant's that leaves: what is in it now is not what
// is to be archived. It is nil where none is.
func (h *Handler) swapsBack(ctx context.Context, d pool.Departure) (waits, err error) {
	r, err := h.Ledger.Restoration(ctx, d.Tenant.ID)
	if errors.Is(err, pool.ErrNotFound) || err == nil && (r.State != pool.RestorationUndoing || !r.Database.Same(d.Tenant.Database)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a restoration that is being undone: %w", err)
	}
	return fmt.Errorf("restoration %s is being undone", r.ID()), nil
}

// forgetRestoration has the record go of how a tenant that leaves for good went back in time. Until what it says has come to
// its end, it says why that waits.
func (h *Handler) forgetRestoration(ctx context.Context, d pool.Departure) (waits, err error) {
	for range rounds {
		r, err := h.Ledger.Restoration(ctx, d.Tenant.ID)
		if errors.Is(err, pool.ErrNotFound) || err == nil && r.Mark != d.Tenant.Mark {
			return nil, nil // there is none, or it is of a later life
		}
		if err != nil {
			return nil, err
		}
		if why := r.Forgettable(); why != nil {
			return why, nil
		}
		t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
		if err != nil {
			return nil, fmt.Errorf("read tenant %s, whose restorations are to be forgotten: %w", d.Tenant.ID, err)
		}
		// Commit point: who it was that wanted it is in the audit alone.
		if err := h.Ledger.ForgetRestoration(ctx, r, t, r.Forgotten(t)); !errors.Is(err, pool.ErrConflict) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("forget the restorations of tenant %s: %w", d.Tenant.ID, pool.ErrConflict)
}
