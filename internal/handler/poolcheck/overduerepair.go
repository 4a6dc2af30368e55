package poolcheck

import (
	"context"
	"fmt"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// repairsAtOnce is how many repairs one check looks at, at most.
const repairsAtOnce = 10

// retryRepairs has the steps of repairs tried again that are past their deadlines.
func (h *Handler) retryRepairs(ctx context.Context) error {
	hosts, err := h.Ledger.OverdueRepairs(ctx, h.Now(), repairsAtOnce)
	if err != nil {
		return fmt.Errorf("ask which repairs are overdue: %w", err)
	}
	return lookAt(ctx, hosts, h.retryRepair)
}

// retryRepair has the step of an overdue repair tried again, or another way chosen.
func (h *Handler) retryRepair(ctx context.Context, id pool.HostID) error {
	// Commit point: the try is counted before it is made.
	before, r, err := ledger.UpdateRepair(ctx, h.Ledger, id, func(r pool.Repair) (pool.Repair, error) {
		after, changed, err := pool.OverdueRepair(r, h.Now())
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that the repair of %s is overdue: %w", id, err)
	case r.Version == before.Version:
		return nil
	}
	if before.State == pool.RepairMending { // else it is only looked at again
		h.measureOverdue("repair", before.Progress, r.Progress)
	}
	if err := h.Repairs.Send(pool.OnThread(ctx, r.History), events.NewStep(events.OfRepair, string(id), string(r.Step), r.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of the repair of %s tried again: %w", r.Step, id, err)
	}
	return nil
}
