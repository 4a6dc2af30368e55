package killtest

import (
	"context"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// Recovery calls Next.
func (l Ledger) Recovery(ctx context.Context) (recovery.Record, error) {
	return answer(l.Call, "Recovery", func() (recovery.Record, error) { return l.Next.Recovery(ctx) })
}

// SaveRecovery calls Next.
func (l Ledger) SaveRecovery(ctx context.Context, before, after recovery.Record) error {
	return l.Call("SaveRecovery", func() error { return l.Next.SaveRecovery(ctx, before, after) })
}

// SaveHostDuring calls Next.
func (l Ledger) SaveHostDuring(ctx context.Context, r recovery.Record, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.Call("SaveHostDuring", func() error { return l.Next.SaveHostDuring(ctx, r, before, after, outcome, now) })
}

// Adopt calls Next.
func (l Ledger) Adopt(ctx context.Context, r recovery.Record, seen pool.Record, h pool.Host) error {
	return l.Call("Adopt", func() error { return l.Next.Adopt(ctx, r, seen, h) })
}
