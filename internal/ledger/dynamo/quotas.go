package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// quotasItem is the stored form of the service quotas.
type quotasItem struct {
	key
	Form    int         `dynamodbav:"form"`
	Seen    []quotaItem `dynamodbav:"seen"`
	At      *time.Time  `dynamodbav:"at,omitempty"`
	Version int64       `dynamodbav:"version,omitempty"`
}

type quotaItem struct {
	Name     string     `dynamodbav:"name"`
	Most     int        `dynamodbav:"most"`
	Assumed  bool       `dynamodbav:"assumed,omitempty"`
	Else     int        `dynamodbav:"else"`
	Database int        `dynamodbav:"database"`
	Share    int        `dynamodbav:"share"`
	Read     *time.Time `dynamodbav:"read,omitempty"`
	Why      string     `dynamodbav:"why,omitempty"`
}

func quotasKey() key { return key{"QUOTAS", "QUOTAS"} }

// Quotas reads the service quotas as they were read last.
func (l *Ledger) Quotas(ctx context.Context) (pool.Quotas, error) {
	var i quotasItem
	err := l.get(ctx, quotasKey(), &i)
	if errors.Is(err, pool.ErrNotFound) {
		return pool.Quotas{}, nil
	}
	if err != nil {
		return pool.Quotas{}, fmt.Errorf("read the quotas: %w", err)
	}
	q := pool.Quotas{At: from(i.At), Version: i.Version}
	for _, seen := range i.Seen {
		q.Seen = append(q.Seen, pool.Quota{
			Name: seen.Name, Most: seen.Most, Assumed: seen.Assumed, Else: seen.Else, Database: seen.Database, Share: seen.Share, Read: from(seen.Read), Why: seen.Why,
		})
	}
	return q, nil
}

// SaveQuotas writes the quotas on the condition that their version is before's.
func (l *Ledger) SaveQuotas(ctx context.Context, before, after pool.Quotas) error {
	stored := quotasItem{key: quotasKey(), Form: form, At: moment(after.At), Version: before.Version + 1}
	for _, q := range after.Seen {
		stored.Seen = append(stored.Seen, quotaItem{
			Name: q.Name, Most: q.Most, Assumed: q.Assumed, Else: q.Else, Database: q.Database, Share: q.Share, Read: moment(q.Read), Why: q.Why,
		})
	}
	i, err := encode(stored)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save the quotas: %w", err)
	}
	return nil
}
