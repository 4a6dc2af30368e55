package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

func (l *Ledger) pool(key pool.Key) pool.Record {
	r := l.pools[key]
	r.Key = key
	return r
}

// saveRecord keeps of a pool's record what DynamoDB keeps of it.
func (l *Ledger) saveRecord(r pool.Record) {
	r.BackoffUntil = second(r.BackoffUntil)
	r.Leads, r.Owed, r.Coming = slices.Clone(r.Leads), slices.Clone(r.Owed), slices.Clone(r.Coming)
	for i := range r.Leads {
		r.Leads[i].At = second(r.Leads[i].At)
	}
	for i := range r.Owed {
		r.Owed[i] = pool.Owed{DecidedAt: second(r.Owed[i].DecidedAt), FailedAt: second(r.Owed[i].FailedAt)}
	}
	for i := range r.Coming {
		r.Coming[i].DecidedAt, r.Coming[i].OrderedAt = second(r.Coming[i].DecidedAt), second(r.Coming[i].OrderedAt)
	}
	l.pools[r.Key] = r
}

func (l *Ledger) saveHost(h pool.Host, version int64) {
	h = copied(l, h)
	h.Due, h.Version = second(h.Due), version
	l.hosts[h.ID] = h
	l.index.noteHost(h)
}

// Pool reads a pool's record.
func (l *Ledger) Pool(ctx context.Context, key pool.Key) (pool.Record, error) {
	if err := ctx.Err(); err != nil {
		return pool.Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pool(key), nil
}

// Order records a new host and moves its pool's Seq.
func (l *Ledger) Order(ctx context.Context, seen pool.Record, h pool.Host) error {
	return l.write(ctx, "Order", func() error { return l.order(seen, h) })
}

// Adopt is Order on the condition, too, that the recovery's record has the version that r has.
func (l *Ledger) Adopt(ctx context.Context, r recovery.Record, seen pool.Record, h pool.Host) error {
	return l.write(ctx, "Adopt", func() error {
		if l.recovery.Version != r.Version {
			return fmt.Errorf("adopt host %s during a recovery that was overtaken: %w", h.ID, pool.ErrConflict)
		}
		return l.order(seen, h)
	})
}

func (l *Ledger) order(seen pool.Record, h pool.Host) error {
	if _, _, err := h.ID.Parse(); err != nil {
		return err
	}
	r := l.pool(h.Key())
	if _, known := l.hosts[h.ID]; known || r.Seq != seen.Seq || r.Noted != seen.Noted {
		return fmt.Errorf("record the order of host %s: %w", h.ID, pool.ErrConflict)
	}
	if !(pool.Budget{Cap: h.Cap, Spent: l.spent}).Allows(h.Price) {
		return fmt.Errorf("record the order of host %s: the cap on money: %w", h.ID, pool.ErrConflict)
	}
	l.spent += pool.Spending(h)
	r = r.Ordered(h)
	r.Counters = r.Counters.Add(pool.Contribution(h))
	l.saveRecord(r)
	l.saveHost(h, 1)
	return nil
}

// Tiers lists the tiers that a host was ever ordered for, sorted.
func (l *Ledger) Tiers(ctx context.Context) ([]pool.Tier, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var tiers []pool.Tier
	for key, r := range l.pools {
		if r.Seq > 0 && !slices.Contains(tiers, key.Tier) {
			tiers = append(tiers, key.Tier)
		}
	}
	slices.Sort(tiers)
	return tiers, nil
}

// Host reads a host; pool.ErrNotFound when there is none.
func (l *Ledger) Host(ctx context.Context, id pool.HostID) (pool.Host, error) {
	if err := ctx.Err(); err != nil {
		return pool.Host{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.hosts[id]
	if !ok {
		return pool.Host{}, fmt.Errorf("read host %s: %w", id, pool.ErrNotFound)
	}
	return copied(l, h), nil
}

// Hosts reads many at once.
func (l *Ledger) Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error) {
	return many(ctx, l, l.hosts, ids)
}

// SaveHosts writes several hosts at once, and moves their pools' counters.
func (l *Ledger) SaveHosts(ctx context.Context, changes []ledger.HostChange) error {
	return l.write(ctx, "SaveHosts", func() error {
		for _, c := range changes {
			if stored, known := l.hosts[c.After.ID]; !known || stored.Version != c.Before.Version {
				return fmt.Errorf("save %d hosts: %s: %w", len(changes), c.After.ID, pool.ErrConflict)
			}
		}
		for _, c := range changes {
			r := l.pool(c.After.Key())
			r.Counters = r.Counters.Add(pool.Contribution(c.After).Sub(pool.Contribution(c.Before)))
			l.saveRecord(r)
			l.spent += pool.Spending(c.After) - pool.Spending(c.Before)
			l.saveHost(c.After, c.Before.Version+1)
		}
		return nil
	})
}

// SaveHost writes a host, moves its pool's counters and notes its outcome.
func (l *Ledger) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.write(ctx, "SaveHost", func() error { return l.changeHost(before, after, outcome, now) })
}

// SaveHostDuring is SaveHost on the condition, too, that the recovery's record has the version that r has.
func (l *Ledger) SaveHostDuring(ctx context.Context, r recovery.Record, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.write(ctx, "SaveHostDuring", func() error {
		if l.recovery.Version != r.Version {
			return fmt.Errorf("save host %s during a recovery that was overtaken: %w", after.ID, pool.ErrConflict)
		}
		return l.changeHost(before, after, outcome, now)
	})
}

func (l *Ledger) changeHost(before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	if stored, known := l.hosts[after.ID]; !known || stored.Version != before.Version {
		return fmt.Errorf("save host %s: %w", after.ID, pool.ErrConflict)
	}
	if refused, was := l.contended[after.ID]; l.options.Contended && outcome != pool.Neutral && (!was || refused != before.Version) {
		l.contended[after.ID] = before.Version
		return fmt.Errorf("save host %s: what came of another host is noted: %w", after.ID, pool.ErrConflict)
	}
	r := l.pool(after.Key())
	r.Counters = r.Counters.Add(pool.Contribution(after).Sub(pool.Contribution(before)))
	l.saveRecord(r.Note(outcome, after, now))
	l.spent += pool.Spending(after) - pool.Spending(before)
	l.saveHost(after, before.Version+1)
	return nil
}
