package signup

import (
	"context"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// staying returns a world in which acme was served and left, and its departure is being undone: its share is open still, and
// its database closed. step is what it was about when it left.
func staying(t fatal, call killtest.Call, step pool.Step) *world {
	w := gone(t, call, false)
	ctx := context.Background()
	left := w.tenant("acme")
	before, err := w.ledger.Departure(ctx, pool.DepartureIDOf(left))
	w.must(err)
	after, err := pool.MoveDeparture(before, pool.DepartureUndoing, pool.StepReopen, w.now, "undone by support: a mistake")
	w.must(err)
	after.UndoneAt = w.now
	back, err := pool.Rejoin(left, before, w.now, w.now)
	w.must(err)
	if step != "" {
		back.Progress = pool.Started(step, w.now)
	}
	w.must(w.ledger.Rejoin(ctx, before, after, left, back))
	w.now = w.now.Add(time.Second)
	return w
}

// letsIn records that acme is let in again.
func (w *world) letsIn() {
	w.t.Helper()
	ctx := context.Background()
	id, _ := pool.UndoneOf(w.tenant("acme"))
	before, err := w.ledger.Departure(ctx, id)
	w.must(err)
	_, err = w.ledger.SaveDeparture(ctx, before, before.Proven(pool.StepReopen, w.now, "it is let in again"))
	w.must(err)
}

func TestWhoIsBeingLetInAgainIsAnsweredThenKilledAtEveryCall(t *testing.T) {
	for name, step := range map[string]pool.Step{"it was announced before": "", "it was not": pool.StepServe} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
				w := staying(t, life.Call, step)
				w.ask("acme", "10.0.0.1")
				w.drainFor(10*time.Second, w.killable(life))
				if said := w.said("StorageReady"); said != "acme" { // when it signed up
					t.Fatalf("ready, and can't log in: %s", said)
				}
				w.letsIn()
				w.now = w.now.Add(5 * time.Minute)
				w.retryOverdue("acme")
				w.drainFor(time.Hour, w.killable(life))
				if said := w.said("StorageReady"); said == "acme" {
					t.Error("it is let in, and was not told so")
				}
				now := w.tenant("acme")
				return []string{string(now.State), string(now.Step), string(now.Stuck)}
			})
		})
	}
}

func TestWhoWasLetInAgainIsAnsweredAtOnce(t *testing.T) {
	w := staying(t, undisturbed, "")
	w.letsIn()
	w.ask("acme", "10.0.0.1")
	w.drainFor(0, w.undisturbed)
	if said := w.said("StorageReady"); said != "acme acme" {
		t.Errorf("ready: %s", said)
	}
}

// Whether it is let in can't be looked at: its message comes again.
func TestWhoMayBeBeingLetInAgainIsNotAnsweredBlindly(t *testing.T) {
	w := staying(t, undisturbed, "")
	w.fail["Departure"] = pool.ErrConflict
	w.ask("acme", "10.0.0.1")
	d, _ := w.signups.Receive(time.Hour)
	if err := w.undisturbed(d); err == nil || w.said("StorageReady") != "acme" {
		t.Errorf("%v; ready: %s", err, w.said("StorageReady"))
	}
	if now := w.tenant("acme"); now.Step != "" {
		t.Errorf("it is at %s", now.Step)
	}
}
