package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/pool"
)

// waitItem is one place on a waiting list, in its stored form.
type waitItem struct {
	key
	Seq    int64         `dynamodbav:"seq"`
	Tenant pool.TenantID `dynamodbav:"tenant"`
}

// Draw draws the next number on a tier's waiting list and closes the shelf, in one update of the shelf.
// A number whose tenant never comes onto the list is never used, and the shelf stays closed until Unqueue
// opens it.
func (l *Ledger) Draw(ctx context.Context, tier pool.Tier, tenant pool.TenantID, again bool) (int64, error) {
	change := shelfChange{
		create:    true,
		set:       []string{"t = if_not_exists(t, :zero) + :one", "q = if_not_exists(t, :zero) + :one"},
		condition: "attribute_not_exists(hd.#tenant)", // it was given slots since
		names:     map[string]string{"#tenant": string(tenant)},
		values:    item{},
	}
	if !again {
		change.count(1)
	}
	drawn, err := l.changeShelf(ctx, tier, change)
	if err != nil {
		return 0, fmt.Errorf("draw a number on the waiting list of tier %s: %w", tier, err)
	}
	return drawn.Tail, nil
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
		remove: []string{"q"}, condition: "q = :queue", values: item{":queue": number(queue)},
	})
	if err != nil {
		return fmt.Errorf("open the shelf of tier %s to everybody: %w", tier, err)
	}
	return nil
}
