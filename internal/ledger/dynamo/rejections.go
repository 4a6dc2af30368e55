package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// rejectionItem is the stored form of a rejection. DynamoDB deletes it some time after it expires.
type rejectionItem struct {
	key
	Form    int       `dynamodbav:"form"`
	Message string    `dynamodbav:"message"`
	Field   string    `dynamodbav:"field"`
	Reason  string    `dynamodbav:"reason"`
	At      time.Time `dynamodbav:"at"`
	Expires int64     `dynamodbav:"expires"` // Unix seconds; the attribute that the table's time to live goes by
}

func rejectionKey(message string) key { return key{"REJECTED#" + message, "REJECTED"} }

// Reject remembers that a message was refused; what is remembered of it already stays.
func (l *Ledger) Reject(ctx context.Context, r pool.Rejection) error {
	r.At = r.At.UTC()
	i, err := encode(rejectionItem{
		key: rejectionKey(r.Message), Form: form, Message: r.Message, Field: r.Field, Reason: r.Reason, At: r.At, Expires: unix(r.At.Add(pool.RejectionKept)),
	})
	if err != nil {
		return err
	}
	if err := l.put(ctx, absent(i)); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("remember that message %s was refused: %w", r.Message, err)
	}
	return nil
}

// Rejection reads why a message was refused.
func (l *Ledger) Rejection(ctx context.Context, message string) (pool.Rejection, error) {
	var i rejectionItem
	if err := l.get(ctx, rejectionKey(message), &i); err != nil {
		return pool.Rejection{}, fmt.Errorf("read whether message %s was refused: %w", message, err)
	}
	return pool.Rejection{Message: i.Message, Field: i.Field, Reason: i.Reason, At: i.At.UTC()}, nil
}
