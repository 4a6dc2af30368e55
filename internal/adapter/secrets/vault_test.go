package secrets

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/adapter/secrets/secretstest"
	"headroom/internal/pool"
)

const keyID = "arn:aws:kms:eu-central-1:123456789012:key/1234"

var errLost = errors.New("the reply was lost")

func newVault(fake *secretstest.Fake) *Vault {
	return New(Config{
		Client: fake, Stage: "dev", Prefix: "headroom/dev/tenant/", KeyID: keyID, Random: rand.Reader,
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Jitter: func() float64 { return 0.5 },
	})
}

// at fills in credentials for a database on a host.
func at(host string) func(string) events.Credentials {
	return func(password string) events.Credentials {
		return events.Credentials{Engine: "postgres", Host: host, Port: 5432, DBName: "d_x", Username: "t_x", Password: password}
	}
}

func TestFirstCallMakesTheSecret(t *testing.T) {
	fake := &secretstest.Fake{}
	credentials, arn, err := newVault(fake).Tenant(t.Context(), "acme", at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	secret := fake.Secrets()["headroom/dev/tenant/acme"]
	if arn == "" || arn != secret.ARN {
		t.Errorf("ARN %q, stored as %q", arn, secret.ARN)
	}
	if secret.KeyID != keyID {
		t.Errorf("encrypted with %q", secret.KeyID)
	}
	if diff := cmp.Diff(map[string]string{"headroom:stage": "dev", "headroom:tenant": "acme"}, secret.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	var stored map[string]any
	if err := json.Unmarshal([]byte(secret.Value), &stored); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"engine": "postgres", "host": "db1", "port": 5432.0, "dbname": "d_x", "username": "t_x", "password": credentials.Password}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Error("what is stored is not what was returned")
	}
}

func TestLaterCallsGiveTheSame(t *testing.T) {
	fake := &secretstest.Fake{Lag: 3}
	first, firstARN, err := newVault(fake).Tenant(t.Context(), "acme", at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	again, againARN, err := newVault(fake).Tenant(t.Context(), "acme", at("db1"))
	if err != nil || again != first || againARN != firstARN {
		t.Errorf("another secret: %v at %s, then %v at %s, %v", first, firstARN, again, againARN, err)
	}
	other, _, err := newVault(fake).Tenant(t.Context(), "other", at("db1"))
	if err != nil || other.Password == first.Password {
		t.Errorf("two tenants share a password, or: %v", err)
	}
}

func TestCallsAtOnceAgree(t *testing.T) {
	fake := &secretstest.Fake{Lag: 2}
	var calls sync.WaitGroup
	got := make([]events.Credentials, 10)
	for i := range got {
		calls.Go(func() {
			var err error
			if got[i], _, err = newVault(fake).Tenant(t.Context(), "acme", at("db1")); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	for _, credentials := range got {
		if credentials != got[0] {
			t.Fatal("two callers were given different credentials")
		}
	}
}

func TestCallWhoseReplyWasLostIsRepeatable(t *testing.T) {
	for _, applied := range []bool{false, true} {
		fake := &secretstest.Fake{Fault: func(string) (bool, error) { return applied, errLost }}
		if _, _, err := newVault(fake).Tenant(t.Context(), "acme", at("db1")); !errors.Is(err, errLost) {
			t.Fatalf("got %v", err)
		}
		fake.Fault = nil
		credentials, _, err := newVault(fake).Tenant(t.Context(), "acme", at("db1"))
		if err != nil || len(credentials.Password) != passwordLength {
			t.Errorf("applied %v: %v, %v", applied, credentials, err)
		}
		if len(fake.Secrets()) != 1 {
			t.Errorf("applied %v: %d secrets", applied, len(fake.Secrets()))
		}
	}
}

func TestSecretOfAnotherDatabaseIsNotGivenOut(t *testing.T) {
	fake := &secretstest.Fake{}
	if _, _, err := newVault(fake).Tenant(t.Context(), "acme", at("db1")); err != nil {
		t.Fatal(err)
	}
	if got, _, err := newVault(fake).Tenant(t.Context(), "acme", at("db2")); !errors.Is(err, pool.ErrOtherDatabase) {
		t.Errorf("got %v, %v; want pool.ErrOtherDatabase", got, err)
	}
}

func TestReadingIsPatientForAWhile(t *testing.T) {
	fake := &secretstest.Fake{Lag: 100}
	vault := newVault(fake)
	if _, _, err := vault.Tenant(t.Context(), "acme", at("db1")); err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	vault.Sleep = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	if _, _, err := vault.Tenant(t.Context(), "acme", at("db1")); err == nil {
		t.Error("read what cannot be read")
	}
	want := []time.Duration{75e6, 150e6, 300e6, 600e6, 750e6}
	if diff := cmp.Diff(want, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}

	vault.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	if _, _, err := vault.Tenant(t.Context(), "acme", at("db1")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestMasterSecretIsRead(t *testing.T) {
	fake := &secretstest.Fake{}
	arn := fake.Put("rds!db-1", `{"username":"master","password":"rotated"}`)
	username, password, err := newVault(fake).Master(t.Context(), arn)
	if err != nil || username != "master" || password != "rotated" {
		t.Errorf("got %q and %q, %v", username, password, err)
	}
}

func TestBadMasterSecretIsAnErrorThatKeepsIt(t *testing.T) {
	for name, value := range map[string]string{
		"not JSON":          `hunter2`,
		"no password":       `{"username":"hunter2"}`,
		"no username":       `{"password":"hunter2"}`,
		"password a number": `{"username":"hunter2","password":2}`,
	} {
		fake := &secretstest.Fake{}
		_, _, err := newVault(fake).Master(t.Context(), fake.Put("rds!db-1", value))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := newVault(&secretstest.Fake{}).Master(t.Context(), "arn:missing"); err == nil {
		t.Error("read a secret that is not there")
	}
}

func TestWithoutRandomnessNoSecretIsMade(t *testing.T) {
	fake := &secretstest.Fake{}
	vault := newVault(fake)
	vault.Random = strings.NewReader("")
	if _, _, err := vault.Tenant(t.Context(), "acme", at("db1")); err == nil || len(fake.Secrets()) != 0 {
		t.Errorf("made %d secrets, %v", len(fake.Secrets()), err)
	}
}
