package signup

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
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
