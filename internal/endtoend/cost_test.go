package endtoend

import (
	"fmt"
	"sync/atomic"
	"testing"

	"headroom/internal/local/endpoint"
	"headroom/internal/pool"
)

// TestASignupIsFourRequests counts what the function itself asks of DynamoDB, from the message to
// StorageReady, a share that takes its time included. It is one more for ten seconds after claims were settled.
func TestASignupIsFourRequests(t *testing.T) {
	t.Parallel()
	const signups, most = 5, 5
	s := start(t, policies(pool.Policy{SlotsPerHost: 20}, pool.Policy{SlotsPerHost: 10}))
	s.awaitInService(t, 1, 1)
	s.await(t, "the shelf is full", func() bool {
		shelf, err := s.ledger.Shelf(t.Context(), tier)
		return err == nil && shelf.Pairs() == 10
	})
	var asked atomic.Int64
	s.Router.After(func(c endpoint.Call, _ int) error {
		if f, ok := functionOf(c); ok && f == "signup" && c.Service == "dynamodb" {
			asked.Add(1)
		}
		return nil
	})
	for i := range signups {
		id := fmt.Sprintf("tenant-%d", i)
		s.signUp(t, id, fmt.Sprintf("127.41.0.%d", i+1))
		s.awaitReady(t, id)
	}
	if n := asked.Load(); n > most*signups {
		t.Errorf("%d requests for %d signups", n, signups)
	} else {
		t.Logf("%d requests for %d signups", n, signups)
	}
}
