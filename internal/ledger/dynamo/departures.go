package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// Depart records a departure and the tombstone of its tenant, in one transaction.
func (l *Ledger) Depart(ctx context.Context, before, after pool.Tenant, d pool.Departure) error {
	after.Version = before.Version + 1
	tombstone, err := encodeTenant(after)
	if err != nil {
		return err
	}
	d.Version = 1
	departure, err := encodeDeparture(d)
	if err != nil {
		return err
	}
	writes := []types.TransactWriteItem{{Put: asRead(before.Version).put(tombstone)}, {Put: absent(departure)}}
	if before.State == pool.TenantWaiting {
		writes = append(writes, types.TransactWriteItem{Delete: &types.Delete{Key: waitKey(before.Tier, before.Seq).attributes()}})
	}
	if err := l.transact(ctx, writes...); err != nil {
		return fmt.Errorf("record departure %s: %w", d.ID(), err)
	}
	return nil
}

// SignAgain records that a tenant which left signs up again, with its address, in one transaction.
func (l *Ledger) SignAgain(ctx context.Context, tombstone, fresh pool.Tenant, address string) (pool.Tenant, error) {
	fresh.Version = tombstone.Version + 1
	i, err := encodeTenant(fresh)
	if err != nil {
		return pool.Tenant{}, err
	}
	owned, err := registration(address, fresh.ID)
	if err != nil {
		return pool.Tenant{}, err
	}
	if err := l.transact(ctx, types.TransactWriteItem{Put: asRead(tombstone.Version).put(i)}, types.TransactWriteItem{Put: owned}); err != nil {
		return pool.Tenant{}, fmt.Errorf("sign tenant %s up again: %w", fresh.ID, err)
	}
	return decodeTenant(i)
}

// Departure reads a departure; pool.ErrNotFound when there is none.
func (l *Ledger) Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error) {
	var i departureItem
	if err := l.get(ctx, departureKey(id), &i); err != nil {
		return pool.Departure{}, fmt.Errorf("read departure %s: %w", id, err)
	}
	return i.departure(), nil
}

// Departures reads all departures of a tenant. A name has few lives: they are one page.
func (l *Ledger) Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error) {
	var departures []pool.Departure
	var next item
	for {
		out, err := l.Client.Query(ctx, &dynamodb.QueryInput{
			TableName: &l.Table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: next,
			KeyConditionExpression:    aws.String("#pk = :pk AND begins_with(#sk, :sk)"),
			ExpressionAttributeNames:  names("pk", "sk"),
			ExpressionAttributeValues: item{":pk": text(tenantPrefix + string(tenant)), ":sk": text(departureSort)},
		})
		if err != nil {
			return nil, fmt.Errorf("query the departures of tenant %s: %w", tenant, err)
		}
		for _, stored := range out.Items {
			d, err := decodeDeparture(stored)
			if err != nil {
				return nil, err
			}
			departures = append(departures, d)
		}
		if next = out.LastEvaluatedKey; next == nil {
			return departures, nil
		}
	}
}

// SaveDeparture writes a departure on the condition that its version is before's.
func (l *Ledger) SaveDeparture(ctx context.Context, before, after pool.Departure) (pool.Departure, error) {
	after.Version = before.Version + 1
	i, err := encodeDeparture(after)
	if err != nil {
		return pool.Departure{}, err
	}
	if err := l.putOnce(ctx, asRead(before.Version).put(i)); err != nil {
		return pool.Departure{}, fmt.Errorf("save departure %s: %w", after.ID(), err)
	}
	return decodeDeparture(i)
}

// Rejoin saves a departure that was undone and its tenant, in one transaction.
func (l *Ledger) Rejoin(ctx context.Context, before, after pool.Departure, tombstone, tenant pool.Tenant) error {
	after.Version, tenant.Version = before.Version+1, tombstone.Version+1
	departure, err := encodeDeparture(after)
	if err != nil {
		return err
	}
	back, err := encodeTenant(tenant)
	if err != nil {
		return err
	}
	err = l.transact(ctx, types.TransactWriteItem{Put: asRead(before.Version).put(departure)}, types.TransactWriteItem{Put: asRead(tombstone.Version).put(back)})
	if err != nil {
		return fmt.Errorf("have tenant %s back by departure %s: %w", tenant.ID, after.ID(), err)
	}
	return nil
}

