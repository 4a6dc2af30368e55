package restore

import (
	"errors"
	"slices"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Whoever stands still just before it prepares a stand-in, and goes on once a later attempt has filled one, must not empty it.
func TestWhoPreparesLateEmptiesNothing(t *testing.T) {
	w := newWorld(t)
	w.fail["Copier"] = errors.New("not now")
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return r.Step == pool.StepCopy && r.Attempt.Number > 0 })
	delete(w.fail, "Copier")
	var schedule killtest.Schedule
	schedule.Start(func(call killtest.Call) error {
		_, err := w.handler(call).copy(t.Context(), w.restoration())
		return err
	})
	for schedule.Next(0) != "PrepareStandIn" {
		if ended, err := schedule.Step(0); ended {
			t.Fatalf("it ended: %v", err)
		}
	}
	late := false
	w.filled = func() {
		if !late {
			late = true
			_, _ = schedule.Step(0)
		}
	}
	w.run(20*time.Minute, w.once)
	for schedule.Running() > 0 {
		schedule.Kill(0)
	}
	if r := w.restoration(); r.State != pool.RestorationRestored || !late {
		t.Fatalf("it is %s at %q, late %v: %s", r.State, r.Step, late, r.Error)
	}
	if d := w.database("acme"); !slices.Equal(d.rows, wanted) || !d.login {
		t.Errorf("it has %+v", *d)
	}
	if names := w.databaseServer().sorted(); len(names) != 4 { // with what is kept
		t.Errorf("databases: %v", names)
	}
}

// What is kept may be being dropped already when its grace is over: an undo would find nothing.
func TestAnUndoAtTheEndOfTheGraceIsRefused(t *testing.T) {
	w := newWorld(t)
	w.ask("database", then)
	for range 400 {
		w.run(time.Minute, w.once)
		if r, err := w.ledger.Restoration(t.Context(), "acme"); err == nil && r.State == pool.RestorationRestored && !r.UndoUntil().IsZero() {
			break
		}
	}
	r := w.restoration()
	w.now = r.UndoUntil().Add(-stalled)
	w.undo()
	w.run(0, w.once)
	if after := w.restoration(); after.State != pool.RestorationRestored {
		t.Errorf("it is %s at %q", after.State, after.Step)
	}
	if refused := w.refused.Messages(); len(refused) != 1 {
		t.Errorf("refused are %v", refused)
	}
}
