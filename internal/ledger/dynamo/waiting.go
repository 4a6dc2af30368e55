package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// waitItem is one place on a waiting list, in its stored form.
type waitItem struct {
	key
	Seq    int64         `dynamodbav:"seq"`
	Tenant pool.TenantID `dynamodbav:"tenant"`
}

// Enqueue puts a tenant at the end of its tier's waiting list.
//
// The number is drawn, and the shelf closed, in one update of the shelf; the tenant and its place
// follow in a transaction. Killed in between, a number is never used, and the shelf stays closed
// until Unqueue opens it.
func (l *Ledger) Enqueue(ctx context.Context, t pool.Tenant, at time.Time) (pool.Tenant, error) {
	stored, err := l.Tenant(ctx, t.ID)
	if err != nil {
		return pool.Tenant{}, err
	}
	if stored.State != pool.Requested {
		return pool.Tenant{}, fmt.Errorf("put tenant %s, which is %s, on the waiting list: %w", t.ID, stored.State, pool.ErrConflict)
	}
	drawn, err := l.changeShelf(ctx, t.Tier, shelfChange{
		create:    true,
		set:       []string{"t = if_not_exists(t, :zero) + :one", "q = if_not_exists(t, :zero) + :one", "qs = :now"},
		condition: "attribute_not_exists(hd.#tenant)", // somebody gave it slots since
		names:     map[string]string{"#tenant": string(t.ID)},
		values:    item{":now": number(unix(at))},
	})
	if err != nil {
		return pool.Tenant{}, fmt.Errorf("draw a number on the waiting list of tier %s: %w", t.Tier, err)
	}
	t.State, t.Seq = pool.Waiting, drawn.Tail
	if err := l.enqueue(ctx, t, stored.Seq); err != nil {
		return pool.Tenant{}, fmt.Errorf("put tenant %s on the waiting list: %w", t.ID, err)
	}
	return t, nil
}

// enqueue writes the tenant and its place, on the condition that its record still has the number seq.
func (l *Ledger) enqueue(ctx context.Context, t pool.Tenant, seq int64) error {
	tenant, err := encodeTenant(t)
	if err != nil {
		return err
	}
	place, err := encode(waitItem{waitKey(t.Tier, t.Seq), t.Seq, t.ID})
	if err != nil {
		return err
	}
	var requested conditions
	requested.state(pool.Requested)
	requested.equal("seq", seq) // not one whose turn has come since
	return l.transact(ctx,
		types.TransactWriteItem{Put: requested.put(tenant)},
		types.TransactWriteItem{Put: absent(place)},
	)
}

// Dequeue takes a tenant whose turn has come off the waiting list: its record and its place go
// together.
func (l *Ledger) Dequeue(ctx context.Context, t pool.Tenant) (pool.Tenant, error) {
	var waiting conditions
	waiting.state(pool.Waiting)
	waiting.equal("seq", t.Seq)
	t.State = pool.Requested
	tenant, err := encodeTenant(t)
	if err != nil {
		return pool.Tenant{}, err
	}
	err = l.transact(ctx,
		types.TransactWriteItem{Put: waiting.put(tenant)},
		types.TransactWriteItem{Delete: &types.Delete{Key: waitKey(t.Tier, t.Seq).attributes()}},
	)
	if err != nil {
		return pool.Tenant{}, fmt.Errorf("take tenant %s off the waiting list: %w", t.ID, err)
	}
	return t, nil
}

// Waiting lists the first tenants on a tier's waiting list, in order.
func (l *Ledger) Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error) {
	out, err := l.Client.Query(ctx, &dynamodb.QueryInput{
		TableName: &l.Table, KeyConditionExpression: aws.String("pk = :list"),
		ExpressionAttributeValues: item{":list": text(waitPrefix + string(tier))},
		ConsistentRead:            aws.Bool(true), Limit: aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	var places []waitItem
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &places); err != nil {
		return nil, fmt.Errorf("decode the waiting list of tier %s: %w", tier, err)
	}
	var waiters []pool.Waiter
	for _, p := range places {
		waiters = append(waiters, pool.Waiter{Seq: p.Seq, Tenant: p.Tenant})
	}
	return waiters, nil
}

// Unqueue opens the shelf to everybody again, on the condition that its Queue is still queue.
func (l *Ledger) Unqueue(ctx context.Context, tier pool.Tier, queue int64) error {
	_, err := l.changeShelf(ctx, tier, shelfChange{
		remove: []string{"q", "qs"}, condition: "q = :queue", values: item{":queue": number(queue)},
	})
	if err != nil {
		return fmt.Errorf("open the shelf of tier %s to everybody: %w", tier, err)
	}
	return nil
}
