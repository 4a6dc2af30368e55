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
	return l.shelf(tier).Clone(), nil
}

// SaveShelf replaces the shelf on the condition that its version is before's.
func (l *Ledger) SaveShelf(ctx context.Context, before, after pool.Shelf) error {
	return l.write(ctx, "SaveShelf", func() error {
		if l.shelf(before.Tier).Version != before.Version {
			return fmt.Errorf("save the shelf of tier %s: %w", before.Tier, pool.ErrConflict)
		}
		l.changeShelf(before.Tier, func(s *pool.Shelf) {
			*s = after.Clone()
			s.Version = before.Version
		})
		return nil
	})
}

// Claim is pool.Take.
func (l *Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, at time.Time, waiting bool) (pool.Claim, error) {
	var claim pool.Claim
	err := l.write(ctx, "Claim", func() error {
		after, taken, err := pool.Take(l.shelf(tier), tenant, second(at), waiting)
		if err != nil {
			return err
		}
		if !taken.Replayed {
			l.shelves[tier] = after
		}
		claim = taken
		return nil
	})
	if err != nil {
		return pool.Claim{}, err
	}
	return claim, nil
}

// BeginRefill notes a refill in the shelf.
func (l *Ledger) BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) error {
	return l.write(ctx, "BeginRefill", func() error {
		s := l.shelf(tier)
		if s.Refill != nil || len(s.Withdrawn) > 0 || s.Refills != r.Number-1 {
			return fmt.Errorf("begin refill %d of tier %s: %w", r.Number, tier, pool.ErrConflict)
		}
		l.changeShelf(tier, func(s *pool.Shelf) {
			s.Refill, s.Refills = &r, r.Number
			*s = s.Clone() // r's offers are the caller's
		})
		return nil
	})
}

// CommitRefill sets out what a refill found good, and ends it.
func (l *Ledger) CommitRefill(ctx context.Context, tier pool.Tier, number int64, kind pool.Kind, offers []pool.Offer, hosts map[pool.HostID]pool.Access) error {
	return l.write(ctx, "CommitRefill", func() error {
		if s := l.shelf(tier); s.Refill == nil || s.Refill.Number != number {
			return fmt.Errorf("commit refill %d of tier %s: %w", number, tier, pool.ErrConflict)
		}
		l.changeShelf(tier, func(s *pool.Shelf) {
			*s = pool.Tidy(*s)
			s.SetOffers(kind, append(s.Offers(kind), offers...))
			for id, access := range hosts {
				s.Hosts[id] = access
			}
			s.Refill = nil
		})
		return nil
	})
}

// Settle forgets holds.
func (l *Ledger) Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold) error {
	return l.write(ctx, "Settle", func() error {
		held := l.shelf(tier).Held
		for id, hold := range holds {
			if now, ok := held[id]; !ok || now.Database != hold.Database || now.Share != hold.Share || !now.At.Equal(second(hold.At)) {
				return fmt.Errorf("settle %d claims of tier %s: %w", len(holds), tier, pool.ErrConflict)
			}
		}
		l.changeShelf(tier, func(s *pool.Shelf) {
			for id := range holds {
				delete(s.Held, id)
			}
		})
		return nil
	})
}
