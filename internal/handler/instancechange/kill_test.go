package instancechange

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// deliver delivers what is in the queues to processes that may be killed. What one was killed over comes again when its
// visibility timeout is over, and what is past its deadline is sent again.
func (w *world) deliver(life *killtest.Life, tenants ...pool.TenantID) {
	w.t.Helper()
	for range 3 {
		w.drainBy(func(q *queuetest.Queue, d events.Delivery) error {
			deliveries := 0
			return life.Deliver(func() error {
				if deliveries++; deliveries > 1 {
					w.now, d.Redelivered = w.now.Add(visibility), true
				}
				return w.message(q, d, life.Call)
			})
		})
		w.now = w.now.Add(10 * time.Minute)
		w.retryOverdue(tenants...)
	}
}

// outcome is what a run comes to, without what may differ between runs: times, and how often the same was said.
type outcome struct {
	Tenants, Clients, Said, Rejected []string
	Rules                            string
	Free                             []string
	Kept                             bool
}

func (w *world) outcome(tenants ...pool.TenantID) outcome {
	w.t.Helper()
	o := outcome{Said: w.said(), Rejected: slices.Compact(w.rejected()), Rules: w.rules(), Kept: len(w.refused.Messages()) > 0}
	for _, id := range tenants {
		t := w.tenant(id)
		var history []string
		for _, e := range t.History {
			if e.What != "retry" {
				history = append(history, e.What)
			}
		}
		o.Tenants = append(o.Tenants, fmt.Sprintf("%s is %s, step %q, has %v, coming %v, going %v, %v, had %v, history %v", id, t.State, t.Step,
			t.Addresses, t.Change.Coming, t.Change.Going, t.Change.Due.IsZero(), t.Had("10.0.0.1"), history))
		o.Clients = append(o.Clients, w.clients(id))
	}
	for _, address := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		if w.free(address) {
			o.Free = append(o.Free, address)
		}
	}
	return o
}

func TestAReplacementKilledAtEveryCall(t *testing.T) {
	for _, late := range []int{0, 2} {
		t.Run(fmt.Sprintf("seen after %d looks", late), func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w := newWorld(t, late)
				w.ready("acme", "10.0.0.1")
				w.wish("acme", "10.0.0.2", "10.0.0.1")
				w.deliver(life, "acme")
				return w.outcome("acme")
			})
		})
	}
}

func TestARollingReplacementKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 0)
		w.ready("acme", "10.0.0.1")
		w.wish("acme", "10.0.0.2", "")
		w.deliver(life, "acme")
		w.wish("acme", "", "10.0.0.1")
		w.deliver(life, "acme")
		return w.outcome("acme")
	})
}

func TestARefusalKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 0)
		w.ready("acme", "10.0.0.1")
		w.ready("other", "10.0.0.2")
		w.wish("acme", "10.0.0.3 10.0.0.2", "")
		w.put(w.changes, "not JSON")
		w.deliver(life, "acme", "other")
		return w.outcome("acme", "other")
	})
}

func TestAChangeOfAWaitingTenantKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 0)
		w.fail["Secret"] = errNotNow
		w.ask("acme", "10.0.0.1")
		d, _ := w.signups.Receive(time.Minute)
		_ = w.message(w.signups, d, undisturbed)
		clear(w.fail)
		w.wish("acme", "10.0.0.2", "10.0.0.1")
		w.deliver(life, "acme")
		return w.outcome("acme")
	})
}
