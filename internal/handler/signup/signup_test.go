package signup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestATenantGetsADatabaseAndAShareOfItsOwn(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.ask("acme", "10.0.0.1")
	w.now = start.Add(5 * time.Second) // it was in the queue for so long
	w.drain(w.once)

	var ready events.StorageReady
	said := w.bus.Of("StorageReady")
	if len(said) != 1 {
		t.Fatalf("StorageReady came %d times", len(said))
	}
	w.must(json.Unmarshal(said[0], &ready))
	tenant := w.tenant("acme")
	name, path := tenant.Database.Name, tenant.Share.Name
	want := events.StorageReady{
		Version: "1", TenantID: "acme", Tier: "standard", RequestedAt: events.At(start), ReadyAt: events.At(start.Add(5 * time.Second)),
		Database: events.Database{
			Engine: "postgres", Host: tenant.Database.Address, Port: 5432,
			Name: pool.DatabaseName(name), Username: pool.RoleName(name), SecretARN: tenant.Secret,
		},
		Share: events.Share{Host: "share-standard-1.prod.headroom.internal", Path: "/" + path, Options: testOptions},
	}
	if diff := cmp.Diff(want, ready); diff != "" {
		t.Errorf("StorageReady (-want +got):\n%s", diff)
	}

	if tenant.State != pool.TenantReady || !tenant.Due.IsZero() || len(tenant.History) != 2 {
		t.Errorf("tenant: %+v", tenant)
	}
	var credentials events.Credentials
	secret := w.secrets.Secrets()["headroom/dev/tenant/acme/"+mark]
	w.must(json.Unmarshal([]byte(secret.Value), &credentials))
	if secret.ARN != tenant.Secret || credentials.DBName != pool.DatabaseName(name) || w.logins[tenant.Database.Address+" "+name] != credentials.Password {
		t.Errorf("the secret %s is not what logs in: %v", secret.ARN, credentials)
	}
	if diff := cmp.Diff([]string{"tcp 2049-2049 10.0.0.1/32"}, w.groups.Rules("sg-1")); diff != "" {
		t.Errorf("firewall (-want +got):\n%s", diff)
	}
	for i, clients := range []string{"10.0.0.1/32", "192.0.2.1/32"} {
		if got := strings.Join(w.gateways.Shares()[i].Clients, " "); got != clients {
			t.Errorf("share %d is open to %s, want %s", i+1, got, clients)
		}
	}
	if tags := w.gateways.Shares()[0].Tags; tags["headroom:state"] != "Assigned" || tags["headroom:tenant"] != "acme" {
		t.Errorf("the share's tags are %v", tags)
	}
	if !strings.Contains(w.written.String(), `"TimeToReady":5000,`) {
		t.Error("the time to ready is not measured from when the signup was sent")
	}
	if len(w.checks.Messages()) == 0 {
		t.Error("no pool check was asked for, and the shelf is low")
	}
}

func TestTheSameSignupAgainTakesNothingNew(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	for range 3 {
		w.ask("acme", "10.0.0.1")
		w.drain(w.once)
		w.reconcile()
		w.now = w.now.Add(24 * time.Hour)
	}
	said := w.bus.Of("StorageReady")
	if len(said) != 3 || string(said[0]) != string(said[1]) || string(said[0]) != string(said[2]) {
		t.Errorf("the answers differ: %s", said)
	}
	if s := w.shelf(); s.Pairs() != 2 || len(s.Held) != 0 {
		t.Errorf("%d pairs are left, held: %v", s.Pairs(), s.Held)
	}
	if n := strings.Count(w.written.String(), `"TimeToReady":`); n != 1 {
		t.Errorf("the time to ready was measured %d times", n)
	}
}

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

// An announcement whose message got lost is made past its deadline; one that never can be is reported, and
// its messages end.
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
	w.fail["Open"] = errNotNow
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	before := w.tenant("acme")
	stuck := before
	stuck.Tries = pool.MaxTries
	_, err := w.ledger.SaveTenant(t.Context(), before, stuck)
	w.must(err)
	delete(w.fail, "Open")
	w.now = w.now.Add(2 * time.Hour)
	w.drain(w.once)
	if tenant := w.tenant("acme"); tenant.State != pool.TenantReady || tenant.Tries != 0 {
		t.Errorf("tenant: %+v", tenant)
	}
}

func TestPasswordsAreNowhereButInTheVaultAndTheDatabase(t *testing.T) {
	w := newWorld(t, undisturbed, 1)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	for i := range 3 {
		w.ask(fmt.Sprintf("t%d", i), fmt.Sprintf("10.0.0.%d", i+1))
	}
	w.ask("t0", "10.9.9.9") // refused
	w.fail["Open"] = errNotNow
	w.drain(w.once)
	delete(w.fail, "Open")
	w.now = w.now.Add(2 * time.Hour)
	w.drain(w.once)
	w.reconcile()
	w.drain(w.once)

	var passwords []string
	for name, secret := range w.secrets.Secrets() {
		var value struct{ Password string }
		w.must(json.Unmarshal([]byte(secret.Value), &value))
		if value.Password == "" {
			t.Errorf("secret %s has no password", name)
		}
		passwords = append(passwords, value.Password)
	}
	if len(passwords) != 3 { // two tenants' and the master's
		t.Errorf("%d secrets", len(passwords))
	}
	everything := []string{w.written.String(), fmt.Sprintf("%+v", w.shelf())}
	for _, e := range w.bus.Published() {
		everything = append(everything, e.DetailType+string(e.Detail))
	}
	for i := range 3 {
		everything = append(everything, fmt.Sprintf("%+v", w.tenant(pool.TenantID(fmt.Sprintf("t%d", i)))))
	}
	for _, id := range w.hosts {
		everything = append(everything, fmt.Sprintf("%+v", w.host(id)))
	}
	if w.written.Len() < 1000 {
		t.Error("hardly anything was written")
	}
	for _, text := range everything {
		for _, password := range passwords {
			if strings.Contains(text, password) {
				t.Errorf("a password is in: %.200s…", strings.ReplaceAll(text, password, "PASSWORD"))
			}
		}
	}
}

func TestOnlyHeadroomItselfCanSayThatStorageIsReady(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	forged := events.StorageReady{Version: "1", TenantID: "acme", Database: events.Database{Host: "evil.example.com"}}
	share := w.gateways.Shares()[0]
	step := events.NewTenantStep("acme", string(pool.StepServe), 2)
	step.Announce = &events.Announcement{Gateway: share.Gateway, ShareID: share.ID, Clients: []string{"10.0.0.1/32"}, Ready: forged}
	for _, message := range []any{step, events.NewServeWaiting(string(tier))} {
		body, err := json.Marshal(message)
		w.must(err)
		w.put(string(body))
		w.drain(func(d events.Delivery) error {
			d.Queue = "signups" // customers may send to this one
			return w.once(d)
		})
	}
	if said := w.bus.Of("StorageReady"); len(said) != 1 {
		t.Errorf("ready: %s", said)
	}
	if refused := w.refused.Messages(); len(refused) != 2 {
		t.Errorf("refused: %v", refused)
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
			w.fail["Open"] = errNotNow
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
			delete(w.fail, "Open")
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
