package decommission

import (
	"context"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// killable delivers messages to a handler that may be killed. What it was killed over comes again when its visibility
// timeout is over.
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

// short makes all that lasts last as short as can be.
func (w *world) short() {
	w.terms.Grace, w.terms.CoolDown = pool.Term(20*time.Minute), 0
}

func TestATenantThatLeavesKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.short()
		w.mess(1)
		w.ask("acme", "")
		w.run(90*time.Minute, w.killable(life))
		return w.outcome()
	})
}

// A queue may deliver a message twice, and who has handled it deletes it for both: if that is not the one who was killed,
// it does not come again.
func TestACopyThatIsKilledHoldsNothingUp(t *testing.T) {
	type end struct {
		Outcome outcome
		Overdue int // steps that waited for their deadlines
	}
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) end {
		w := newWorld(t)
		w.short()
		w.mess(1)
		w.ask("acme", "")
		w.run(2*time.Hour, func(d events.Delivery) error {
			return life.Deliver(func() error { return w.handler(life.Call).Message(context.Background(), d) })
		})
		return end{w.outcome(), w.overdue}
	})
}

// Whoever hears of an archive and is killed then is not made up for by a deadline only.
func TestReportsKilledAtEveryCallHoldNothingUp(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) pool.Step {
		w := newWorld(t)
		w.terms.Grace = pool.Term(24 * time.Hour)
		w.ask("acme", "")
		w.run(14*time.Minute, w.killable(life))
		return w.departure("acme.markacme").Step
	})
}

// undoneAt has a tenant leave, and that undone when it has come so far.
func undoneAt(far func(pool.Departure) bool, prepare func(*world)) func(*testing.T, *killtest.Life) outcome {
	return func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		prepare(w)
		w.ask("acme", "")
		w.run(0, w.killable(life))
		for !far(w.departure("acme.markacme")) {
			w.run(0, w.killable(life))
		}
		w.undo("acme")
		w.run(40*time.Minute, w.killable(life))
		return w.outcome()
	}
}

func TestAnUndoInGraceKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, undoneAt(func(d pool.Departure) bool { return d.Step == pool.StepGrace }, func(*world) {}))
}

func TestAnUndoWhileATaskRunsKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, undoneAt(func(d pool.Departure) bool { return d.Attempt.Task != "" }, func(w *world) {
		w.cluster.Program = func(taskstest.Task) int { return taskstest.Running }
	}))
}

func TestAnUndoAtOnceKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, undoneAt(func(pool.Departure) bool { return true }, func(w *world) { w.gateways.Late = 2 }))
}

func TestFailuresOfTasksKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.short()
		w.fails(events.JobArchive, events.TaskReport{Done: true, Failure: "no space left"})
		w.fails(events.JobVerify, events.TaskReport{Done: true, Found: []string{"an object is missing"}})
		w.fails(events.JobProbe, events.TaskReport{Done: true, Failure: "no route"})
		w.ask("acme", "")
		w.run(2*time.Hour, w.killable(life))
		return w.outcome()
	})
}

// Of a tenant to whom nothing was handed over: what it holds is taken back.
func TestTenantsThatWereNotServedKilledAtEveryCall(t *testing.T) {
	for name, begin := range unserved {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w := newWorld(t)
				w.opensUp()
				begin(w)
				w.ask("other", "")
				w.run(30*time.Minute, w.killable(life))
				return w.outcome()
			})
		})
	}
}

func TestARefusalKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.now = w.now.Add(time.Second)
		w.ask("nobody", "")
		w.undo("acme")
		w.put("not JSON")
		w.run(time.Minute, w.killable(life))
		return w.outcome()
	})
}
