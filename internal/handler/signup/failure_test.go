package signup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/pool"
)

// TestEveryCallMayFail has each call fail once: the message comes again and the tenant is served.
func TestEveryCallMayFail(t *testing.T) {
	for _, operation := range []string{
		"Register", "Request", "Claim", "Secret", "Master", "Admit", "SetClients", "Tag", "SaveTenant", "Send",
	} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			w.reconcile()
			w.drain(w.once)
			w.ask("acme", "10.0.0.1")
			w.fail[operation] = errNotNow
			w.drain(w.once)
			if operation != "Send" && w.said("StorageReady") != "" {
				t.Error("ready all the same")
			}
			delete(w.fail, operation)
			w.now = w.now.Add(2 * time.Hour)
			w.drain(w.once)
			if got := w.said("StorageReady"); got != "acme" {
				t.Errorf("ready: %q", got)
			}
		})
	}
}

// A password that was rotated between reading it and logging in costs the customer nothing.
func TestMasterPasswordThatWasRotatedIsReadAgainAtOnce(t *testing.T) {
	for stale, wantFailures := range []int{0, 0, 1} {
		w := newWorld(t, undisturbed, 0)
		w.add(pool.Database, 1)
		w.add(pool.Share, 1)
		w.ask("acme", "10.0.0.1")
		w.stale = stale
		d, _ := w.signups.Receive(time.Hour)
		if err := w.once(d); err != nil {
			t.Fatal(err)
		}
		if got := w.tenant("acme").Count; got != wantFailures || w.stale != 0 {
			t.Errorf("%d stale reads: %d failures, want %d", stale, got, wantFailures)
		}
	}
}

// A refusal mostly passes: the customer waits for seconds, not for the queue's visibility timeout.
func TestAFailureIsTriedAgainInSeconds(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.fail["SetClients"] = errNotNow
	w.ask("acme", "10.0.0.1")
	took := map[int]time.Time{} // by how many failures there were
	var final error
	for range 20 {
		d, ok := w.signups.Receive(time.Hour)
		if !ok {
			w.now = w.now.Add(time.Second)
			continue
		}
		if final = w.once(d); final != nil {
			break
		}
		w.signups.Delete(d.ID)
		took[w.tenant("acme").Count] = w.now
		if len(took) == 3 {
			delete(w.fail, "SetClients")
		}
		if w.tenant("acme").State == pool.TenantReady {
			break
		}
	}
	if final != nil || w.tenant("acme").State != pool.TenantReady || w.now.Sub(start) > 10*time.Second {
		t.Errorf("error %v, after %s tenant %+v", final, w.now.Sub(start), w.tenant("acme"))
	}
}

func TestWhatKeepsFailingIsAnErrorOfItsMessage(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.fail["SetClients"] = errNotNow
	w.ask("acme", "10.0.0.1")
	var errs []error
	w.drainFor(time.Hour, func(d events.Delivery) error {
		err := w.once(d)
		errs = append(errs, err)
		return err
	})
	if len(errs) != opensDelayed+1 || errors.Join(errs[:opensDelayed]...) != nil || !errors.Is(errs[opensDelayed], errNotNow) {
		t.Errorf("the deliveries ended with %v", errs)
	}
	if tenant := w.tenant("acme"); !strings.Contains(tenant.Error, errNotNow.Error()) {
		t.Errorf("the tenant's record says %+v", tenant.Progress)
	}
}

// A doubled message that fails leaves a note in the record, which is no reason to open anything anew.
func TestANoteInTheRecordDisturbsNoSignup(t *testing.T) {
	opened := 0
	var w *world
	w = newWorld(t, func(operation string, do func() error) error {
		if operation != "Open" {
			return do()
		}
		opened++
		before := w.tenant("acme")
		noted := before.Clone()
		noted.Progress = noted.Failed(errNotNow)
		_, err := w.ledger.SaveTenant(t.Context(), before, noted)
		w.must(err)
		return do()
	}, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if tenant := w.tenant("acme"); tenant.State != pool.TenantReady || opened != 1 {
		t.Errorf("opened %d times, tenant %+v", opened, tenant)
	}
}

func TestASignupThatWasGivenUpHasAllItsTriesWhenItIsAskedForAgain(t *testing.T) {
	for name, givenUp := range map[string]pool.Progress{
		"reported":             {Stuck: pool.StepOpen, Error: "the database did not answer"},
		"about to be reported": {Step: pool.StepReport, Tries: 3, Due: start.Add(24 * time.Hour), Stuck: pool.StepOpen},
		"without a step":       {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			w.fail["Tag"] = errNotNow
			w.ask("acme", "10.0.0.1")
			w.drain(w.once)
			before := w.tenant("acme")
			after := before.Clone()
			after.Progress = givenUp
			_, err := w.ledger.SaveTenant(t.Context(), before, after)
			w.must(err)

			w.ask("acme", "10.0.0.1")
			w.drain(w.once)
			if p := w.tenant("acme").Progress; p.Step != pool.StepOpen || p.Tries != 0 || p.Stuck != "" || !p.Due.After(w.now) || !strings.Contains(p.Error, errNotNow.Error()) {
				t.Errorf("asked for again: %+v", p)
			}
			delete(w.fail, "Tag")
			w.now = w.tenant("acme").Due
			w.retryOverdue("acme")
			w.drain(w.once)
			if got := w.said("StorageReady"); got != "acme" {
				t.Errorf("ready: %q, tenant %+v", got, w.tenant("acme"))
			}
		})
	}
}

