package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// serveWaiting has the waiting tenants of a tier served when there is something for them.
func (h *Handler) serveWaiting(ctx context.Context, tier pool.Tier) error {
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	waiters, err := h.Ledger.Waiting(ctx, tier, ledger.WaitingSeen)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	if err := h.measureWaiting(ctx, tier, waiters); err != nil {
		return err
	}
	if len(waiters) > 0 && shelf.Queue == 0 {
		if err := h.queue(ctx, shelf); err != nil {
			return err
		}
	}
	if !servable(shelf, waiters) {
		return nil
	}
	if err := h.Signups.Send(ctx, events.NewServeWaiting(string(tier)), 0); err != nil {
		return fmt.Errorf("have the waiting list of tier %s served: %w", tier, err)
	}
	return nil
}

// measureWaiting says how many tenants of a tier wait, and for how long the first has.
func (h *Handler) measureWaiting(ctx context.Context, tier pool.Tier, waiters []pool.Waiter) error {
	m := h.Metrics.Tier(string(tier))
	m.Gauge(telemetry.TenantsWaiting, len(waiters))
	if len(waiters) == 0 {
		m.Duration(telemetry.LongestWait, 0)
		return nil
	}
	first, err := h.Ledger.Tenant(ctx, waiters[0].Tenant)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read tenant %s, which waits: %w", waiters[0].Tenant, err)
	}
	m.Duration(telemetry.LongestWait, h.Now().Sub(first.RequestedAt))
	return nil
}

// servable reports whether there is something to do about a waiting list: there are pairs for those who
// wait, one of them was given slots and not taken off the list, or the shelf is kept for nobody.
func servable(shelf pool.Shelf, waiters []pool.Waiter) bool {
	if len(waiters) == 0 {
		return shelf.Queue != 0
	}
	return shelf.Pairs() > 0 || slices.ContainsFunc(waiters, func(w pool.Waiter) bool {
		_, held := shelf.Held[w.Tenant]
		return held
	})
}

// queue closes a shelf to newcomers while tenants wait. It is open then only if a tenant drew its
// number, the list was found empty and the shelf opened, and the tenant came onto the list after that.
func (h *Handler) queue(ctx context.Context, before pool.Shelf) error {
	after := before.Clone()
	after.Queue = before.Tail
	// A conflict means that the shelf is in use: the next check looks again.
	if err := h.Ledger.SaveShelf(ctx, before, after); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("close the shelf of tier %s to newcomers: %w", before.Tier, err)
	}
	return nil
}
