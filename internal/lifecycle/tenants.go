package lifecycle

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// tenants keeps the records of tenants, as a ledger does.
type tenants interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
}

// Tenants is a machine for tenants that are kept so. Their steps are several functions', each of which fills in its own,
// and all else.
func Tenants(kept tenants) Machine[pool.Tenant] {
	return Machine[pool.Tenant]{
		Load: func(ctx context.Context, id string) (pool.Tenant, error) {
			t, err := kept.Tenant(ctx, pool.TenantID(id))
			if err != nil {
				return t, fmt.Errorf("read tenant %s: %w", id, err)
			}
			return t, nil
		},
		Save: func(ctx context.Context, before, after pool.Tenant, _ pool.Outcome) (pool.Tenant, error) {
			saved, err := kept.SaveTenant(ctx, before, after)
			if err != nil {
				return before, fmt.Errorf("save tenant %s: %w", before.ID, err)
			}
			return saved, nil
		},
		Progress: func(t *pool.Tenant) *pool.Progress { return &t.Progress },
	}
}
