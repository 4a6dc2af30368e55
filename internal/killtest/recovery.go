package killtest

import (
	"context"

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
