// Package dynamo is the ledger on DynamoDB: one table with keys pk and sk, and two sparse indexes,
// due and reserve. docs/architecture.md shows its layout.
//
// Single records are read strongly consistently. Every write is conditional, and a condition that
// does not hold answers pool.ErrConflict. Throttling and lost connections are retried by the SDK,
// collisions with a transaction by this package, both bounded by the context.
//
// A write whose reply is lost is sent again by the SDK. Transactions, SaveHost and SaveTenant answer
// then as if the reply had come, because each sending bears the same token or mark. The others meet
// what they wrote themselves, and their callers find it done: Request gives the tenant as a known
// one, Claim what the tenant holds, and the writes of a shelf answer pool.ErrConflict. No mark is kept
// in what these write, because every signup would pay for it.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// database is what the ledger asks of DynamoDB.
type database interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Config is what a Ledger is built from. All fields are required.
type Config struct {
	Client database
	Table  string
	Rand   func() float64                             // uniform in [0,1), of 53 bits: spreads retries, marks writes
	Sleep  func(context.Context, time.Duration) error // waits, or gives the context's error
}

// Ledger keeps hosts, pools, shelves and tenants. It is safe for use by many at once.
type Ledger struct{ Config }

// New checks the configuration.
func New(c Config) (*Ledger, error) {
	if c.Client == nil || c.Table == "" || c.Rand == nil || c.Sleep == nil {
		return nil, errors.New("dynamo: Client, Table, Rand and Sleep are required")
	}
	return &Ledger{c}, nil
}

// get reads one item, strongly consistently, into out. pool.ErrNotFound when there is none.
func (l *Ledger) get(ctx context.Context, key key, out any) error {
	got, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.Table, Key: key.attributes(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("get item %s: %w", key, err)
	}
	if len(got.Item) == 0 {
		return fmt.Errorf("get item %s: %w", key, pool.ErrNotFound)
	}
	if err := attributevalue.UnmarshalMap(got.Item, out); err != nil {
		return fmt.Errorf("decode item %s: %w", key, err)
	}
	return nil
}

// put writes one item whole, on a condition.
func (l *Ledger) put(ctx context.Context, p *types.Put) error {
	return l.write(ctx, func() error {
		_, err := l.Client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &l.Table, Item: p.Item,
			ConditionExpression: p.ConditionExpression, ExpressionAttributeNames: p.ExpressionAttributeNames,
			ExpressionAttributeValues:           p.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	})
}

// update changes one item by an expression, on a condition, and returns the item after it.
func (l *Ledger) update(ctx context.Context, u *types.Update) (item, error) {
	var after item
	err := l.write(ctx, func() error {
		out, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &l.Table, Key: u.Key, UpdateExpression: u.UpdateExpression,
			ConditionExpression: u.ConditionExpression, ExpressionAttributeNames: u.ExpressionAttributeNames,
			ExpressionAttributeValues:           u.ExpressionAttributeValues,
			ReturnValues:                        types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if err != nil {
			return err
		}
		after = out.Attributes
		return nil
	})
	return after, err
}

// transact makes several writes at once or none of them. The SDK gives the call a request token, so
// that its own retries of a lost reply write once.
func (l *Ledger) transact(ctx context.Context, writes ...types.TransactWriteItem) error {
	for i := range writes {
		if p := writes[i].Put; p != nil {
			p.TableName = &l.Table
		}
		if u := writes[i].Update; u != nil {
			u.TableName = &l.Table
		}
		if d := writes[i].Delete; d != nil {
			d.TableName = &l.Table
		}
		if c := writes[i].ConditionCheck; c != nil {
			c.TableName = &l.Table
		}
	}
	return l.write(ctx, func() error {
		_, err := l.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
}
