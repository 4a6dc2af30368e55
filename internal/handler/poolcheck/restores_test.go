package poolcheck

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// restoration begins one of acme's database.
func (w *world) restoration() pool.Restoration {
	w.t.Helper()
	t := pool.Tenant{ID: "acme", Tier: tier, Mark: "markacme"}
	r, _, err := pool.BeginRestoration(pool.Restoration{}, pool.Restoration{
		Database: pool.Holding{Host: "database-standard-1", Index: 1, Generation: 1, Name: "abc"}, To: w.now, Message: "m", RequestedAt: w.now,
	}, t, "ghi", "jkl", "headroom-dev-restore-ghi", w.now)
	w.must(err)
	r, err = w.ledger.SaveRestoration(w.t.Context(), pool.Restoration{}, r)
	w.must(err)
	return r
}

func TestStepsOfRestorationsAreTriedAgain(t *testing.T) {
	type outcome struct {
		Tries int
		Due   time.Time
		Sent  string
	}
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.restoration()
		w.must(w.check())
		if sent := w.restores.Messages(); len(sent) > 0 {
			t.Fatalf("sent before the deadline: %v", sent)
		}
		w.now = w.now.Add(pool.Deadline(pool.StepEnter))
		w.must(life.Deliver(func() error { return w.checkBy(life.Call) }))
		w.now = w.now.Add(pool.Deadline(pool.StepEnter)) // who was killed before it was sent has it sent then
		w.must(w.check())
		r, err := w.ledger.Restoration(t.Context(), "acme")
		w.must(err)
		sent := w.restores.Messages()
		if len(sent) == 0 {
			t.Fatal("nothing was sent")
		}
		return outcome{Tries: r.Tries, Due: r.Due, Sent: sent[len(sent)-1].Body}
	})
}

func TestARestorationWhoseStepDoesNotEndIsTakenBack(t *testing.T) {
	w := newWorld(t)
	w.restoration()
	for range pool.MaxTries + 1 {
		w.now = w.now.Add(pool.Deadline(pool.StepEnter))
		w.must(w.check())
	}
	r, err := w.ledger.Restoration(t.Context(), "acme")
	w.must(err)
	sent := w.restores.Messages()
	if r.State != pool.RestorationWithdrawing || !r.Failed || !strings.Contains(sent[len(sent)-1].Body, `"step":"retract"`) {
		t.Errorf("it is %s at %q, and %s was sent", r.State, r.Step, sent[len(sent)-1].Body)
	}
}
