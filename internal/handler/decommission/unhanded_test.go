package decommission

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestASignupThatIsTakenBackLeavesNoSecret(t *testing.T) {
	w := newWorld(t)
	before, _, err := w.ledger.Request(t.Context(), pool.Tenant{
		ID: "bolt", Tier: tier, Mark: "markbolt", Addresses: []string{"10.0.0.9"}, State: pool.TenantRequested, RequestedAt: w.now,
	})
	w.must(err)
	exchanged := before.Clone()
	exchanged.Spent = []string{"firstbolt", "secondbolt"}
	_, err = w.ledger.SaveTenant(t.Context(), before, exchanged)
	w.must(err)
	for _, mark := range append(exchanged.Spent, before.Mark) {
		w.secret("bolt", mark)
	}
	w.ask("bolt", "")
	w.run(time.Hour, w.once)
	if d := w.departure("bolt.markbolt"); d.State != pool.DepartureLeft {
		t.Fatalf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	for name := range w.secrets.Secrets() {
		if strings.Contains(name, "bolt") {
			t.Errorf("left: secret %s", name)
		}
	}
}
