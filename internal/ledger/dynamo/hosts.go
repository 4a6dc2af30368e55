package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// Host reads a host; pool.ErrNotFound when there is none.
func (l *Ledger) Host(ctx context.Context, id pool.HostID) (pool.Host, error) {
	var i hostItem
	if err := l.get(ctx, hostKey(id), &i); err != nil {
		return pool.Host{}, fmt.Errorf("read host %s: %w", id, err)
	}
	return i.host(), nil
}

// Order records a new host and moves its pool's Seq, in one transaction.
func (l *Ledger) Order(ctx context.Context, seen pool.Record, h pool.Host) error {
	return l.order(ctx, seen, h)
}

// Adopt is Order on the condition, too, that the recovery's record has the version that r has.
func (l *Ledger) Adopt(ctx context.Context, r recovery.Record, seen pool.Record, h pool.Host) error {
	return l.order(ctx, seen, h, checkVersion(recoveryKey(), r.Version))
}

// order records a new host, and what else is to be so.
func (l *Ledger) order(ctx context.Context, seen pool.Record, h pool.Host, with ...types.TransactWriteItem) error {
	if _, _, err := h.ID.Parse(); err != nil {
		return err
	}
	h.Version = 1
	i, err := encodeHost(h)
	if err != nil {
		return err
	}
	change, err := newPoolChange(h.Key(), pool.Contribution(h))
	if err != nil {
		return err
	}
	change.equal("seq", int64(seen.Seq))
	if err := change.note(seen, seen.Ordered(h)); err != nil {
		return err
	}
	writes := []types.TransactWriteItem{{Put: absent(i)}, {Update: change.update()}}
	if seen.Seq == 0 {
		writes = append(writes, types.TransactWriteItem{Update: addTier(h.Tier)})
	}
	writes = append(writes, spend(pool.Spending(h), h.Cap)...)
	writes = append(writes, with...)
	// Commit point: the host is ordered, and its number is used up.
	if err := l.transact(ctx, writes...); err != nil {
		return fmt.Errorf("record the order of host %s: %w", h.ID, err)
	}
	return nil
}

// SaveHost writes a host, moves its pool's counters and notes its outcome, in one transaction. When the
// pool's record stays as it is, the host alone is written.
func (l *Ledger) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.saveHost(ctx, before, after, outcome, now)
}

// SaveHostDuring is SaveHost on the condition, too, that the recovery's record has the version that r has.
func (l *Ledger) SaveHostDuring(ctx context.Context, r recovery.Record, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.saveHost(ctx, before, after, outcome, now, checkVersion(recoveryKey(), r.Version))
}

// saveHost writes a host, and what else is to be so or to be written with it.
func (l *Ledger) saveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time, with ...types.TransactWriteItem) error {
	after.Version = before.Version + 1
	i, err := encodeHost(after)
	if err != nil {
		return err
	}
	put := asRead(before.Version).put(i)
	change, err := newPoolChange(after.Key(), pool.Contribution(after).Sub(pool.Contribution(before)))
	if err != nil {
		return err
	}
	if outcome != pool.Neutral {
		seen, err := l.Pool(ctx, after.Key())
		if err != nil {
			return err
		}
		if err := change.note(seen, seen.Note(outcome, after, now)); err != nil {
			return err
		}
	}
	writes := []types.TransactWriteItem{{Put: put}}
	if !change.empty() {
		writes = append(writes, types.TransactWriteItem{Update: change.update()})
	}
	writes = append(writes, spend(pool.Spending(after)-pool.Spending(before), 0)...)
	writes = append(writes, with...)
	if len(writes) == 1 {
		err = l.putOnce(ctx, put)
	} else {
		err = l.transact(ctx, writes...)
	}
	if err != nil {
		return fmt.Errorf("save host %s: %w", after.ID, err)
	}
	return nil
}

// SaveHosts writes several hosts and moves their pools' counters, in one transaction. The counters of a pool
// are moved once for all of its hosts.
func (l *Ledger) SaveHosts(ctx context.Context, changes []ledger.HostChange) error {
	var writes []types.TransactWriteItem
	moved := map[pool.Key]pool.Counters{}
	spent := pool.Cents(0)
	for _, c := range changes {
		after := c.After
		after.Version = c.Before.Version + 1
		i, err := encodeHost(after)
		if err != nil {
			return err
		}
		writes = append(writes, types.TransactWriteItem{Put: asRead(c.Before.Version).put(i)})
		spent += pool.Spending(after) - pool.Spending(c.Before)
		moved[after.Key()] = moved[after.Key()].Add(pool.Contribution(after).Sub(pool.Contribution(c.Before)))
	}
	for _, k := range slices.SortedFunc(maps.Keys(moved), func(a, b pool.Key) int { return strings.Compare(a.String(), b.String()) }) {
		change, err := newPoolChange(k, moved[k])
		if err != nil {
			return err
		}
		if !change.empty() {
			writes = append(writes, types.TransactWriteItem{Update: change.update()})
		}
	}
	if writes = append(writes, spend(spent, 0)...); len(writes) == 0 {
		return nil
	}
	err := l.transact(ctx, writes...)
	if errors.Is(err, errCollision) { // others keep being first, as with any conflict
		err = fmt.Errorf("%w: %w", pool.ErrConflict, err)
	}
	if err != nil {
		return fmt.Errorf("save %d hosts: %w", len(changes), err)
	}
	return nil
}
