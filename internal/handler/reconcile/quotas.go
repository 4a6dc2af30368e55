package reconcile

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// readQuotas reads the service quotas that the stage's hosts take from, and puts them on record for all who plan or word a plan. What
// can't be read stays as it was: whether it counts still, they decide (pool.Quota.Stale).
func (h *Handler) readQuotas(ctx context.Context) error {
	before, err := h.Ledger.Quotas(ctx)
	if err != nil {
		return err
	}
	reading, err := h.Account.Read(ctx)
	if err != nil {
		return fmt.Errorf("read the account's quotas: %w", err)
	}
	after := before.Read(h.Takes, reading, h.Now())
	for _, q := range after.Seen {
		if q.Why != "" {
			h.Log.WarnContext(ctx, "quota can't be read", "quota", q.Name, "since", q.Read, "why", q.Why)
		}
	}
	// Of two rounds at once, the one that began earlier does not undo the later one.
	if err := h.Ledger.SaveQuotas(ctx, before, after); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("keep the quotas: %w", err)
	}
	return nil
}
