package poolcheck

import (
	"fmt"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outcome is what a run comes to, without what may differ between runs: times, how often the same
// was said, and how often a step was tried.
type outcome struct {
	Hosts    []string
	Pools    []pool.Counters
	Stacks   int
	Tenants  []string
	Pairs    int
	Held     int
	Events   []string
	Notes    []string
	Served   bool
	SentBack bool
}

func (w *world) outcome(tenants ...pool.TenantID) outcome {
	w.t.Helper()
	o := outcome{Stacks: w.stacks.Count(), Pairs: w.shelf().Pairs(), Held: len(w.shelf().Held), Events: w.said(), Notes: w.subjects()}
	for _, key := range []pool.Key{databases, shares} {
		r := w.pool(key)
		o.Pools = append(o.Pools, r.Counters)
		for seq := range r.Seq {
			h := w.host(key.Host(seq + 1))
			stack, _ := w.stacks.Stack(h.Stack.Name)
			o.Hosts = append(o.Hosts, fmt.Sprintf("%s is %s, step %s, knows its stack: %v, used %d", h.ID, h.State, h.Step, stack.ID == h.Stack.ID, h.Used()))
		}
	}
	for _, id := range tenants {
		o.Tenants = append(o.Tenants, fmt.Sprintf("%s is %s, due %v", id, w.tenant(id).State, !w.tenant(id).Due.IsZero()))
	}
	for _, body := range sent(w.signups) {
		o.Served = o.Served || body == `{"version":"1","type":"ServeWaiting","tier":"standard"}`
	}
	o.SentBack = len(sent(w.steps)) > 0
	return o
}

// deliver makes a check that may be killed, and then those that the schedule makes anyhow.
func (w *world) deliver(life *killtest.Life) {
	w.t.Helper()
	w.must(life.Deliver(func() error { return w.checkBy(life.Call) }))
	for range 3 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
	}
}

func TestOrderingKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
		w.want(shares, func(p *pool.Policy) { p.BufferSlots = 15 })
		w.wait("a")
		w.deliver(life)
		return w.outcome("a")
	})
}

func TestTendingAndServingKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.stocked(3)
		w.request("a")
		w.ready("a")
		w.add(databases, 2)
		w.add(shares, 2)
		w.change("share-standard-1", func(h pool.Host) pool.Host {
			h, err := pool.MoveHost(h, pool.HostCordoned, w.now, "alarm")
			w.must(err)
			return h
		})
		w.wait("b")
		w.deliver(life)
		return w.outcome("a", "b")
	})
}

func TestRetryingWhatIsOverdueKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := making(t, pool.StepActivate, 0)
		w.request("a")
		w.now = w.now.Add(pool.Deadline(pool.StepActivate))
		w.deliver(life)
		o := w.outcome("a")
		o.SentBack = true // killed between the count and the message, it is sent past the next deadline
		w.late("share-standard-1")
		w.must(w.check())
		if len(sent(w.steps)) == 0 || len(sent(w.signups)) == 0 {
			t.Errorf("sent %v and %v", sent(w.steps), sent(w.signups))
		}
		return o
	})
}
