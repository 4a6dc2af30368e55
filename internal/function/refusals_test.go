package function_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/function"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// kept is a dead-letter queue that may be out of order.
type kept struct {
	bodies []string
	fails  error
}

func (k *kept) SendRaw(_ context.Context, body string, _ map[string]string) error {
	if k.fails == nil {
		k.bodies = append(k.bodies, body)
	}
	return k.fails
}

func TestARefusalIsRememberedOnceItsMessageIsKept(t *testing.T) {
	ledger, queue, now := memory.New(memory.Options{}), &kept{fails: errors.New("throttled")}, time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	refusals := function.Refusals{Next: queue, Ledger: ledger, Now: func() time.Time { return now }}
	message := events.Delivery{ID: "m-1", Body: "{}"}
	refuse := func() error {
		return refusals.SendRaw(t.Context(), message.Body, message.Kept(&events.FieldError{Field: "tier", Reason: "is served by no pool"}))
	}
	if err := refuse(); err == nil {
		t.Error("a message that could not be kept is no failure")
	}
	if r, err := ledger.Rejection(t.Context(), "m-1"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("of a message that was not kept: %+v, %v", r, err)
	}
	queue.fails = nil
	if err := refuse(); err != nil {
		t.Fatal(err)
	}
	want := pool.Rejection{Message: "m-1", Field: "tier", Reason: "is served by no pool", At: now}
	if r, err := ledger.Rejection(t.Context(), "m-1"); err != nil || r != want || len(queue.bodies) != 1 {
		t.Errorf("remembered: %+v, %v, %d kept", r, err, len(queue.bodies))
	}
}
