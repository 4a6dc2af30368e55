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
