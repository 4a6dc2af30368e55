package ledger

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// LookAtMoves adds the tenants of a host that is emptied, and what they are about.
func LookAtMoves(ctx context.Context, l interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
}, e *pool.Emptying,
) error {
	for _, slot := range e.Host.Slots {
		if slot.State != pool.SlotAssigned && slot.State != pool.SlotLeaving || slot.Tenant == "" {
			continue
		}
		t, err := l.Tenant(ctx, slot.Tenant)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return fmt.Errorf("read tenant %s of host %s: %w", slot.Tenant, e.Host.ID, err)
		}
		if err == nil {
			e.Tenants[slot.Tenant] = t
		}
		r, err := l.Restoration(ctx, slot.Tenant)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return fmt.Errorf("read what tenant %s of host %s is about: %w", slot.Tenant, e.Host.ID, err)
		}
		if err == nil {
			e.Moves[slot.Tenant] = r
		}
	}
	return nil
}
