package killtest

import (
	"context"
	"time"

	"headroom/internal/pool"
)

// Repair calls Next.
func (l Ledger) Repair(ctx context.Context, host pool.HostID) (pool.Repair, error) {
	return answer(l.Call, "Repair", func() (pool.Repair, error) { return l.Next.Repair(ctx, host) })
}

// SaveRepair calls Next.
func (l Ledger) SaveRepair(ctx context.Context, before, after pool.Repair) (pool.Repair, error) {
	return answer(l.Call, "SaveRepair", func() (pool.Repair, error) { return l.Next.SaveRepair(ctx, before, after) })
}

// Ward calls Next.
func (l Ledger) Ward(ctx context.Context, key pool.Key) (pool.Ward, error) {
	return answer(l.Call, "Ward", func() (pool.Ward, error) { return l.Next.Ward(ctx, key) })
}

// SaveWard calls Next.
func (l Ledger) SaveWard(ctx context.Context, before, after pool.Ward) error {
	return l.Call("SaveWard", func() error { return l.Next.SaveWard(ctx, before, after) })
}

// OverdueRepairs calls Next.
func (l Ledger) OverdueRepairs(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error) {
	return answer(l.Call, "OverdueRepairs", func() ([]pool.HostID, error) { return l.Next.OverdueRepairs(ctx, now, limit) })
}
