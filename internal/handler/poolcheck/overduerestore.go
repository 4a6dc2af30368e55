package poolcheck

import (
	"context"
	"fmt"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// restorationsAtOnce is how many restorations one check looks at, at most.
const restorationsAtOnce = 10

// retryRestorations has the steps of restorations tried again that are past their deadlines, and drops what is kept no
// longer.
func (h *Handler) retryRestorations(ctx context.Context) error {
	tenants, err := h.Ledger.OverdueRestorations(ctx, h.Now(), restorationsAtOnce)
	if err != nil {
		return fmt.Errorf("ask which restorations are overdue: %w", err)
	}
	return lookAt(ctx, tenants, h.retryRestoration)
}

// retryRestoration has the step of an overdue restoration tried again, or the restoration taken back.
func (h *Handler) retryRestoration(ctx context.Context, id pool.TenantID) error {
	// Commit point: the try is counted before it is made.
	before, r, err := ledger.UpdateRestoration(ctx, h.Ledger, id, func(r pool.Restoration) (pool.Restoration, error) {
		after, changed, err := pool.OverdueRestoration(r, h.Now())
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that the restoration of tenant %s is overdue: %w", id, err)
	case r.Version == before.Version:
		return nil
	}
	if err := h.Restores.Send(pool.OnThread(ctx, r.History), events.NewStep(events.OfRestoration, string(id), string(r.Step), r.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of the restoration of tenant %s tried again: %w", r.Step, id, err)
	}
	return nil
}
