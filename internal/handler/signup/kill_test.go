package signup

import (
	"context"
	"testing"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// deliver delivers what is in the queue to a handler that may be killed. What it was killed over
// comes again when its visibility timeout is over.
func (w *world) deliver(life *killtest.Life) {
	w.t.Helper()
	w.drain(w.killable(life))
}

// killable delivers a message to handlers that may be killed.
func (w *world) killable(life *killtest.Life) func(events.Delivery) error {
	return func(d events.Delivery) error {
		deliveries := 0
		return life.Deliver(func() error {
			if deliveries++; deliveries > 1 {
				w.now, d.Redelivered = w.now.Add(visibility), true
			}
			return w.handler(life.Call).Message(context.Background(), d)
		})
	}
}

func TestASignupKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life.Call, 0)
		w.add(pool.Database, 3)
		w.add(pool.Share, 3)
		w.reconcile()
		w.drain(w.once)
		w.ask("acme", "10.0.0.1")
		w.deliver(life)
		return w.outcome("acme")
	})
}

func TestASignupAtABareShelfKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life.Call, 0)
		w.add(pool.Database, 2)
		w.add(pool.Share, 2)
		w.ask("acme", "10.0.0.1")
		w.deliver(life)
		return w.outcome("acme")
	})
}

func TestASignupWhoseShareIsLateKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life.Call, 2)
		w.add(pool.Database, 1)
		w.add(pool.Share, 1)
		w.ask("acme", "10.0.0.1")
		w.deliver(life)
		return w.outcome("acme")
	})
}

func TestWaitingAndBeingServedKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life.Call, 0)
		w.ask("first", "10.0.0.1")
		w.deliver(life)
		w.ask("second", "10.0.0.2")
		w.deliver(life)
		w.ask("third", "10.0.0.3")
		w.deliver(life)
		w.add(pool.Database, 3)
		w.add(pool.Share, 3)
		for range 3 {
			w.reconcile() // as the pool check does every minute
			w.retryOverdue("first", "second", "third")
			w.deliver(life)
			w.now = w.now.Add(max(visibility, pool.SettleAfter))
		}
		w.reconcile()
		return w.outcome("first", "second", "third")
	})
}

func TestARefusalKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life.Call, 0)
		w.add(pool.Database, 2)
		w.add(pool.Share, 2)
		w.ask("acme", "10.0.0.1")
		w.deliver(life)
		w.ask("acme", "10.0.0.2")
		w.put("not JSON")
		w.deliver(life)
		return w.outcome("acme")
	})
}
