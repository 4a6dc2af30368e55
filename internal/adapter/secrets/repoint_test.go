package secrets

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/adapter/secrets/secretstest"
)

func TestASecretIsRepointedWithItsPassword(t *testing.T) {
	fake := &secretstest.Fake{}
	v := newVault(fake)
	first, arn, err := v.Tenant(t.Context(), "acme", mark, at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	want := at("db2")(first.Password)
	without := want
	without.Password = ""
	for range 2 { // again, it is so already
		if got, err := v.Repoint(t.Context(), arn, without); err != nil || got != want {
			t.Errorf("repointed to %s of %s: %v", got.DBName, got.Host, err)
		}
	}
	var stored events.Credentials
	for _, s := range fake.Secrets() {
		if tag := s.Tags["headroom:database"]; tag != want.DBName || s.Tags["headroom:tenant"] != "acme" {
			t.Errorf("its tags are %v", s.Tags)
		}
		if err := json.Unmarshal([]byte(s.Value), &stored); err != nil || stored != want || s.ARN != arn {
			t.Errorf("stored is %s of %s: %v", stored.DBName, stored.Host, err)
		}
	}
	if back, err := v.Repoint(t.Context(), arn, at("db1")("")); err != nil || back != first {
		t.Errorf("it does not go back: %v", err)
	}
}

func TestASecretWhoseReplyIsLostIsRepointedAgain(t *testing.T) {
	for operation, applied := range map[string]bool{"PutSecretValue": true, "TagResource": true, "PutSecretValue, in vain": false, "TagResource, in vain": false} {
		operation, _, _ = strings.Cut(operation, ",")
		fake := &secretstest.Fake{}
		v := newVault(fake)
		first, arn, err := v.Tenant(t.Context(), "acme", mark, at("db1"))
		if err != nil {
			t.Fatal(err)
		}
		struck := false
		fake.Fault = func(called string) (bool, error) {
			if called == operation && !struck {
				struck = true
				return applied, errors.New("the reply is lost")
			}
			return false, nil
		}
		if _, err := v.Repoint(t.Context(), arn, at("db2")("")); err == nil {
			t.Error("a lost reply is no error")
		}
		if got, err := v.Repoint(t.Context(), arn, at("db2")("")); err != nil || got != at("db2")(first.Password) {
			t.Errorf("%s applied %v: %v", operation, applied, err)
		}
		for _, s := range fake.Secrets() {
			if s.Tags["headroom:database"] != at("db2")("").DBName {
				t.Errorf("%s applied %v: its tags are %v", operation, applied, s.Tags)
			}
		}
	}
}

func TestASecretThatIsNotThereIsNotRepointed(t *testing.T) {
	if _, err := newVault(&secretstest.Fake{}).Repoint(t.Context(), "headroom/dev/tenant/acme/x", at("db2")("")); err == nil {
		t.Error("it was")
	}
}
