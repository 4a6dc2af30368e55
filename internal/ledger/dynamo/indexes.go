package dynamo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/pool"
)

// The indexes of the table. Both project keys only.
const (
	dueIndex     = "due"
	reserveIndex = "reserve"
)

// Reserve names hosts in service with slots in reserve, in the order of the placement. The index
// lags behind the hosts.
func (l *Ledger) Reserve(ctx context.Context, k pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error) {
	out, err := l.Client.Query(ctx, &dynamodb.QueryInput{
		TableName: &l.Table, IndexName: aws.String(reserveIndex),
		KeyConditionExpression:    aws.String("#reserve = :pool AND #used < :below"),
		ExpressionAttributeNames:  names("reserve", "used"),
		ExpressionAttributeValues: item{":pool": text(k.String()), ":below": number(below)},
		ScanIndexForward:          aws.Bool(placement == pool.Spread),
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, fmt.Errorf("query hosts of pool %s with slots in reserve: %w", k, err)
	}
	var entries []key
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &entries); err != nil {
		return nil, fmt.Errorf("decode hosts of pool %s with slots in reserve: %w", k, err)
	}
	var ids []pool.HostID
	for _, e := range entries {
		ids = append(ids, pool.HostID(strings.TrimPrefix(e.PK, hostPrefix)))
	}
	return ids, nil
}

// dueEntry is an entry of the index of what has a deadline.
type dueEntry struct {
	key
	deadline
}

// OverdueHosts names hosts whose deadline is now or earlier, the oldest first. The index lags behind them.
func (l *Ledger) OverdueHosts(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error) {
	return overdue[pool.HostID](ctx, l, dueHost, hostPrefix, now, limit)
}

// OverdueTenants names tenants whose deadline is now or earlier, the oldest first. The index lags behind
// them.
func (l *Ledger) OverdueTenants(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error) {
	return overdue[pool.TenantID](ctx, l, dueTenant, tenantPrefix, now, limit)
}

func overdue[ID ~string](ctx context.Context, l *Ledger, what, prefix string, now time.Time, limit int) ([]ID, error) {
	return overdueKeys(ctx, l, what, now, limit, func(k key) ID { return ID(strings.TrimPrefix(k.PK, prefix)) })
}

// overdueKeys names the records of a sort whose deadline is now or earlier, as their keys say.
func overdueKeys[ID ~string](ctx context.Context, l *Ledger, what string, now time.Time, limit int, id func(key) ID) ([]ID, error) {
	out, err := l.Client.Query(ctx, &dynamodb.QueryInput{
		TableName: &l.Table, IndexName: aws.String(dueIndex),
		KeyConditionExpression:    aws.String("#due = :what AND #dueAt <= :now"),
		ExpressionAttributeNames:  names("due", "dueAt"),
		ExpressionAttributeValues: item{":what": text(what), ":now": number(now.Unix())},
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, fmt.Errorf("query %ss past their deadline: %w", what, err)
	}
	var entries []dueEntry
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &entries); err != nil {
		return nil, fmt.Errorf("decode %ss past their deadline: %w", what, err)
	}
	var ids []ID
	for _, e := range entries {
		ids = append(ids, id(e.key))
	}
	return ids, nil
}
