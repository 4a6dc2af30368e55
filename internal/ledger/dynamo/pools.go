package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// poolItem is the stored form of a pool's record.
type poolItem struct {
	Seq int `dynamodbav:"seq"`
	pool.Counters
	Failures     int   `dynamodbav:"failures"`
	BackoffUntil int64 `dynamodbav:"backoffUntil"` // Unix seconds
}

// Pool reads a pool's record; one that does not exist reads as a zero record with its key.
func (l *Ledger) Pool(ctx context.Context, k pool.Key) (pool.Record, error) {
	var i poolItem
	if err := l.get(ctx, poolKey(k), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return pool.Record{}, fmt.Errorf("read pool %s: %w", k, err)
	}
	return pool.Record{Key: k, Seq: i.Seq, Counters: i.Counters, Failures: i.Failures, BackoffUntil: seconds(i.BackoffUntil)}, nil
}

// poolChange is an update of a pool's record. The record is made if it is not there.
type poolChange struct {
	conditions
	key         pool.Key
	add         []string
	set, remove []string
}

// newPoolChange moves a pool's counters by a difference.
func newPoolChange(k pool.Key, by pool.Counters) (*poolChange, error) {
	c := &poolChange{key: k}
	moved, err := encode(by)
	if err != nil {
		return nil, err
	}
	maps.Copy(moved, encodeRoom(by.Room))
	for _, name := range slices.Sorted(maps.Keys(moved)) {
		if n, ok := moved[name].(*types.AttributeValueMemberN); ok && n.Value == "0" {
			continue
		}
		c.add = append(c.add, "#"+name+" :"+name)
		c.names = append(c.names, name)
		c.value(":"+name, moved[name])
	}
	return c, nil
}

// noteOutcome adds what a host's change of state means for its pool's backoff.
func (l *Ledger) noteOutcome(ctx context.Context, c *poolChange, outcome pool.Outcome, now time.Time) error {
	switch outcome {
	case pool.Failed:
		// How long the backoff is depends on the failures before; a failure in between is a conflict.
		seen, err := l.Pool(ctx, c.key)
		if err != nil {
			return err
		}
		c.equal("failures", int64(seen.Failures))
		c.set = append(c.set, "#failures = :counted", "#backoffUntil = :until")
		c.names = append(c.names, "backoffUntil")
		c.value(":counted", number(seen.Failures+1))
		c.value(":until", number(now.Add(pool.Backoff(seen.Failures+1)).Unix()))
	case pool.Succeeded:
		c.remove = append(c.remove, "#failures", "#backoffUntil")
		c.names = append(c.names, "failures", "backoffUntil")
	}
	return nil
}

// empty says that the record stays as it is.
func (c *poolChange) empty() bool { return len(c.add)+len(c.set)+len(c.remove) == 0 }

func (c *poolChange) update() *types.Update {
	var expression []string
	for _, part := range []struct {
		word    string
		clauses []string
	}{{"SET ", c.set}, {"REMOVE ", c.remove}, {"ADD ", c.add}} {
		if len(part.clauses) > 0 {
			expression = append(expression, part.word+strings.Join(part.clauses, ", "))
		}
	}
	joined, condition := strings.Join(expression, " "), strings.Join(c.clauses, " AND ")
	u := &types.Update{
		Key: poolKey(c.key).attributes(), UpdateExpression: &joined,
		ExpressionAttributeNames: names(c.names...), ExpressionAttributeValues: c.values,
	}
	if condition != "" {
		u.ConditionExpression = &condition
	}
	return u
}
