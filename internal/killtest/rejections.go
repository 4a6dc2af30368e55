package killtest

import (
	"context"

	"headroom/internal/pool"
)

// Reject calls Next.
func (l Ledger) Reject(ctx context.Context, r pool.Rejection) error {
	return l.Call("Reject", func() error { return l.Next.Reject(ctx, r) })
}

// Rejection calls Next.
func (l Ledger) Rejection(ctx context.Context, message string) (pool.Rejection, error) {
	return answer(l.Call, "Rejection", func() (pool.Rejection, error) { return l.Next.Rejection(ctx, message) })
}
