package shelf

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// giveBack takes strays from their tenants.
func (r *Reconciler) giveBack(ctx context.Context, seen pool.Shelf, stray map[pool.TenantID]pool.Hold) (pool.Shelf, error) {
	if len(stray) == 0 {
		return seen, nil
	}
	// Commit point: the slots are on their way back into their hosts.
	return r.changeShelf(ctx, seen.Tier, func(s pool.Shelf) (pool.Shelf, error) {
		for _, id := range slices.Sorted(maps.Keys(stray)) {
			if hold, held := s.Held[id]; held && hold == stray[id] {
				delete(s.Held, id)
				s.Withdrawn = append(s.Withdrawn, hold.Listed()...)
			}
		}
		return s, nil
	})
}

// withdraw takes back the offers of hosts that are not in service any more.
func (r *Reconciler) withdraw(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
	offering := seen.Offering()
	hosts, err := r.Ledger.Hosts(ctx, offering)
	if err != nil {
		return seen, fmt.Errorf("read the hosts that have offers: %w", err)
	}
	shut := slices.DeleteFunc(offering, func(id pool.HostID) bool { return hosts[id].State == pool.HostInService })
	if len(shut) == 0 {
		return seen, nil
	}
	// Commit point: from here on no claim takes the hosts' slots.
	return r.changeShelf(ctx, seen.Tier, func(s pool.Shelf) (pool.Shelf, error) {
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
func (r *Reconciler) putBack(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
	if len(seen.Withdrawn) == 0 {
		return seen, nil
	}
	ids := map[pool.HostID]bool{}
	for _, w := range seen.Withdrawn {
		ids[w.Host(seen.Tier)] = true
	}
	hosts, now, err := r.look(ctx, seen.Tier, ids)
	if err != nil {
		return seen, err
	}
	changes := change(hosts, func(h pool.Host) pool.Host {
		var still []pool.Listed
		for _, w := range seen.Withdrawn {
			if w.Host(seen.Tier) == h.ID && slices.Contains(now.Withdrawn, w) {
				still = append(still, w)
			}
		}
		return pool.PutBack(h, still, r.Now())
	})
	if err := r.save(ctx, changes); err != nil {
		return seen, err
	}
	// Commit point: the slots are free in their hosts' records, and may be set out again.
	return r.changeShelf(ctx, seen.Tier, func(s pool.Shelf) (pool.Shelf, error) {
		// A refill that began since then began with nothing withdrawn: another reconciliation did this, and an
		// equal entry that is here now came later.
		if s.Refills == seen.Refills {
			s.Withdrawn = slices.DeleteFunc(s.Withdrawn, func(w pool.Listed) bool { return slices.Contains(seen.Withdrawn, w) })
		}
		return s, nil
	})
}
