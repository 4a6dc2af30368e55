package shelf

import (
	"context"
	"fmt"
	"slices"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// SettleFor settles the claim of one tenant that is ready, now: from then on its slots are its own by its hosts'
// records only. A tenant whose claim is settled already has none.
func (r *Reconciler) SettleFor(ctx context.Context, t pool.Tenant) error {
	seen, err := r.Ledger.Shelf(ctx, t.Tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", t.Tier, err)
	}
	_, err = r.persist(ctx, seen, func(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
		hold, held := seen.Held[t.ID]
		if !held || !has(t.Tier, t, hold) {
			return seen, nil
		}
		assigned, err := r.assign(ctx, t.Tier, map[pool.TenantID]pool.Hold{t.ID: hold})
		if err != nil || len(assigned) == 0 {
			return seen, err
		}
		// Commit point, as for many.
		return seen, r.Ledger.Settle(ctx, t.Tier, assigned, r.Now())
	})
	if err != nil {
		return fmt.Errorf("settle the claim of tenant %s: %w", t.ID, err)
	}
	return nil
}

// TakeFrom takes from a tenant, on the shelf and, where a claim was settled, in the hosts' records, slots that it does
// not get: those that holds names, and whatever else the shelf holds for it, as long as all says of its record that it has
// none of that by right. nil: it may. They rest before anybody else gets them. Killed anywhere in between, it is done again.
//
// The record is read after the shelf, which is written on the condition that nothing was claimed since: so what a copy of
// the same message, which is further on, has claimed by right stays.
func (r *Reconciler) TakeFrom(ctx context.Context, t pool.Tenant, holds []pool.Holding, all func(pool.Tenant) bool) error {
	_, err := ledger.UpdateShelf(ctx, r.Ledger, t.Tier, func(s pool.Shelf) (pool.Shelf, error) {
		claim, held := s.Reclaim(t.ID)
		takes := slices.ContainsFunc(holds, func(has pool.Holding) bool { return has.Same(pool.HoldingOf(claim.Database)) })
		if held && !takes && all != nil {
			now, err := r.Ledger.Tenants(ctx, []pool.TenantID{t.ID})
			if err != nil {
				return s, err
			}
			takes = all(now[t.ID])
		}
		if !held || !takes {
			return s, ledger.ErrUnchanged
		}
		return pool.Return(s, t.ID), nil
	})
	if err != nil {
		return fmt.Errorf("take back what tenant %s holds: %w", t.ID, err)
	}
	for _, has := range holds {
		_, _, err := ledger.UpdateHost(ctx, r.Ledger, has.Host, r.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
			after := pool.TakeBack(host, has, t.ID, r.Now())
			if slices.Equal(host.Slots, after.Slots) {
				return host, pool.Neutral, ledger.ErrUnchanged
			}
			return after, pool.Neutral, nil
		})
		if err != nil {
			return fmt.Errorf("take slot %s/%d back from tenant %s: %w", has.Host, has.Index, t.ID, err)
		}
	}
	return nil
}
