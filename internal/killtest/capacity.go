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

// FreeMoney calls Next.
func (l Ledger) FreeMoney(ctx context.Context, name string) error {
	return l.Call("FreeMoney", func() error { return l.Next.FreeMoney(ctx, name) })
}
