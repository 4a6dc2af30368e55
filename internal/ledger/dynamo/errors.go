package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

const (
	// collisions bounds how often a write is tried that collides with a transaction.
	collisions = 8
	// collisionWait is the longest wait after the first collision; it doubles with each.
	collisionWait = 20 * time.Millisecond
)

// errCollision means that a transaction on the same item was under way: nothing was written, and the
// same write may succeed a moment later.
var errCollision = errors.New("another transaction was under way")

// write makes a write again while it collides with a transaction, with growing, jittered waits.
func (l *Ledger) write(ctx context.Context, try func() error) error {
	for attempt := 0; ; attempt++ {
		err := classify(try())
		if !errors.Is(err, errCollision) || attempt == collisions-1 {
			return err
		}
		wait := time.Duration(l.Rand() * float64(collisionWait<<attempt))
		if err := l.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("wait for another transaction: %w", err)
		}
	}
}

// classify is the one place that knows how DynamoDB words what became of a write. A condition that
// did not hold is pool.ErrConflict, a collision is errCollision; the cause stays wrapped.
func classify(err error) error {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return fmt.Errorf("%w: %w", pool.ErrConflict, err)
	}
	var collided *types.TransactionConflictException
	if errors.As(err, &collided) {
		return fmt.Errorf("%w: %w", errCollision, err)
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return err
	}
	again := false
	var why []string // the exception itself carries codes only
	for _, reason := range canceled.CancellationReasons {
		if reason.Code == nil {
			continue
		}
		switch *reason.Code {
		case "ConditionalCheckFailed":
			return fmt.Errorf("%w: %w", pool.ErrConflict, err)
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			again = true
		case "None":
		default:
			why = append(why, aws.ToString(reason.Message))
		}
	}
	if again {
		return fmt.Errorf("%w: %w", errCollision, err)
	}
	return fmt.Errorf("%w: %s", err, strings.Join(why, "; "))
}

// found returns the item that a failed condition was checked against; empty when there was none.
func found(err error) item {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return failed.Item
	}
	return nil
}
