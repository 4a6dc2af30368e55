package killtest

import (
	"context"

	"headroom/internal/pool"
)

// AuditCopies calls Next.
func (l Ledger) AuditCopies(ctx context.Context) (pool.AuditCopies, error) {
	return answer(l.Call, "AuditCopies", func() (pool.AuditCopies, error) { return l.Next.AuditCopies(ctx) })
}

// SaveAuditCopies calls Next.
func (l Ledger) SaveAuditCopies(ctx context.Context, before, after pool.AuditCopies) (pool.AuditCopies, error) {
	return answer(l.Call, "SaveAuditCopies", func() (pool.AuditCopies, error) { return l.Next.SaveAuditCopies(ctx, before, after) })
}
