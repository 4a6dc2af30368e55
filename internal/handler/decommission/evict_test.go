package decommission

import (
	"context"
	"slices"
	"testing"

	"headroom/internal/pool"
)

// A later life of a tenant gave up an address, which became another's at the same gateway before the first life's departure ended.
func TestADepartureKeepsTheRuleOfWhoGotItsAddressSince(t *testing.T) {
	for name, by := range map[string]string{"at the same gateway": "share-standard-1", "at another": "share-standard-2"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			acme := w.serve("acme", "10.0.0.1", 1)
			w.add(pool.Database, 2)
			w.add(pool.Share, 2)
			d := pool.Departure{Tenant: acme}
			left, err := pool.MoveTenant(acme, pool.TenantLeft, w.now, "test")
			w.must(err)
			left.Addresses = nil
			left, err = w.ledger.SaveTenant(context.Background(), w.tenant("acme"), left)
			w.must(err)
			w.must(w.ledger.Unregister(context.Background(), "10.0.0.1", left))
			w.serveAt("globex", "10.0.0.1", w.host("database-standard-1"), w.host(pool.HostID(by)), 2)
			h := w.handler(func(_ string, do func() error) error { return do() })
			w.must(h.evict(context.Background(), d, w.host("share-standard-1")))
			if in := slices.Contains(w.groups.Rules("sg-1"), rule("10.0.0.1")); in != (by == "share-standard-1") {
				t.Errorf("rules: %v", w.groups.Rules("sg-1"))
			}
		})
	}
}
