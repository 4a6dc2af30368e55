package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// addressItem says to whom an address belongs, in its stored form.
type addressItem struct {
	key
	Tenant pool.TenantID `dynamodbav:"tenant"`
}

func addressKey(address string) key { return key{"ADDRESS#" + address, "ADDRESS"} }

// Register makes an address a tenant's: one request, also when it is the tenant's already.
func (l *Ledger) Register(ctx context.Context, address string, tenant pool.TenantID) error {
	put, err := registration(address, tenant)
	if err != nil {
		return err
	}
	err = l.put(ctx, put)
	if errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("register address %s: %w", address, pool.ErrTaken)
	}
	if err != nil {
		return fmt.Errorf("register address %s: %w", address, err)
	}
	return nil
}

// Owner reads whose an address is.
func (l *Ledger) Owner(ctx context.Context, address string) (pool.TenantID, error) {
	var i addressItem
	if err := l.get(ctx, addressKey(address), &i); err != nil {
		return "", fmt.Errorf("read whose address %s is: %w", address, err)
	}
	return i.Tenant, nil
}

// registration makes an address a tenant's that is nobody's, or its own.
func registration(address string, tenant pool.TenantID) (*types.Put, error) {
	i, err := encode(addressItem{addressKey(address), tenant})
	if err != nil {
		return nil, err
	}
	put := absent(i)
	*put.ConditionExpression += " OR #tenant = :tenant"
	put.ExpressionAttributeNames, put.ExpressionAttributeValues = names("tenant"), item{":tenant": text(string(tenant))}
	return put, nil
}

// Unregister frees an address of a tenant, in one transaction with a look at the tenant's version: the
// tenant does not have the address, and has not got it since.
func (l *Ledger) Unregister(ctx context.Context, address string, seen pool.Tenant) error {
	if err := l.transact(ctx, freeing(address, seen.ID), checkVersion(tenantKey(seen.ID), seen.Version)); err != nil {
		return fmt.Errorf("free address %s: %w", address, err)
	}
	return nil
}

// checkVersion is the part of a transaction that looks at the version of an item which it does not write.
func checkVersion(k key, version int64) types.TransactWriteItem {
	var unchanged conditions
	unchanged.equal("version", version)
	looked := unchanged.put(nil)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		Key: k.attributes(), ConditionExpression: looked.ConditionExpression,
		ExpressionAttributeNames: looked.ExpressionAttributeNames, ExpressionAttributeValues: looked.ExpressionAttributeValues,
	}}
}

// Disown frees an address of a tenant, in one transaction with a write of the tenant's record as it is.
func (l *Ledger) Disown(ctx context.Context, address string, t pool.Tenant) error {
	version := t.Version
	t.Version++
	i, err := encodeTenant(t)
	if err != nil {
		return err
	}
	if err := l.transact(ctx, freeing(address, t.ID), types.TransactWriteItem{Put: asRead(version).put(i)}); err != nil {
		return fmt.Errorf("free address %s, which its tenant does not have: %w", address, err)
	}
	return nil
}

// freeing frees an address that is nobody's or a tenant's.
func freeing(address string, tenant pool.TenantID) types.TransactWriteItem {
	owned := "attribute_not_exists(pk) OR #tenant = :tenant"
	return types.TransactWriteItem{Delete: &types.Delete{
		Key: addressKey(address).attributes(), ConditionExpression: &owned,
		ExpressionAttributeNames: names("tenant"), ExpressionAttributeValues: item{":tenant": text(string(tenant))},
	}}
}
