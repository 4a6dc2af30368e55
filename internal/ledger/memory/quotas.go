package memory

import (
	"context"
	"fmt"
	"slices"

	"headroom/internal/pool"
)

// Quotas reads the service quotas as they were read last.
func (l *Ledger) Quotas(ctx context.Context) (pool.Quotas, error) {
	if err := ctx.Err(); err != nil {
		return pool.Quotas{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.quotas
	q.Seen = slices.Clone(q.Seen)
	return q, nil
}

// SaveQuotas writes the quotas on the condition that their version is before's.
func (l *Ledger) SaveQuotas(ctx context.Context, before, after pool.Quotas) error {
	return l.write(ctx, "SaveQuotas", func() error {
		if l.quotas.Version != before.Version {
			return fmt.Errorf("save the quotas: %w", pool.ErrConflict)
		}
		l.quotas = pool.Quotas{Seen: slices.Clone(after.Seen), At: after.At, Version: before.Version + 1}
		return nil
	})
}
