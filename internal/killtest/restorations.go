package killtest

import (
	"context"
	"time"

	"headroom/internal/pool"
)

// Restoration calls Next.
func (l Ledger) Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error) {
	return answer(l.Call, "Restoration", func() (pool.Restoration, error) { return l.Next.Restoration(ctx, tenant) })
}

// SaveRestoration calls Next.
func (l Ledger) SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error) {
	return answer(l.Call, "SaveRestoration", func() (pool.Restoration, error) { return l.Next.SaveRestoration(ctx, before, after) })
}

// ForgetRestoration calls Next.
func (l Ledger) ForgetRestoration(ctx context.Context, last pool.Restoration, before, after pool.Tenant) error {
	return l.Call("ForgetRestoration", func() error { return l.Next.ForgetRestoration(ctx, last, before, after) })
}

// OverdueRestorations calls Next.
func (l Ledger) OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error) {
	return answer(l.Call, "OverdueRestorations", func() ([]pool.TenantID, error) { return l.Next.OverdueRestorations(ctx, now, limit) })
}
