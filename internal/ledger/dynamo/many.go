package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// getMost is how many items BatchGetItem reads at once.
const getMost = 100

// Hosts reads many hosts at once; those that there are not are left out.
func (l *Ledger) Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error) {
	hosts := map[pool.HostID]pool.Host{}
	err := getMany(ctx, l, ids, hostKey, func(i hostItem) { hosts[i.ID] = i.host() })
	if err != nil {
		return nil, fmt.Errorf("read %d hosts: %w", len(ids), err)
	}
	return hosts, nil
}

// Tenants reads many tenants at once; those that there are not are left out.
func (l *Ledger) Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error) {
	tenants := map[pool.TenantID]pool.Tenant{}
	err := getMany(ctx, l, ids, tenantKey, func(i tenantItem) {
		tenants[pool.TenantID(strings.TrimPrefix(i.PK, tenantPrefix))] = i.tenant()
	})
	if err != nil {
		return nil, fmt.Errorf("read %d tenants: %w", len(ids), err)
	}
	return tenants, nil
}

// Clearances reads many clearances at once; those that there are not are left out.
func (l *Ledger) Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error) {
	clearances := map[pool.ClearanceID]pool.Clearance{}
	err := getMany(ctx, l, ids, clearanceKey, func(i clearanceItem) {
		c := i.clearance()
		clearances[c.ID()] = c
	})
	if err != nil {
		return nil, fmt.Errorf("read %d clearances: %w", len(ids), err)
	}
	return clearances, nil
}

// getMany reads items of one stored form, getMost at a time, strongly consistently.
func getMany[ID, Stored any](ctx context.Context, l *Ledger, ids []ID, keyOf func(ID) key, found func(Stored)) error {
	for some := range slices.Chunk(ids, getMost) {
		wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		for _, id := range some {
			wanted.Keys = append(wanted.Keys, keyOf(id).attributes())
		}
		items, err := l.getBatch(ctx, wanted)
		if err != nil {
			return err
		}
		for _, i := range items {
			var stored Stored
			if err := attributevalue.UnmarshalMap(i, &stored); err != nil {
				return fmt.Errorf("decode %T: %w", stored, err)
			}
			found(stored)
		}
	}
	return nil
}

// getBatch reads items until none is left unprocessed, as those are that are throttled or too much for one
// answer, with growing, jittered waits.
func (l *Ledger) getBatch(ctx context.Context, wanted types.KeysAndAttributes) ([]item, error) {
	var items []item
	for attempt := range collisions {
		out, err := l.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{l.Table: wanted}})
		if err != nil {
			return nil, fmt.Errorf("get %d items: %w", len(wanted.Keys), err)
		}
		items = append(items, out.Responses[l.Table]...)
		if wanted = out.UnprocessedKeys[l.Table]; len(wanted.Keys) == 0 {
			return items, nil
		}
		if err := l.Sleep(ctx, time.Duration(l.Rand()*float64(collisionWait<<attempt))); err != nil {
			return nil, fmt.Errorf("wait to get %d items: %w", len(wanted.Keys), err)
		}
	}
	return nil, fmt.Errorf("get items: %d of them stayed unprocessed", len(wanted.Keys))
}
