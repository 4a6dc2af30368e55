package memory

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// shelf returns a tier's shelf as it is kept: callers copy it before they change it or give it away.
func (l *Ledger) shelf(tier pool.Tier) pool.Shelf {
	if s, ok := l.shelves[tier]; ok {
		return s
	}
	return pool.NewShelf(tier)
}

// changeShelf changes a copy of the shelf and keeps that. The version moves.
func (l *Ledger) changeShelf(tier pool.Tier, change func(*pool.Shelf)) {
	s := l.shelf(tier).Clone()
	change(&s)
	s.Version++
	l.shelves[tier] = s
}

// Shelf reads a tier's shelf.
func (l *Ledger) Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error) {
	if err := ctx.Err(); err != nil {
		return pool.Shelf{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return copied(l, l.shelf(tier)), nil
}

// SaveShelf replaces the shelf on the condition that its version is before's.
func (l *Ledger) SaveShelf(ctx context.Context, before, after pool.Shelf) error {
	return l.write(ctx, "SaveShelf", func() error {
		if l.shelf(before.Tier).Version != before.Version {
			return fmt.Errorf("save the shelf of tier %s: %w", before.Tier, pool.ErrConflict)
		}
		l.changeShelf(before.Tier, func(s *pool.Shelf) {
			*s = after.Clone()
			s.Version, s.Settled = before.Version, second(after.Settled)
			if s.Refill != nil {
				s.Refill.At = second(s.Refill.At)
			}
		})
		return nil
	})
}

// ClaimAll is pool.TakeAll.
func (l *Ledger) ClaimAll(ctx context.Context, tier pool.Tier, tenants []pool.TenantID, waiting bool) ([]pool.Claimed, error) {
	return l.claim(ctx, "ClaimAll", tier, tenants, waiting)
}

// Claim is pool.Take.
func (l *Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	claimed, err := l.claim(ctx, "Claim", tier, []pool.TenantID{tenant}, waiting)
	if err != nil {
		return pool.Claim{}, err
	}
	return claimed[0].Claim, claimed[0].Err
}

func (l *Ledger) claim(ctx context.Context, operation string, tier pool.Tier, tenants []pool.TenantID, waiting bool) (claimed []pool.Claimed, err error) {
	err = l.write(ctx, operation, func() error {
		l.shelves[tier], claimed = pool.TakeAll(l.shelf(tier), tenants, waiting)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// BeginRefill notes a refill in the shelf.
func (l *Ledger) BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) (pool.Shelf, error) {
	return l.changed(ctx, "BeginRefill", tier, func() error {
		s := l.shelf(tier)
		if s.Refill != nil || len(s.Withdrawn) > 0 || s.Refills != r.Number-1 {
			return fmt.Errorf("begin refill %d of tier %s: %w", r.Number, tier, pool.ErrConflict)
		}
		l.changeShelf(tier, func(s *pool.Shelf) {
			r.At = second(r.At)
			s.Refill, s.Refills = &r, r.Number
			*s = s.Clone() // r's offers are the caller's
		})
		return nil
	})
}

// CommitRefill sets out what a refill found good, and ends it.
func (l *Ledger) CommitRefill(ctx context.Context, seen pool.Shelf, offers []pool.Listed, hosts map[pool.HostID]pool.Access) (pool.Shelf, error) {
	return l.changed(ctx, "CommitRefill", seen.Tier, func() error {
		if s := l.shelf(seen.Tier); s.Refill == nil || seen.Refill == nil || s.Refill.Number != seen.Refill.Number {
			return fmt.Errorf("commit refill %d of tier %s: %w", seen.Refills, seen.Tier, pool.ErrConflict)
		}
		needed := pool.Tidy(seen).Hosts
		l.changeShelf(seen.Tier, func(s *pool.Shelf) {
			for id := range seen.Hosts {
				if _, used := needed[id]; !used {
					delete(s.Hosts, id)
				}
			}
			for _, o := range offers {
				s.SetOffers(o.Kind, append(s.Offers(o.Kind), o.Offer))
			}
			for id, access := range hosts {
				s.Hosts[id] = access
			}
			s.Refill = nil
		})
		return nil
	})
}

// changed is write for a change of a shelf that answers with the shelf after it.
func (l *Ledger) changed(ctx context.Context, operation string, tier pool.Tier, do func() error) (after pool.Shelf, err error) {
	err = l.write(ctx, operation, func() error {
		if err := do(); err != nil {
			return err
		}
		after = copied(l, l.shelf(tier))
		return nil
	})
	if err != nil {
		return pool.Shelf{}, err
	}
	return after, nil
}

// Settle forgets holds.
func (l *Ledger) Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold, at time.Time) error {
	return l.write(ctx, "Settle", func() error {
		held := l.shelf(tier).Held
		for id, hold := range holds {
			if now, ok := held[id]; !ok || now != hold {
				return fmt.Errorf("settle %d claims of tier %s: %w", len(holds), tier, pool.ErrConflict)
			}
		}
		l.changeShelf(tier, func(s *pool.Shelf) {
			for id := range holds {
				delete(s.Held, id)
			}
			s.Settled = second(at)
		})
		return nil
	})
}
