package restore

import (
	"context"
	"regexp"
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

func TestATenantThatGoesBackKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.ask("database and share", then)
		w.run(70*time.Minute, w.killable(life))
		o := w.outcome()
		if left := o.clean(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		return o
	})
}

// A queue may deliver a message twice, and who has handled it deletes it for both: if that is not the one who was killed,
// it does not come again.
func TestACopyThatIsKilledHoldsNothingUp(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.ask("database and share", then)
		w.run(100*time.Minute, func(d events.Delivery) error {
			return life.Deliver(func() error { return w.handler(life.Call).Message(context.Background(), d) })
		})
		return w.outcome()
	})
}

// What is kept goes when its grace is over.
func TestAGraceThatEndsKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.terms.Grace = pool.Term(2 * time.Hour)
		w.ask("database", then)
		w.run(30*time.Minute, w.once)
		w.run(4*time.Hour, w.killable(life))
		return w.outcome()
	})
}

// calledOff has a tenant go back, and something else happen when that has come so far.
func calledOff(step pool.Step, what func(*world)) func(*testing.T, *killtest.Life) outcome {
	return func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		if step == pool.StepCopy {
			w.dying[events.JobRestoreDatabase] = []int{taskstest.Running}
		}
		w.ask("database", then)
		w.until(func(r pool.Restoration) bool {
			return r.Step == step && (step != pool.StepCopy || r.Attempt.Task != "")
		})
		what(w)
		w.run(80*time.Minute, w.killable(life))
		o := w.outcome()
		if left := o.clean(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		return o
	}
}

func TestAnUndoKilledAtEveryCall(t *testing.T) {
	for _, step := range []pool.Step{pool.StepInstance, pool.StepCopy, pool.StepRemove, pool.StepSweep} {
		t.Run(string(step), func(t *testing.T) { killtest.EveryCall(t, calledOff(step, (*world).undo)) })
	}
}

func TestADepartureKilledAtEveryCall(t *testing.T) {
	for _, step := range []pool.Step{pool.StepInstance, pool.StepCopy} {
		t.Run(string(step), func(t *testing.T) { killtest.EveryCall(t, calledOff(step, (*world).leave)) })
	}
}

func TestFailuresOfTasksKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.failing[events.JobRestoreFiles] = []events.TaskReport{{Done: true, Failure: "no space left"}}
		w.failing[events.JobRestoreDatabase] = []events.TaskReport{{Done: true, Found: []string{"a row is missing"}}}
		w.ask("database and share", then)
		w.run(90*time.Minute, w.killable(life))
		return w.outcome()
	})
}

var instant = regexp.MustCompile(`20\d\d-[0-9T:-]*Z`)

func TestARefusalKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
		w := newWorld(t)
		w.ask("share", asked.Add(time.Hour))
		w.undo()
		w.run(20*time.Minute, w.killable(life))
		var said []string
		for _, e := range w.bus.Published() {
			if text := instant.ReplaceAllString(string(e.Detail), "…"); len(said) == 0 || said[len(said)-1] != text {
				said = append(said, text)
			}
		}
		return said
	})
}
