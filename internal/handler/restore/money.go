package restore

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// holdMoney holds what a temporary instance costs, which is what its host does, under the stage's cap. It says why that can't be had;
// nil: it is held. It is held by the restoration's name, so once, and taken back when the instance is gone.
func (h *Handler) holdMoney(ctx context.Context, r pool.Restoration, host pool.Host) (why, err error) {
	doc, err := h.Terms.Document(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the policies, for what an instance costs: %w", err)
	}
	price := doc.PolicyOf(pool.Record{Key: host.Key()}).Price()
	if price == 0 {
		return nil, nil
	}
	err = h.Ledger.HoldMoney(ctx, r.MoneyName(), price, doc.Cap())
	if !errors.Is(err, pool.ErrCapped) {
		return nil, err
	}
	return pool.Capped(doc.Cap(), "a temporary instance", price), nil
}
