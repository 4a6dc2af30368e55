package secrets

import (
	"errors"
	"testing"

	"headroom/internal/adapter/secrets/secretstest"
	"headroom/internal/pool"
)

func TestACopierHasASecretOfItsOwn(t *testing.T) {
	fake := &secretstest.Fake{}
	v := newVault(fake)
	v.CopierPrefix = "headroom/dev/copier/"
	first, arn, err := v.Copier(t.Context(), "acme.k3v9x2m7qa/1", at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := v.Copier(t.Context(), "acme.k3v9x2m7qa/1", at("db1"))
	if err != nil || again != first || same != arn {
		t.Errorf("again: %q, %v", same, err)
	}
	if _, _, err := v.Copier(t.Context(), "acme.k3v9x2m7qa/1", at("db2")); !errors.Is(err, pool.ErrOtherDatabase) {
		t.Errorf("for another database: %v", err)
	}
	if next, _, err := v.Copier(t.Context(), "acme.k3v9x2m7qa/2", at("db1")); err != nil || next.Password == first.Password {
		t.Errorf("the next attempt's: %v", err)
	}
	for range 2 { // what is deleted already is deleted
		if err := v.DeleteCopier(t.Context(), "acme.k3v9x2m7qa/1"); err != nil {
			t.Fatal(err)
		}
	}
	if left := fake.Secrets(); len(left) != 1 {
		t.Errorf("%d secrets are left", len(left))
	}
}

func TestOnlyTheSecretOfOneSignupIsDeleted(t *testing.T) {
	fake := &secretstest.Fake{}
	v := newVault(fake)
	for _, m := range []string{mark, "another"} {
		if _, _, err := v.Tenant(t.Context(), "acme", m, at("db1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.DeleteTenant(t.Context(), "acme", ""); err == nil {
		t.Error("without a mark it deleted something")
	}
	if err := v.DeleteTenant(t.Context(), "acme", mark); err != nil {
		t.Fatal(err)
	}
	if left := fake.Secrets(); len(left) != 1 || left["headroom/dev/tenant/acme/another"].ARN == "" {
		t.Errorf("left: %v", left)
	}
	_, arn, err := v.Tenant(t.Context(), "acme", "another", at("db1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.DeleteSecret(t.Context(), arn); err != nil || len(fake.Secrets()) > 0 {
		t.Errorf("by its ARN: %v", err)
	}
}
