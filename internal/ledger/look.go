package ledger

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// WaitingSeen bounds how many waiting tenants are counted; a plan is bounded by the ceiling and the most orders at once
// long before.
const WaitingSeen = 1000

type sights interface {
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Spent(ctx context.Context) (pool.Cents, error)
	rests
}

type waitingLists interface {
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
}

type expectations interface {
	Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error)
	Stops(ctx context.Context) (pool.Stops, error)
	shared
}

// shared is what all tiers share.
type shared interface {
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Tiers(ctx context.Context) ([]pool.Tier, error)
	Quotas(ctx context.Context) (pool.Quotas, error)
}

// Look reads a tier for its plans, but for its outlook and the stop switch, while others move slots. The order makes slots
// that move count twice rather than not at all, because too few orders are made up for by the next check and too many by
// nobody: slots move from hosts on their way, and from their rest, into the reserve and from there onto the shelf, and are
// given to those who wait. So what they move to is read after what they move from.
func Look(ctx context.Context, l interface {
	sights
	waitingLists
}, tier pool.Tier, doc pool.Document, now time.Time,
) (pool.Sight, error) {
	s, err := look(ctx, l, tier, doc, now)
	if err != nil {
		return s, err
	}
	waiters, err := l.Waiting(ctx, tier, WaitingSeen)
	if err != nil {
		return s, fmt.Errorf("read the waiting list: %w", err)
	}
	for _, w := range waiters {
		if _, held := s.Shelf.Held[w.Tenant]; !held { // those who hold something want no more
			s.Waiting++
		}
	}
	return s, nil
}

// LookAhead is Look with all that the next pool check will plan by.
func LookAhead(ctx context.Context, l interface {
	sights
	waitingLists
	expectations
}, tier pool.Tier, doc pool.Document, now time.Time,
) (pool.Sight, error) {
	s, err := Look(ctx, l, tier, doc, now)
	if err != nil {
		return s, err
	}
	return expect(ctx, l, s)
}

// LookAheadOf is LookAhead for who knows that so many wait.
func LookAheadOf(ctx context.Context, l interface {
	sights
	expectations
}, tier pool.Tier, doc pool.Document, waiting int, now time.Time,
) (pool.Sight, error) {
	s, err := look(ctx, l, tier, doc, now)
	if err != nil {
		return s, err
	}
	s.Waiting = waiting
	return expect(ctx, l, s)
}

func look(ctx context.Context, l sights, tier pool.Tier, doc pool.Document, now time.Time) (pool.Sight, error) {
	s := pool.Sight{Tier: tier, At: now, Document: doc, Outlook: pool.Outlook{Tier: tier}}
	var err error
	if s.Records, err = records(ctx, l, tier); err != nil {
		return s, err
	}
	if until := s.RestsSought(); !until.IsZero() {
		if s.Rests, err = lookAtRests(ctx, l, tier, until); err != nil {
			return s, err
		}
		if s.Records, err = records(ctx, l, tier); err != nil { // into the reserve of which slots may have come meanwhile
			return s, err
		}
	}
	if s.Shelf, err = l.Shelf(ctx, tier); err != nil {
		return s, fmt.Errorf("read the shelf: %w", err)
	}
	if s.Spent, err = l.Spent(ctx); err != nil {
		return s, fmt.Errorf("read what is spent: %w", err)
	}
	return s, nil
}

func records(ctx context.Context, l sights, tier pool.Tier) (map[pool.Kind]pool.Record, error) {
	all := map[pool.Kind]pool.Record{}
	for _, kind := range pool.Kinds {
		record, err := l.Pool(ctx, pool.Key{Kind: kind, Tier: tier})
		if err != nil {
			return nil, fmt.Errorf("read the pool: %w", err)
		}
		all[kind] = record
	}
	return all, nil
}

// expect adds the outlook, as the next check will note it, and the stop switch.
func expect(ctx context.Context, l expectations, s pool.Sight) (pool.Sight, error) {
	read, err := l.Outlook(ctx, s.Tier)
	if err != nil {
		return s, err
	}
	s.Outlook = s.Noted(read)
	if s.Stops, err = l.Stops(ctx); err != nil {
		return s, fmt.Errorf("read the stop switch: %w", err)
	}
	return LookAtQuotas(ctx, l, s)
}

// LookAtQuotas adds the service quotas, and the hosts of all tiers, which share them.
func LookAtQuotas(ctx context.Context, l shared, s pool.Sight) (pool.Sight, error) {
	var err error
	if s.Quotas, err = l.Quotas(ctx); err != nil || len(s.Quotas.Seen) == 0 {
		return s, err
	}
	tiers, err := l.Tiers(ctx)
	if err != nil {
		return s, err
	}
	hosts := map[pool.Kind]int{}
	for _, kind := range pool.Kinds {
		hosts[kind] = s.Records[kind].Counters.Hosts
		for _, tier := range tiers {
			if tier == s.Tier {
				continue
			}
			other, err := l.Pool(ctx, pool.Key{Kind: kind, Tier: tier})
			if err != nil {
				return s, fmt.Errorf("read the pool: %w", err)
			}
			hosts[kind] += other.Counters.Hosts
		}
	}
	s.Hosts = hosts
	return s, nil
}
