package killtest

import (
	"context"

	"headroom/internal/pool"
)

// Outlook calls Next.
func (l Ledger) Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error) {
	return answer(l.Call, "Outlook", func() (pool.Outlook, error) { return l.Next.Outlook(ctx, tier) })
}

// SaveOutlook calls Next.
func (l Ledger) SaveOutlook(ctx context.Context, before, after pool.Outlook) error {
	return l.Call("SaveOutlook", func() error { return l.Next.SaveOutlook(ctx, before, after) })
}

// Spent calls Next.
func (l Ledger) Spent(ctx context.Context) (pool.Cents, error) {
	return answer(l.Call, "Spent", func() (pool.Cents, error) { return l.Next.Spent(ctx) })
}

// HoldMoney calls Next.
func (l Ledger) HoldMoney(ctx context.Context, name string, price, most pool.Cents) error {
	return l.Call("HoldMoney", func() error { return l.Next.HoldMoney(ctx, name, price, most) })
}

// HeldMoney calls Next.
func (l Ledger) HeldMoney(ctx context.Context) ([]pool.HeldMoney, error) {
	return answer(l.Call, "HeldMoney", func() ([]pool.HeldMoney, error) { return l.Next.HeldMoney(ctx) })
}

// NoteCounted calls Next.
func (l Ledger) NoteCounted(ctx context.Context, key pool.Key, seq int) error {
	return l.Call("NoteCounted", func() error { return l.Next.NoteCounted(ctx, key, seq) })
}

// Quotas calls Next.
func (l Ledger) Quotas(ctx context.Context) (pool.Quotas, error) {
	return answer(l.Call, "Quotas", func() (pool.Quotas, error) { return l.Next.Quotas(ctx) })
}

// SaveQuotas calls Next.
func (l Ledger) SaveQuotas(ctx context.Context, before, after pool.Quotas) error {
	return l.Call("SaveQuotas", func() error { return l.Next.SaveQuotas(ctx, before, after) })
}

// FreeMoney calls Next.
func (l Ledger) FreeMoney(ctx context.Context, name string) error {
	return l.Call("FreeMoney", func() error { return l.Next.FreeMoney(ctx, name) })
}
