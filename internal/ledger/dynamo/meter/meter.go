// Package meter counts what requests to DynamoDB cost, by AWS's rules, in the middleware of the SDK:
// programs that stand in for DynamoDB do not meter.
//
// To know how large an item was before a write, the meter reads it by a client of its own, which is
// not metered. With several writers at once the item may change in between; what is counted then is
// what the same write costs a moment earlier.
package meter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// Usage is what was used.
type Usage struct {
	Requests int     // sent, each attempt counted
	WRU      float64 // write request units
	RRU      float64 // read request units
	Refused  int     // writes whose condition did not hold, or whose transaction was canceled
	Resent   int     // attempts after the first
}

// Less is what was used since before.
func (u Usage) Less(before Usage) Usage {
	return Usage{
		Requests: u.Requests - before.Requests, WRU: u.WRU - before.WRU, RRU: u.RRU - before.RRU,
		Refused: u.Refused - before.Refused, Resent: u.Resent - before.Resent,
	}
}

// Retries counts what had to be done again.
func (u Usage) Retries() int { return u.Refused + u.Resent }

// peeker reads items out of band.
type peeker interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Meter counts for all clients that it is attached to. It is safe for use by many at once.
type Meter struct {
	peek  peeker
	table Table

	mu    sync.Mutex
	usage Usage
}

// New makes a meter that reads items by peek, which must not be metered itself.
func New(peek peeker, table Table) *Meter { return &Meter{peek: peek, table: table} }

// Usage returns what was used so far.
func (m *Meter) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usage
}

// Attach is an option of a client: it makes the client's requests count.
func (m *Meter) Attach(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.operation), middleware.After); err != nil {
			return fmt.Errorf("attach the meter: %w", err)
		}
		if err := stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("meterAttempt", m.attempt), "Retry", middleware.After); err != nil {
			return fmt.Errorf("attach the meter behind the retries: %w", err)
		}
		return nil
	})
}

func (m *Meter) count(u Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage.Requests += u.Requests
	m.usage.WRU += u.WRU
	m.usage.RRU += u.RRU
	m.usage.Refused += u.Refused
	m.usage.Resent += u.Resent
}

// first marks, in the context of an operation, that no attempt was made yet.
type first struct{ pending bool }

type firstKey struct{}

// attempt counts one sending of a request.
func (m *Meter) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	used := Usage{Requests: 1, Resent: 1}
	if mark, ok := ctx.Value(firstKey{}).(*first); ok && mark.pending {
		mark.pending, used.Resent = false, 0
	}
	m.count(used)
	return next.HandleFinalize(ctx, in)
}

// operation counts the units of one operation.
func (m *Meter) operation(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (out middleware.InitializeOutput, data middleware.Metadata, err error) {
	ctx = context.WithValue(ctx, firstKey{}, &first{pending: true})
	var writes []write
	switch input := in.Parameters.(type) {
	case *dynamodb.GetItemInput, *dynamodb.BatchGetItemInput, *dynamodb.QueryInput:
	case *dynamodb.PutItemInput:
		writes = []write{{table: input.TableName, item: input.Item}}
	case *dynamodb.UpdateItemInput:
		all := input.ReturnValues == types.ReturnValueAllNew
		writes = []write{{table: input.TableName, key: input.Key, update: true, returns: all}}
	case *dynamodb.TransactWriteItemsInput:
		if writes, err = ofTransaction(input); err != nil {
			return out, data, err
		}
	default:
		return out, data, fmt.Errorf("meter: %T is not metered", in.Parameters)
	}
	for i := range writes {
		if err := m.before(ctx, &writes[i]); err != nil {
			return out, data, err
		}
	}
	out, data, err = next.HandleInitialize(ctx, in)
	used := Usage{RRU: reads(in.Parameters, out.Result)}
	var failed *types.ConditionalCheckFailedException
	var canceled *types.TransactionCanceledException
	refused := errors.As(err, &failed) || errors.As(err, &canceled)
	if refused {
		used.Refused = 1
	}
	if err == nil || refused { // what failed otherwise is not charged
		for i := range writes {
			units, peekErr := m.after(ctx, writes[i], out.Result, refused)
			if peekErr != nil {
				return out, data, errors.Join(err, peekErr)
			}
			used.WRU += units
		}
	}
	m.count(used)
	return out, data, err
}

// reads is what was read, in units.
func reads(input, result any) float64 {
	switch out := result.(type) {
	case *dynamodb.GetItemOutput:
		return read(Size(out.Item), aws.ToBool(input.(*dynamodb.GetItemInput).ConsistentRead))
	case *dynamodb.BatchGetItemOutput: // each item is charged for by itself, and one that is not there too
		units := 0.0
		for table, wanted := range input.(*dynamodb.BatchGetItemInput).RequestItems {
			consistent := aws.ToBool(wanted.ConsistentRead)
			for _, item := range out.Responses[table] {
				units += read(Size(item), consistent)
			}
			missing := len(wanted.Keys) - len(out.Responses[table]) - len(out.UnprocessedKeys[table].Keys)
			units += float64(missing) * read(0, consistent)
		}
		return units
	case *dynamodb.QueryOutput:
		bytes := 0
		for _, item := range out.Items {
			bytes += Size(item)
		}
		return read(bytes, aws.ToBool(input.(*dynamodb.QueryInput).ConsistentRead))
	default:
		return 0
	}
}
