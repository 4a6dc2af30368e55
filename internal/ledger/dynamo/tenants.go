package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// tenantItem is a tenant's stored form.
type tenantItem struct {
	key
	deadline
	pool.Tenant
}

func encodeTenant(t pool.Tenant) (item, error) {
	// The SDK knows no omitzero: what a tenant does not have yet is left out here. With the ID, which
	// the key has, that keeps the item within one write unit.
	not := []string{"id"}
	for name, zero := range map[string]bool{
		"readyAt": t.ReadyAt.IsZero(), "database": t.Database == pool.Holding{}, "share": t.Share == pool.Holding{},
	} {
		if zero {
			not = append(not, name)
		}
	}
	return encode(tenantItem{tenantKey(t.ID), deadlineOf(dueTenant, t.Due), t}, not...)
}

func (i tenantItem) tenant() pool.Tenant {
	t := i.Tenant
	t.ID, t.Due = pool.TenantID(strings.TrimPrefix(i.PK, tenantPrefix)), i.time()
	return t
}

func decodeTenant(stored item) (pool.Tenant, error) {
	var i tenantItem
	if err := attributevalue.UnmarshalMap(stored, &i); err != nil {
		return pool.Tenant{}, fmt.Errorf("decode a tenant: %w", err)
	}
	return i.tenant(), nil
}

// Request records a tenant if it is not known: one request, whether it is known or not.
func (l *Ledger) Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error) {
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

// SaveTenant writes after on the condition that the stored state, tries and seq are before's.
func (l *Ledger) SaveTenant(ctx context.Context, before, after pool.Tenant) error {
	i, err := encodeTenant(after)
	if err != nil {
		return err
	}
	var unchanged conditions
	unchanged.state(before.State)
	unchanged.equal("tries", int64(before.Tries))
	unchanged.equal("seq", before.Seq)
	if err := l.putOnce(ctx, unchanged.put(i)); err != nil {
		return fmt.Errorf("save tenant %s: %w", after.ID, err)
	}
	return nil
}

// Ready writes a tenant as ready: one request for a tenant that never waited, and a transaction with its
// place on the waiting list for one that did.
func (l *Ledger) Ready(ctx context.Context, t pool.Tenant) error {
	t.State, t.Due = pool.Ready, time.Time{}
	err := l.ready(ctx, t)
	if old := found(err); len(old) > 0 {
		// Somebody put it on the waiting list since the caller read it.
		stored, decodeErr := decodeTenant(old)
		if decodeErr != nil {
			return decodeErr
		}
		if stored.State != pool.Ready && stored.Seq != t.Seq {
			err = l.ready(ctx, pool.Overtaken(t, stored))
		}
	}
	if err != nil {
		return fmt.Errorf("record tenant %s as ready: %w", t.ID, err)
	}
	return nil
}

// ready writes a tenant whose number on the waiting list is t.Seq, 0 for none.
func (l *Ledger) ready(ctx context.Context, t pool.Tenant) error {
	i, err := encodeTenant(t)
	if err != nil {
		return err
	}
	var unserved conditions
	unserved.state(pool.Requested, pool.Waiting)
	unserved.equal("seq", t.Seq)
	put := unserved.put(i)
	if t.Seq == 0 {
		return l.put(ctx, put)
	}
	return l.transact(ctx,
		types.TransactWriteItem{Put: put},
		types.TransactWriteItem{Delete: &types.Delete{Key: waitKey(t.Tier, t.Seq).attributes()}},
	)
}
