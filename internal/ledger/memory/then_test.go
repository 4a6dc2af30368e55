package memory

import (
	"testing"

	"headroom/internal/pool"
)

func TestATableIsPutBackToWhatItWas(t *testing.T) {
	l, ctx := New(Options{}), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(l.Register(ctx, "10.0.0.1", "acme"))
	first, _, err := l.Request(ctx, pool.Tenant{ID: "acme", Tier: "standard", Mark: "m1", State: pool.TenantRequested})
	must(err)
	putBack := l.Then()
	for range 2 { // also more than once
		must(l.Register(ctx, "10.0.0.2", "acme"))
		changed := first.Clone()
		changed.Mark = "m2"
		_, err = l.SaveTenant(ctx, first, changed)
		must(err)
		_, _, err = l.Request(ctx, pool.Tenant{ID: "globex", Tier: "standard", State: pool.TenantRequested})
		must(err)
		putBack()
		b := l.Books()
		if len(b.Tenants) != 1 || b.Tenants["acme"].Mark != "m1" || b.Tenants["acme"].Version != first.Version || len(b.Addresses) != 1 {
			t.Errorf("it is %+v, %v", b.Tenants, b.Addresses)
		}
	}
	l.Lose()
	if b := l.Books(); len(b.Tenants)+len(b.Addresses) > 0 {
		t.Errorf("a lost table has %+v", b)
	}
}
