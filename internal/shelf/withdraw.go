package shelf

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// giveBack takes strays from their tenants.
func (r *Reconciler) giveBack(ctx context.Context, tier pool.Tier, stray map[pool.TenantID]pool.Hold) error {
	if len(stray) == 0 {
		return nil
	}
	// Commit point: the slots are on their way back into their hosts.
	return r.changeShelf(ctx, tier, func(s pool.Shelf) (pool.Shelf, error) {
		for _, id := range slices.Sorted(maps.Keys(stray)) {
			if hold, held := s.Held[id]; held && same(hold, stray[id]) {
				delete(s.Held, id)
				s.Withdrawn = append(s.Withdrawn,
					pool.Taken{Kind: pool.Database, Offer: hold.Database}, pool.Taken{Kind: pool.Share, Offer: hold.Share})
			}
		}
		return s, nil
	})
}

// withdraw takes back the offers of hosts that are not in service any more.
func (r *Reconciler) withdraw(ctx context.Context, tier pool.Tier) error {
	shelf, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	var shut []pool.HostID
	for _, id := range shelf.Offering() {
		h, err := r.Ledger.Host(ctx, id)
		if err != nil {
			return fmt.Errorf("read host %s: %w", id, err)
		}
		if h.State != pool.HostInService {
			shut = append(shut, id)
		}
	}
	if len(shut) == 0 {
		return nil
	}
	// Commit point: from here on no claim takes the hosts' slots.
	return r.changeShelf(ctx, tier, func(s pool.Shelf) (pool.Shelf, error) {
		for _, id := range shut {
			var err error
			if s, err = pool.Withdraw(s, id); err != nil {
				return s, fmt.Errorf("withdraw the offers of %s: %w", id, err)
			}
		}
		return s, nil
	})
}

// putBack returns withdrawn slots into their hosts' records.
func (r *Reconciler) putBack(ctx context.Context, tier pool.Tier) error {
	before, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	hosts := map[pool.HostID]bool{}
	for _, w := range before.Withdrawn {
		hosts[hostOf(tier, w)] = true
	}
	for _, id := range slices.Sorted(maps.Keys(hosts)) {
		_, err := r.changeHost(ctx, id, tier, func(h pool.Host, now pool.Shelf) pool.Host {
			var still []pool.Taken
			for _, w := range now.Withdrawn {
				if hostOf(tier, w) == id {
					still = append(still, w)
				}
			}
			return pool.PutBack(h, still, r.Now())
		})
		if err != nil {
			return err
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	// Commit point: the slots are free in their hosts' records, and may be set out again.
	return r.changeShelf(ctx, tier, func(s pool.Shelf) (pool.Shelf, error) {
		// A refill that began since then began with nothing withdrawn: another reconciliation did this, and an
		// equal entry that is here now came later.
		if s.Refills == before.Refills {
			s.Withdrawn = slices.DeleteFunc(s.Withdrawn, func(w pool.Taken) bool { return slices.Contains(before.Withdrawn, w) })
		}
		return s, nil
	})
}

func hostOf(tier pool.Tier, w pool.Taken) pool.HostID {
	return pool.Key{Kind: w.Kind, Tier: tier}.Host(w.Offer.Host)
}
