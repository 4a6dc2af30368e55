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

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/adapter/secrets/secretstest"
	"headroom/internal/pool"
)

const (
	keyID = "arn:aws:kms:eu-central-1:123456789012:key/1234"
	mark  = "k3v9x2m7qa"
)

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
	credentials, arn, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	secret := fake.Secrets()["headroom/dev/tenant/acme/k3v9x2m7qa"]
	if arn == "" || arn != secret.ARN {
		t.Errorf("ARN %q, stored as %q", arn, secret.ARN)
	}
	if secret.KeyID != keyID {
		t.Errorf("encrypted with %q", secret.KeyID)
	}
	if diff := cmp.Diff(map[string]string{"headroom:stage": "dev", "headroom:tenant": "acme", "headroom:database": "d_x"}, secret.Tags); diff != "" {
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
	first, firstARN, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	again, againARN, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
	if err != nil || again != first || againARN != firstARN {
		t.Errorf("another secret: %v at %s, then %v at %s, %v", first, firstARN, again, againARN, err)
	}
	other, _, err := newVault(fake).Tenant(t.Context(), "other", mark, at("db1"))
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
			if got[i], _, err = newVault(fake).Tenant(t.Context(), "acme", mark, at("db1")); err != nil {
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
		if _, _, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1")); !errors.Is(err, errLost) {
			t.Fatalf("got %v", err)
		}
		fake.Fault = nil
		credentials, _, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
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
	if _, _, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1")); err != nil {
		t.Fatal(err)
	}
	if got, _, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db2")); !errors.Is(err, pool.ErrOtherDatabase) {
		t.Errorf("got %v, %v; want pool.ErrOtherDatabase", got, err)
	}
}

func TestASecretOfAnEarlierLifeDoesNotMatter(t *testing.T) {
	const name = "headroom/dev/tenant/acme"
	tests := []struct {
		name  string
		exist func(*secretstest.Fake)
	}{
		{"a secret of the tenant's earlier life is scheduled for deletion", func(f *secretstest.Fake) {
			f.Put(name+"/earlier", `{"host":"db0"}`)
			f.Schedule(name + "/earlier")
		}},
		{"a secret of the tenant's earlier life is still there", func(f *secretstest.Fake) {
			f.Put(name+"/earlier", `{"host":"db0"}`)
		}},
		{"the tenant's bare name is scheduled for deletion", func(f *secretstest.Fake) {
			f.Put(name, "{}")
			f.Schedule(name)
		}},
		{"the tenant's bare name is somebody else's", func(f *secretstest.Fake) { f.Put(name, "hunter2") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &secretstest.Fake{}
			test.exist(fake)
			first, arn, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
			if err != nil {
				t.Fatal(err)
			}
			again, sameARN, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
			if err != nil || again != first || sameARN != arn || first.Host != "db1" {
				t.Errorf("again: another secret, or %v", err)
			}
		})
	}
}

func TestEachLifeHasAPasswordOfItsOwn(t *testing.T) {
	fake := &secretstest.Fake{}
	first, firstARN, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	next, nextARN, err := newVault(fake).Tenant(t.Context(), "acme", "another", at("db2"))
	if err != nil || next.Password == first.Password || nextARN == firstARN {
		t.Errorf("two lives share a password or a secret, or: %v", err)
	}
}

// What is scheduled for deletion under this very mark was deleted by somebody while the tenant signed
// up: no name of ours is free then, and the refusal is told as it came.
func TestASecretThatIsDeletedUnderItsSignupIsAnError(t *testing.T) {
	fake := &secretstest.Fake{}
	if _, _, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1")); err != nil {
		t.Fatal(err)
	}
	fake.Schedule("headroom/dev/tenant/acme/" + mark)
	var refused *types.InvalidRequestException
	if _, _, err := newVault(fake).Tenant(t.Context(), "acme", mark, at("db1")); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

func TestNamesAreWithinSecretsManagersLimits(t *testing.T) {
	fake := &secretstest.Fake{}
	vault := newVault(fake)
	vault.Prefix = "headroom/" + strings.Repeat("s", 16) + "/tenant/"
	tenant := strings.Repeat("t", 64)
	if _, _, err := vault.Tenant(t.Context(), tenant, strings.Repeat("m", 32), at("db1")); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", strings.Repeat("m", 33), "a/b", "a b", "ä"} {
		if _, _, err := vault.Tenant(t.Context(), tenant, bad, at("db1")); !errors.Is(err, errBadMark) {
			t.Errorf("mark %q: %v", bad, err)
		}
	}
	if n := len(fake.Secrets()); n != 1 {
		t.Errorf("%d secrets", n)
	}
}

func TestReadingIsPatientForAWhile(t *testing.T) {
	fake := &secretstest.Fake{Lag: 100}
	vault := newVault(fake)
	if _, _, err := vault.Tenant(t.Context(), "acme", mark, at("db1")); err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	vault.Sleep = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	if _, _, err := vault.Tenant(t.Context(), "acme", mark, at("db1")); err == nil {
		t.Error("read what cannot be read")
	}
	want := []time.Duration{75e6, 150e6, 300e6, 600e6, 750e6}
	if diff := cmp.Diff(want, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}

	vault.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	if _, _, err := vault.Tenant(t.Context(), "acme", mark, at("db1")); !errors.Is(err, context.Canceled) {
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
	if _, _, err := vault.Tenant(t.Context(), "acme", mark, at("db1")); err == nil || len(fake.Secrets()) != 0 {
		t.Errorf("made %d secrets, %v", len(fake.Secrets()), err)
	}
}
