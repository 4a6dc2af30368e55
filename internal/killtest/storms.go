package killtest

import (
	"context"

	"headroom/internal/pool"
)

// Storm calls Next.
func (l Ledger) Storm(ctx context.Context) (pool.Storm, error) {
	return answer(l.Call, "Storm", func() (pool.Storm, error) { return l.Next.Storm(ctx) })
}

// SaveStorm calls Next.
func (l Ledger) SaveStorm(ctx context.Context, before, after pool.Storm) error {
	return l.Call("SaveStorm", func() error { return l.Next.SaveStorm(ctx, before, after) })
}
