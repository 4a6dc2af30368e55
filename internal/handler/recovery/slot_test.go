package recovery

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
	plans "headroom/internal/pool/recovery"
)

// doubtful is a stage whose table was put back, and recovered while the third database held something.
func doubtful(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, true)
	w.databases[2].Holds = true
	w.stop(t)
	w.ask(t, events.RecoverHold)
	w.now = w.now.Add(plans.Rest)
	w.ask(t, events.RecoverLook)
	w.ask(t, events.RecoverApply)
	if s := w.third(t); !s.Doubted() {
		t.Fatalf("it is %+v", s)
	}
	w.now = w.now.Add(time.Hour)
	return w
}

func (w *world) third(t *testing.T) pool.Slot {
	t.Helper()
	h, err := w.ledger.Host(t.Context(), dbHost)
	must(t, err)
	return *h.Slot(3)
}

// slot asks about a slot, and returns what came of it.
func (w *world) slot(t *testing.T, slot, action string) plans.Answer {
	t.Helper()
	w.now = w.now.Add(time.Second)
	w.messages++
	must(t, w.handler(t, undisturbed).Message(t.Context(), w.about(slot, action)))
	r, err := w.ledger.Recovery(t.Context())
	must(t, err)
	return r.Slot
}

func (w *world) about(slot, action string) events.Delivery {
	return events.Delivery{
		ID: "s" + w.now.Format(time.TimeOnly), SentAt: w.now,
		Body: `{"version":"1","type":"SlotRequest","slot":"` + slot + `","action":"` + action + `","reason":"it was emptied","requestedBy":"ada"}`,
	}
}

func TestASlotIsGivenBackOnceItIsEmpty(t *testing.T) {
	w := doubtful(t)
	before, err := w.ledger.Recovery(t.Context())
	must(t, err)
	if a := w.slot(t, "database-standard-1/3", events.SlotAgain); a.Done || a.Came != "generation 1 is not known to be empty" || !w.third(t).Doubted() {
		t.Errorf("while it holds something it came to %+v", a)
	}
	w.databases[2].Holds = false
	if a := w.slot(t, "database-standard-1/3", events.SlotAgain); !a.Done || a.Of != "database-standard-1/3" || w.third(t).State != pool.SlotReturned {
		t.Errorf("it came to %+v, and is %+v", a, w.third(t))
	}
	if a := w.slot(t, "database-standard-1/2", events.SlotAgain); a.Done || !strings.Contains(a.Came, "assigned") {
		t.Errorf("of globex's it came to %+v", a)
	}
	after, err := w.ledger.Recovery(t.Context())
	must(t, err)
	if after.Came != before.Came || after.Message != before.Message || after.Done != before.Done {
		t.Errorf("the recovery is %+v, and was %+v", after, before)
	}
}

func TestASlotGoesOutOfUse(t *testing.T) {
	w := doubtful(t)
	if a := w.slot(t, "database-standard-1/3", events.SlotRetire); !a.Done || w.third(t).State != pool.SlotRetired {
		t.Errorf("it came to %+v, and is %+v", a, w.third(t))
	}
	for _, slot := range []string{"database-standard-1/1", "database-standard-1/9", "share-standard-9/1"} {
		if a := w.slot(t, slot, events.SlotRetire); a.Done || a.Came == "" {
			t.Errorf("%s came to %+v", slot, a)
		}
	}
	before := w.state(t)
	if a := w.slot(t, "database-standard-1", events.SlotRetire); w.state(t) != before || a.Of == "database-standard-1" {
		t.Errorf("what is no slot came to %+v", a)
	}
}

func TestRequestsAboutSlotsKilledAtEveryCall(t *testing.T) {
	for _, action := range []string{events.SlotAgain, events.SlotRetire} {
		t.Run(action, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
				w := doubtful(t)
				w.databases[2].Holds = false
				d := w.about("database-standard-1/3", action)
				for range 2 { // it comes twice
					if err := life.Deliver(func() error { return w.handler(t, life.Call).Message(context.Background(), d) }); err != nil {
						t.Fatal(err)
					}
				}
				r, err := w.ledger.Recovery(t.Context())
				must(t, err)
				if !r.Slot.Done || w.third(t).Doubted() {
					t.Errorf("it came to %+v, and is %+v", r.Slot, w.third(t))
				}
				return string(w.third(t).State)
			})
		})
	}
}
