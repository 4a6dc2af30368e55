package memory

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// Storm reads which hosts went out of service lately.
func (l *Ledger) Storm(ctx context.Context) (pool.Storm, error) {
	if err := ctx.Err(); err != nil {
		return pool.Storm{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.storm.Clone(), nil
}

// SaveStorm writes which hosts went out of service lately on the condition that the stored version is before's.
func (l *Ledger) SaveStorm(ctx context.Context, before, after pool.Storm) error {
	return l.write(ctx, "SaveStorm", func() error {
		if l.storm.Version != before.Version {
			return fmt.Errorf("save which hosts went out of service: %w", pool.ErrConflict)
		}
		l.storm = after.Clone()
		l.storm.Version = before.Version + 1
		return nil
	})
}