// BeginScrub saves a departure whose grace is over and records its clearances, in one transaction.
func (l *Ledger) BeginScrub(ctx context.Context, before, after pool.Departure, clearances []pool.Clearance) error {
	after.Version = before.Version + 1
	departure, err := encodeDeparture(after)
	if err != nil {
		return err
	}
	writes := []types.TransactWriteItem{{Put: asRead(before.Version).put(departure)}}
	for _, c := range clearances {
		c.Version = 1
		i, err := encodeClearance(c)
		if err != nil {
			return err
		}
		writes = append(writes, types.TransactWriteItem{Put: absent(i)})
	}
	if err := l.transact(ctx, writes...); err != nil {
		return fmt.Errorf("begin the scrub of departure %s: %w", after.ID(), err)
	}
	return nil
}

// Clearance reads a clearance; pool.ErrNotFound when there is none.
func (l *Ledger) Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error) {
	var i clearanceItem
	if err := l.get(ctx, clearanceKey(id), &i); err != nil {
		return pool.Clearance{}, fmt.Errorf("read clearance %s: %w", id, err)
	}
	return i.clearance(), nil
}

// SaveClearance writes a clearance on the condition that its version is before's.
func (l *Ledger) SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error) {
	after.Version = before.Version + 1
	i, err := encodeClearance(after)
	if err != nil {
		return pool.Clearance{}, err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return pool.Clearance{}, fmt.Errorf("save clearance %s: %w", after.ID(), err)
	}
	return decodeClearance(i)
}

// OverdueDepartures names departures whose deadline is now or earlier, the oldest first. The index lags behind them.
func (l *Ledger) OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error) {
	return overdueKeys(ctx, l, dueDeparture, now, limit, func(k key) pool.DepartureID {
		return pool.DepartureID(strings.TrimPrefix(k.PK, tenantPrefix) + "." + strings.TrimPrefix(k.SK, departureSort))
	})
}

// OverdueClearances names clearances whose deadline is now or earlier, the oldest first. The index lags behind them.
func (l *Ledger) OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error) {
	return overdueKeys(ctx, l, dueClearance, now, limit, func(k key) pool.ClearanceID {
		mark, kind, _ := strings.Cut(strings.TrimPrefix(k.SK, clearanceSort), "#")
		return pool.ClearanceID(strings.TrimPrefix(k.PK, tenantPrefix) + "." + mark + "/" + kind)
	})
}

// baysItem is the stored form of the bays.
type baysItem struct {
	key
	Form    int       `dynamodbav:"form"`
	Taken   []bayItem `dynamodbav:"taken"`
	Version int64     `dynamodbav:"version"`
}

type bayItem struct {
	Owner string      `dynamodbav:"departure"` // as which it was stored when nobody else had any
	Host  pool.HostID `dynamodbav:"host,omitempty"`
	To    pool.HostID `dynamodbav:"to,omitempty"`
}

func baysKey() key { return key{"BAYS", "BAYS"} }

// Bays reads who has a place to be copied in.
func (l *Ledger) Bays(ctx context.Context) (pool.Bays, error) {
	var i baysItem
	err := l.get(ctx, baysKey(), &i)
	if errors.Is(err, pool.ErrNotFound) {
		return pool.Bays{}, nil
	}
	if err != nil {
		return pool.Bays{}, fmt.Errorf("read the bays: %w", err)
	}
	bays := pool.Bays{Version: i.Version}
	for _, bay := range i.Taken {
		bays.Taken = append(bays.Taken, pool.Bay(bay))
	}
	return bays, nil
}

// SaveBays writes the bays on the condition that their version is before's.
func (l *Ledger) SaveBays(ctx context.Context, before, after pool.Bays) error {
	stored := baysItem{key: baysKey(), Form: form, Version: before.Version + 1}
	for _, bay := range after.Taken {
		stored.Taken = append(stored.Taken, bayItem(bay))
	}
	i, err := encode(stored)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save the bays: %w", err)
	}
	return nil
}
