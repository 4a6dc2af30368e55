package dynamo

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// canceled is a canceled transaction with a reason for each of its writes.
func canceled(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(code), Message: aws.String(code + " it is")})
	}
	return e
}

func TestClassify(t *testing.T) {
	other := errors.New("no route to host")
	tests := []struct {
		name string
		err  error
		want error // nil: neither a conflict nor a collision
	}{
		{"nothing", nil, nil},
		{"a failed condition", &types.ConditionalCheckFailedException{}, pool.ErrConflict},
		{"a write that met a transaction", &types.TransactionConflictException{}, errCollision},
		{"a failed condition in a transaction", canceled("None", "ConditionalCheckFailed"), pool.ErrConflict},
		{"a transaction that met another", canceled("TransactionConflict", "None"), errCollision},
		{"both: somebody else won", canceled("TransactionConflict", "ConditionalCheckFailed"), pool.ErrConflict},
		{"a throttled transaction", canceled("None", "ThrottlingError"), errCollision},
		{"a transaction that is wrong", canceled("None", "ValidationError"), nil},
		{"anything else", other, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := classify(test.err)
			for _, class := range []error{pool.ErrConflict, errCollision} {
				if errors.Is(got, class) != errors.Is(test.want, class) || test.err != nil && !errors.Is(got, test.err) {
					t.Errorf("classified as %v", got)
				}
			}
		})
	}
	if got := classify(canceled("None", "ValidationError")).Error(); got != (&types.TransactionCanceledException{}).Error()+": ValidationError it is" {
		t.Errorf("the reason is not told: %s", got)
	}
}

func TestCollisionsAreTriedAgain(t *testing.T) {
	tests := []struct {
		name       string
		collisions int
		want       error
		tries      int
	}{
		{"none", 0, nil, 1},
		{"some", 3, nil, 4},
		{"too many", collisions, errCollision, collisions},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var waits []time.Duration
			l := &Ledger{Config{Rand: func() float64 { return 0.5 }, Sleep: func(_ context.Context, d time.Duration) error {
				waits = append(waits, d)
				return nil
			}}}
			tries := 0
			err := l.write(t.Context(), func() error {
				if tries++; tries <= test.collisions {
					return &types.TransactionConflictException{}
				}
				return nil
			})
			if !errors.Is(err, test.want) || tries != test.tries {
				t.Errorf("%d tries, error %v", tries, err)
			}
			for i, wait := range waits {
				if want := collisionWait << i / 2; wait != want {
					t.Errorf("wait %d was %v, want %v", i, wait, want)
				}
			}
		})
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	l := &Ledger{Config{Rand: func() float64 { return 0 }, Sleep: func(context.Context, time.Duration) error { return context.Canceled }}}
	err := l.write(t.Context(), func() error { return &types.TransactionConflictException{} })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNewWantsEverything(t *testing.T) {
	if _, err := New(Config{Table: "t"}); err == nil {
		t.Error("made a ledger without a client")
	}
}