// What is opened is what the tenant's record desires by the time it is ready, though the record changes while it
// is opened.
func TestWhatChangesWhileItIsOpenedIsOpenedAnew(t *testing.T) {
	var w *world
	changed := false
	w = newWorld(t, func(operation string, do func() error) error {
		if operation == "SaveTenant" && !changed {
			changed = true
			before := w.tenant("acme")
			after := before.Clone()
			after.Addresses = append(after.Addresses, "10.0.0.2")
			_, err := w.ledger.SaveTenant(context.Background(), before, after)
			w.must(err)
		}
		return do()
	}, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(func(d events.Delivery) error {
		err := w.once(d)
		if err != nil {
			t.Errorf("%s: %v", d.Body, err)
		}
		return err
	})
	if tenant := w.tenant("acme"); !changed || tenant.State != pool.TenantReady || len(tenant.Addresses) != 2 {
		t.Errorf("tenant: %+v", tenant)
	}
	if diff := cmp.Diff([]string{"10.0.0.1/32", "10.0.0.2/32"}, w.gateways.Shares()[0].Clients); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	if rules := w.groups.Rules("sg-1"); len(rules) != 2 {
		t.Errorf("firewall: %v", rules)
	}
}

// What fails after the record moved on is made up for by the message's next delivery: nobody is told twice
// rather than never.
func TestAFailureAfterTheRecordIsNotAcknowledged(t *testing.T) {
	for name, test := range map[string]struct {
		slots     int
		operation string // the first of these after the record of the tenant is refused
		says      string
	}{
		"ready, and neither announced nor put off": {1, "Serves Send", "StorageReady"},
		"waiting, and not announced":               {0, "Publish", "StorageWaiting"},
		"waiting, and no check asked for":          {0, "Send", "StorageWaiting"},
	} {
		t.Run(name, func(t *testing.T) {
			saved := false
			refuse := strings.Fields(test.operation)
			w := newWorld(t, func(operation string, do func() error) error {
				if saved && len(refuse) > 0 && operation == refuse[0] {
					refuse = refuse[1:]
					return errNotNow
				}
				err := do()
				saved = saved || operation == "SaveTenant"
				return err
			}, 0)
			if test.slots > 0 {
				w.add(pool.Database, test.slots)
				w.add(pool.Share, test.slots)
				w.reconcile()
				w.drain(w.once)
			}
			w.ask("acme", "10.0.0.1")
			d, _ := w.signups.Receive(time.Hour)
			if err := w.once(d); !errors.Is(err, errNotNow) {
				t.Fatalf("answered %v, refusals left %v", err, refuse)
			}
			w.now = w.now.Add(2 * time.Hour)
			w.drain(w.once)
			if !strings.Contains(w.said(test.says), "acme") || len(w.checks.Messages()) == 0 {
				t.Errorf("said %q, checks asked for: %d", w.said(test.says), len(w.checks.Messages()))
			}
		})
	}
}

// The deadline of an invocation need not be by the clock that deadlines of steps are by.
func TestTimeLeftIsNotByTheHandlersClock(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	for left, want := range map[time.Duration]bool{reserve - 1: false, reserve + 1: true} {
		h := &Handler{Config{
			Now:   func() time.Time { return deadline.Add(24 * time.Hour) },
			Until: func(time.Time) time.Duration { return left },
		}}
		if got := h.machine().Time(ctx); got != want {
			t.Errorf("with %s left another step is begun: %v", left, got)
		}
	}
}
