package operator

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

func TestATenantIsShownWithWhatItsShareMayLack(t *testing.T) {
	ctx, l := t.Context(), memory.New(memory.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key := pool.Key{Kind: pool.Share, Tier: "standard"}
	h := ledgertest.Host(key, 1, 2)
	h.Slots[0].State, h.Slots[0].Tenant = pool.SlotAssigned, "acme"
	h.Losses = []pool.Loss{{Gateway: "sgw-1", At: noon, Amount: "up to 2 GiB", Shares: []pool.LossOf{{Index: 1, Generation: 1, Tenant: "acme"}}}}
	record, err := l.Pool(ctx, key)
	must(err)
	must(l.Order(ctx, record, h))
	stored, _, err := l.Request(ctx, pool.Tenant{
		ID: "acme", Tier: "standard", Mark: "mark", Addresses: []string{"10.1.0.1"}, State: pool.TenantRequested, RequestedAt: noon,
		Progress: pool.Progress{Step: pool.StepOpen, Due: noon.Add(time.Hour)},
	})
	must(err)
	ready, err := pool.MoveTenant(stored, pool.TenantReady, noon, "ready")
	must(err)
	ready.Share = pool.Holding{Host: h.ID, Index: 1, Generation: 1, Name: h.Slots[0].Name}
	ready, err = l.SaveTenant(ctx, stored, ready)
	must(err)
	o := asking(l, &policytest.Parameter{})
	shown, err := o.Tenant(ctx, "acme")
	must(err)
	if m := shown.Missing; len(m) != 1 || m[0].Gateway != "sgw-1" || !m[0].GivenUp.Equal(noon) || !strings.Contains(m[0].What, "up to 2 GiB") {
		t.Errorf("its share may lack %+v", m)
	}
	// It leaves, and its departure goes on with what the bucket holds.
	left, d, err := pool.Leave(ready, pool.Departure{Reason: "it ends", RequestedBy: "billing", RequestedAt: noon}, pool.Terms{}, noon)
	must(err)
	must(l.Depart(ctx, ready, left, d))
	before, err := l.Departure(ctx, d.ID())
	must(err)
	_, err = l.SaveDeparture(ctx, before, before.Uploaded("the gateway said so", h.Missing(d.Tenant.Share, "acme", h.Access.Gateway), noon))
	must(err)
	shown, err = o.Tenant(ctx, "acme")
	must(err)
	if m := shown.Departures[0].Missing; len(shown.Missing) > 0 || len(m) != 1 || m[0].Gateway != "sgw-1" {
		t.Errorf("its share may lack %+v, its archive %+v", shown.Missing, m)
	}
}
