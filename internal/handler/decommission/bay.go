package decommission

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// takeBay takes a bay for a departure's task; false when there is none. Bays of departures that have no use of them any
// more are given back first.
func (h *Handler) takeBay(ctx context.Context, d pool.Departure) (bool, error) {
	for range rounds {
		bays, err := h.Ledger.Bays(ctx)
		if err != nil {
			return false, err
		}
		before := bays
		taken, ok := bays.Take(d.ID(), d.Tenant.Database.Host, h.AtOnce)
		if !ok {
			if bays, err = h.tidyBays(ctx, bays); err != nil {
				return false, err
			}
			taken, ok = bays.Take(d.ID(), d.Tenant.Database.Host, h.AtOnce)
		}
		if !ok || len(taken.Taken) == len(before.Taken) && before.Has(d.ID()) {
			return ok, nil
		}
		// Commit point: nobody else gets this bay.
		err = h.Ledger.SaveBays(ctx, before, taken)
		if !errors.Is(err, pool.ErrConflict) {
			return err == nil, err
		}
	}
	return false, nil
}

// tidyBays gives back what departures have taken that are not copied any more: they were killed before they did it.
func (h *Handler) tidyBays(ctx context.Context, bays pool.Bays) (pool.Bays, error) {
	for _, bay := range bays.Taken {
		d, err := h.Ledger.Departure(ctx, bay.Departure)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return bays, fmt.Errorf("look whether departure %s needs its bay: %w", bay.Departure, err)
		}
		if err != nil || !d.Copying() {
			bays = bays.Leave(bay.Departure)
		}
	}
	return bays, nil
}

// leaveBay gives the bay of a departure back.
func (h *Handler) leaveBay(ctx context.Context, id pool.DepartureID) error {
	for range rounds {
		bays, err := h.Ledger.Bays(ctx)
		if err != nil || !bays.Has(id) {
			return err
		}
		if err := h.Ledger.SaveBays(ctx, bays, bays.Leave(id)); !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("give the bay of departure %s back: %w", id, pool.ErrConflict)
}
