package signup

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestAShareThatBecomesAvailableLateIsWaitedFor(t *testing.T) {
	w := newWorld(t, undisturbed, 3)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	var waits []time.Duration
	w.drain(func(d events.Delivery) error {
		err := w.once(d)
		if at, ok := w.signups.Next(); ok && at.Before(w.now.Add(time.Minute)) {
			waits = append(waits, at.Sub(w.now))
		}
		return err
	})
	// One look shows the old clients as available, three more the update.
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	if got := w.said("StorageReady"); got != "acme" {
		t.Errorf("ready: %q", got)
	}
}

func TestStorageThatCannotBeAnnouncedForLongIsAnnouncedInTheEnd(t *testing.T) {
	for name, break_ := range map[string]func(*world) (mend func()){
		"its share is late": func(w *world) func() {
			w.gateways.Late = looksUnrecorded + 7
			return func() { w.gateways.Late = 0 }
		},
		"its gateway can't be asked": func(w *world) func() {
			w.fail["Serves"] = errNotNow
			return func() { delete(w.fail, "Serves") }
		},
		"nothing can be published": func(w *world) func() {
			w.fail["Publish"] = errNotNow
			return func() { delete(w.fail, "Publish") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			mend := break_(w)
			w.ask("acme", "10.0.0.1")
			failures := 0
			w.drainFor(time.Minute, func(d events.Delivery) error {
				err := w.once(d)
				if err != nil {
					failures++
				}
				return err
			})
			if failures != 0 || w.said("StorageReady") != "" {
				t.Errorf("%d failures, ready: %q", failures, w.said("StorageReady"))
			}
			tenant := w.tenant("acme")
			if tenant.State != pool.TenantReady || tenant.Step != pool.StepServe || tenant.Error == "" || tenant.Due.IsZero() {
				t.Errorf("tenant: %+v", tenant)
			}
			if last := tenant.History[len(tenant.History)-1]; last.What != "not announced" || last.Why == "" {
				t.Errorf("its history ends with %+v", last)
			}
			mend()
			w.drain(w.once)
			if tenant := w.tenant("acme"); w.said("StorageReady") != "acme" || tenant.Step != "" || !tenant.Due.IsZero() {
				t.Errorf("ready: %q, tenant %+v", w.said("StorageReady"), tenant)
			}
			if n := strings.Count(w.written.String(), `"TimeToReady":`); n != 1 {
				t.Errorf("the time to ready was measured %d times", n)
			}
		})
	}
}

// The process is killed once its tenant is ready, and what the announcement takes refuses for longer than the
// message is delivered again: the announcement is not lost with the message.
func TestARepeatedAnnouncementThatIsRefusedHasADeadline(t *testing.T) {
	for _, refused := range []string{"Publish", "Serves"} {
		t.Run(refused, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			w.ask("acme", "10.0.0.1")
			signup, _ := w.signups.Receive(visibility)
			dead := false
			_ = w.handler(func(operation string, do func() error) error {
				if dead {
					return killtest.ErrKilled
				}
				dead = operation == "SaveTenant"
				return do()
			}).Message(t.Context(), signup)
			w.fail[refused] = errNotNow
			w.now, signup.Redelivered = w.now.Add(visibility), true
			if err := w.once(signup); err != nil {
				t.Errorf("the deliveries of the message are used up: %v", err)
			}
			w.signups.Delete(signup.ID)
			w.drainFor(time.Minute, w.once)
			if acme := w.tenant("acme"); acme.Step != pool.StepServe || acme.Due.IsZero() {
				t.Fatalf("nobody goes on: %+v", acme)
			}
			delete(w.fail, refused)
			w.now = w.now.Add(time.Hour)
			w.retryOverdue("acme")
			w.drain(w.once)
			if got := w.said("StorageReady"); got != "acme" {
				t.Errorf("ready: %q", got)
			}
		})
	}
}

// An announcement whose message got lost is made past its deadline; one that never can be is reported, and
// its messages end.
func TestAnAnnouncementHasADeadline(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.fail["Publish"] = errNotNow
	w.ask("acme", "10.0.0.1")
	w.drainFor(time.Minute, w.once)
	w.signups = queuetest.New(w.clock) // all its messages are lost
	w.now = w.tenant("acme").Due
	delete(w.fail, "Publish")
	w.retryOverdue("acme")
	w.drain(w.once)
	if got := w.said("StorageReady"); got != "acme" {
		t.Errorf("ready: %q", got)
	}

	w = newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.fail["Publish"] = errNotNow
	w.ask("acme", "10.0.0.1")
	for range pool.MaxTries + 2 {
		w.drainFor(pool.Deadline(pool.StepServe), w.once)
		w.retryOverdue("acme")
	}
	w.drain(w.once)
	if tenant := w.tenant("acme"); tenant.Step != pool.StepReport || tenant.Stuck != pool.StepServe || len(w.signups.Messages()) != 0 {
		t.Errorf("%+v, messages %v", tenant, w.signups.Messages())
	}
	// A person mends it, and sends the signup again.
	delete(w.fail, "Publish")
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if tenant := w.tenant("acme"); w.said("StorageReady") != "acme" || tenant.Step != "" || tenant.Stuck != "" {
		t.Errorf("ready: %q, tenant %+v", w.said("StorageReady"), tenant)
	}
}

// However often its messages are doubled, one message at most drives a step.
func TestDoubledMessagesDriveAnAnnouncementOnce(t *testing.T) {
	w := newWorld(t, undisturbed, 60)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	most := 0
	w.drain(func(d events.Delivery) error {
		err := errors.Join(w.once(d), w.once(d))
		if w.tenant("acme").Step == pool.StepServe && w.tenant("acme").Count > 0 {
			steps := 0
			for _, m := range w.signups.Messages() {
				if m.ID != d.ID && !strings.Contains(m.Body, `"announce"`) {
					steps++
				}
			}
			most = max(most, steps)
		}
		return err
	})
	if most != 1 {
		t.Errorf("%d messages drive the step at once", most)
	}
	if n := strings.Count(w.written.String(), `"TimeToReady":`); n != 1 {
		t.Errorf("announced and measured %d times", n)
	}
}

// The announcement has all its tries, whatever the opening took.
func TestAReadyTenantHasAllItsTries(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.fail["Tag"] = errNotNow
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	before := w.tenant("acme")
	stuck := before
	stuck.Tries = pool.MaxTries
	_, err := w.ledger.SaveTenant(t.Context(), before, stuck)
	w.must(err)
	delete(w.fail, "Tag")
	w.now = w.now.Add(2 * time.Hour)
	w.drain(w.once)
	if tenant := w.tenant("acme"); tenant.State != pool.TenantReady || tenant.Tries != 0 {
		t.Errorf("tenant: %+v", tenant)
	}
}
