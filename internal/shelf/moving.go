package shelf

import (
	"context"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// SetAside takes a slot that is set out from the shelf, for a tenant that moves there, and makes it the tenant's in its host's
// record. Killed in between, it is done again, or by the next reconciliation. A slot that is not set out any more is left as
// it is: whose it is, its host's record says.
func (r *Reconciler) SetAside(ctx context.Context, tier pool.Tier, has pool.Holding, tenant pool.TenantID) error {
	// Commit point: no claim takes the slot.
	_, err := ledger.UpdateShelf(ctx, r.Ledger, tier, func(s pool.Shelf) (pool.Shelf, error) {
		after, aside := pool.SetAside(s, has, tenant)
		if !aside {
			return s, ledger.ErrUnchanged
		}
		return after, nil
	})
	if err != nil {
		return fmt.Errorf("set slot %s/%d aside: %w", has.Host, has.Index, err)
	}
	return r.PutBack(ctx, tier)
}

// PutBack brings what is withdrawn from a tier's shelf into its hosts' records.
func (r *Reconciler) PutBack(ctx context.Context, tier pool.Tier) error {
	seen, err := r.Ledger.Shelf(ctx, tier)
	if err == nil {
		_, err = r.persist(ctx, seen, r.putBack)
	}
	if err != nil {
		return fmt.Errorf("put back slots of tier %s: %w", tier, err)
	}
	return nil
}
