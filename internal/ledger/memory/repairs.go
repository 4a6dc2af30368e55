package memory

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// Repair reads the last repair of a host.
func (l *Ledger) Repair(ctx context.Context, host pool.HostID) (pool.Repair, error) {
	if err := ctx.Err(); err != nil {
		return pool.Repair{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.repairs[host]
	if !ok {
		return pool.Repair{}, fmt.Errorf("read the repair of %s: %w", host, pool.ErrNotFound)
	}
	return r.Clone(), nil
}

// SaveRepair writes a repair on the condition that the version of the host's last one is before's.
func (l *Ledger) SaveRepair(ctx context.Context, before, after pool.Repair) (saved pool.Repair, err error) {
	err = l.write(ctx, "SaveRepair", func() error {
		if l.repairs[after.Host].Version != before.Version {
			return fmt.Errorf("save repair %s: %w", after.ID(), pool.ErrConflict)
		}
		saved = after.Clone()
		saved.Due, saved.Version = second(after.Due), before.Version+1
		l.repairs[after.Host] = saved
		l.index.note(entry{record: record{repair: after.Host}, dueAt: saved.Due})
		saved = saved.Clone()
		return nil
	})
	return saved, err
}

// Ward reads which hosts of a pool are ill.
func (l *Ledger) Ward(ctx context.Context, k pool.Key) (pool.Ward, error) {
	if err := ctx.Err(); err != nil {
		return pool.Ward{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.wards[k].Clone()
	w.Key = k
	return w, nil
}

// SaveWard writes a ward on the condition that its version is before's.
func (l *Ledger) SaveWard(ctx context.Context, before, after pool.Ward) error {
	return l.write(ctx, "SaveWard", func() error {
		if l.wards[after.Key].Version != before.Version {
			return fmt.Errorf("save the ward of pool %s: %w", after.Key, pool.ErrConflict)
		}
		w := after.Clone()
		w.Version = before.Version + 1
		l.wards[after.Key] = w
		return nil
	})
}

// OverdueRepairs names the hosts whose repairs' deadline is now or earlier, the oldest first.
func (l *Ledger) OverdueRepairs(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error) {
	var ids []pool.HostID
	err := l.overdue(ctx, now, limit, func(r record) bool { return r.repair != "" }, func(r record) { ids = append(ids, r.repair) })
	return ids, err
}
