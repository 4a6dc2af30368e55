package decommission

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/master"
	"headroom/internal/pool"
)

// hosts reads the hosts of a departure's database and share.
func (h *Handler) hosts(ctx context.Context, d pool.Departure) (database, share pool.Host, err error) {
	if database, err = h.Ledger.Host(ctx, d.Tenant.Database.Host); err != nil {
		return database, share, fmt.Errorf("read the database host of tenant %s: %w", d.Tenant.ID, err)
	}
	if share, err = h.Ledger.Host(ctx, d.Tenant.Share.Host); err != nil {
		return database, share, fmt.Errorf("read the share host of tenant %s: %w", d.Tenant.ID, err)
	}
	return database, share, nil
}

// shareRef names the share of a holding, of the generation that is held.
func shareRef(host pool.Host, has pool.Holding) (pool.ShareRef, error) {
	ref, ok := host.ShareRef(has.Index)
	if slot := host.Slot(has.Index); !ok || slot.Generation != has.Generation {
		return ref, fmt.Errorf("look up share %s/%d of generation %d: it is not there", host.ID, has.Index, has.Generation)
	}
	return ref, nil
}

// markSlot changes a tenant's slot in its host's record.
func (h *Handler) markSlot(
	ctx context.Context, has pool.Holding, tenant pool.TenantID,
	mark func(pool.Host, pool.Holding, pool.TenantID, time.Time) (pool.Host, bool, error),
) error {
	return h.changeHost(ctx, has.Host, func(host pool.Host) (pool.Host, bool, error) { return mark(host, has, tenant, h.Now()) })
}

// changeHost changes a host's record, if change says so.
func (h *Handler) changeHost(ctx context.Context, id pool.HostID, change func(pool.Host) (pool.Host, bool, error)) error {
	_, _, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, changed, err := change(host)
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, pool.Neutral, err
	})
	return err
}

// asMaster does something as the master user of a database host. A password that was rotated since it was read is read
// again, once.
func (h *Handler) asMaster(ctx context.Context, host pool.Host, do func(pool.Login) error) error {
	return master.Do(ctx, h.Vault, master.Of(host), do)
}
