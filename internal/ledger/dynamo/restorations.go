package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// Restoration reads the last restoration of a tenant; pool.ErrNotFound when there was none.
func (l *Ledger) Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error) {
	var i restorationItem
	if err := l.get(ctx, restorationKey(tenant), &i); err != nil {
		return pool.Restoration{}, fmt.Errorf("read the restoration of tenant %s: %w", tenant, err)
	}
	return i.restoration(), nil
}

// SaveRestoration writes a restoration on the condition that the version of the tenant's last one is before's; 0: that there
// is none.
func (l *Ledger) SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error) {
	after.Version = before.Version + 1
	i, err := encodeRestoration(after)
	if err != nil {
		return pool.Restoration{}, err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return pool.Restoration{}, fmt.Errorf("save restoration %s: %w", after.ID(), err)
	}
	var stored restorationItem
	if err := attributevalue.UnmarshalMap(i, &stored); err != nil {
		return pool.Restoration{}, fmt.Errorf("decode restoration %s: %w", after.ID(), err)
	}
	return stored.restoration(), nil
}

// ForgetRestoration deletes the record of a restoration, and saves its tenant, on the condition that both are as they were
// read. One transaction.
func (l *Ledger) ForgetRestoration(ctx context.Context, last pool.Restoration, before, after pool.Tenant) error {
	after.Version = before.Version + 1
	tenant, err := encodeTenant(after)
	if err != nil {
		return err
	}
	err = l.transact(ctx, types.TransactWriteItem{Delete: asRead(last.Version).delete(restorationKey(last.Tenant))},
		types.TransactWriteItem{Put: asRead(before.Version).put(tenant)})
	if err != nil {
		return fmt.Errorf("forget restoration %s: %w", last.ID(), err)
	}
	return nil
}

// OverdueRestorations names the tenants whose restorations' deadline is now or earlier, the oldest first. The index lags
// behind them.
func (l *Ledger) OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error) {
	return overdue[pool.TenantID](ctx, l, dueRestoration, tenantPrefix, now, limit)
}
