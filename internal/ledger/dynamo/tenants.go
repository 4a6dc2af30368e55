package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// Request records a tenant if it is not known: one request, whether it is known or not.
func (l *Ledger) Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error) {
	t.Version = 1
	i, err := encodeTenant(t)
	if err != nil {
		return pool.Tenant{}, false, err
	}
	err = l.put(ctx, absent(i))
	if errors.Is(err, pool.ErrConflict) {
		stored, err = decodeTenant(found(err))
		return stored, false, err
	}
	if err != nil {
		return pool.Tenant{}, false, fmt.Errorf("record tenant %s: %w", t.ID, err)
	}
	stored, err = decodeTenant(i)
	return stored, true, err
}

// Tenant reads a tenant; pool.ErrNotFound when there is none.
func (l *Ledger) Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error) {
	var i tenantItem
	if err := l.get(ctx, tenantKey(id), &i); err != nil {
		return pool.Tenant{}, fmt.Errorf("read tenant %s: %w", id, err)
	}
	return i.tenant(), nil
}

// SaveTenant writes a tenant on the condition that its version is before's, and moves its place on the
// waiting list with it: one request for a tenant that neither comes onto the list nor leaves it, and a
// transaction for one that does.
func (l *Ledger) SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error) {
	after.Version = before.Version + 1
	i, err := encodeTenant(after)
	if err != nil {
		return pool.Tenant{}, err
	}
	put := asRead(before.Version).put(i)
	switch waited, waits := before.State == pool.TenantWaiting, after.State == pool.TenantWaiting; {
	case waits && !waited:
		place, encodeErr := encode(waitItem{waitKey(after.Tier, after.Seq), after.Seq, after.ID})
		if encodeErr != nil {
			return pool.Tenant{}, encodeErr
		}
		err = l.transact(ctx, types.TransactWriteItem{Put: put}, types.TransactWriteItem{Put: absent(place)})
	case waited && !waits:
		left := &types.Delete{Key: waitKey(before.Tier, before.Seq).attributes()}
		err = l.transact(ctx, types.TransactWriteItem{Put: put}, types.TransactWriteItem{Delete: left})
	default:
		err = l.putOnce(ctx, put)
	}
	if err != nil {
		return pool.Tenant{}, fmt.Errorf("save tenant %s: %w", after.ID, err)
	}
	return decodeTenant(i)
}
