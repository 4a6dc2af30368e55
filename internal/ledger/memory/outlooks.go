package memory

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// Outlook reads what is expected of a tier.
func (l *Ledger) Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error) {
	if err := ctx.Err(); err != nil {
		return pool.Outlook{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	o := copied(l, l.outlooks[tier])
	o.Tier = tier
	return o, nil
}

// SaveOutlook writes an outlook on the condition that its version is before's.
func (l *Ledger) SaveOutlook(ctx context.Context, before, after pool.Outlook) error {
	return l.write(ctx, "SaveOutlook", func() error {
		if l.outlooks[after.Tier].Version != before.Version {
			return fmt.Errorf("save the outlook of tier %s: %w", after.Tier, pool.ErrConflict)
		}
		o := copied(l, after)
		o.Version = before.Version + 1
		l.outlooks[after.Tier] = o
		return nil
	})
}
