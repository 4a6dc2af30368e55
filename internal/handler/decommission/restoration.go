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

// restoreWait is the time between two looks at a restoration that ends.
const restoreWait = time.Minute

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
	_, r, err = ledger.UpdateRestoration(ctx, h.Ledger, tenant, func(r pool.Restoration) (pool.Restoration, error) {
		after, changed, err := r.Expire(c.Holding, h.Now())
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, err
	})
	if err != nil {
		return nil, fmt.Errorf("end the restoration of tenant %s, which leaves: %w", tenant, err)
	}
	// Also where it was ended before: an earlier try may have been killed before it sent this.
	if err := h.Restores.Send(ctx, events.NewStep(events.OfRestoration, string(tenant), string(r.Step), r.Count+1), 0); err != nil {
		return nil, fmt.Errorf("have the restoration of tenant %s ended: %w", tenant, err)
	}
	return fmt.Errorf("restoration %s has copies of its database still, and is ended", r.ID()), nil
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
