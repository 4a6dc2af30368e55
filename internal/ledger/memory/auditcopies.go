package memory

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// AuditCopies reads how far the audit is copied.
func (l *Ledger) AuditCopies(ctx context.Context) (pool.AuditCopies, error) {
	if err := ctx.Err(); err != nil {
		return pool.AuditCopies{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.copies, nil
}

// SaveAuditCopies writes how far it is, on the condition that the stored version is before's.
func (l *Ledger) SaveAuditCopies(ctx context.Context, before, after pool.AuditCopies) (pool.AuditCopies, error) {
	after.UpTo, after.Version = after.UpTo.UTC(), before.Version+1
	return after, l.write(ctx, "SaveAuditCopies", func() error {
		if l.copies.Version != before.Version {
			return fmt.Errorf("save how far the audit is copied: %w", pool.ErrConflict)
		}
		l.copies = after
		return nil
	})
}
