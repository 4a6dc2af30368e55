package memory

import (
	"context"
	"fmt"

	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// Recovery reads how far a recovery is.
func (l *Ledger) Recovery(ctx context.Context) (recovery.Record, error) {
	if err := ctx.Err(); err != nil {
		return recovery.Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recovery.Clone(), nil
}

// SaveRecovery writes how far a recovery is, on the condition that the stored version is before's.
func (l *Ledger) SaveRecovery(ctx context.Context, before, after recovery.Record) error {
	return l.write(ctx, "SaveRecovery", func() error {
		if l.recovery.Version != before.Version {
			return fmt.Errorf("save how far the recovery is: %w", pool.ErrConflict)
		}
		l.recovery = after.Clone()
		l.recovery.Version = before.Version + 1
		return nil
	})
}
