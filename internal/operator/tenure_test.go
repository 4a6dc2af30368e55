package operator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// A tenant has its slot since it was told so, or since it moved there, and not since the host's record was told.
func TestASlotIsShownAsItsTenantHasIt(t *testing.T) {
	ctx, l := t.Context(), memory.New(memory.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	late := noon.Add(10 * time.Minute)
	key := pool.Key{Kind: pool.Database, Tier: "standard"}
	h := ledgertest.Host(key, 1, 5)
	for i, s := range []struct {
		state  pool.SlotState
		tenant pool.TenantID
	}{{pool.SlotAssigned, "acme"}, {pool.SlotAssigned, "moved"}, {pool.SlotOffered, ""}, {pool.SlotOffered, ""}, {pool.SlotLeaving, "gone"}} {
		h.Slots[i].State, h.Slots[i].Tenant, h.Slots[i].Since = s.state, s.tenant, late
	}
	record, err := l.Pool(ctx, key)
	must(err)
	must(l.Order(ctx, record, h))
	for id, index := range map[pool.TenantID]int{"acme": 1, "moved": 2, "held": 3} {
		stored, _, err := l.Request(ctx, pool.Tenant{
			ID: id, Tier: "standard", Mark: "mark", Addresses: []string{"10.1.0.1"}, State: pool.TenantRequested, RequestedAt: noon,
			Progress: pool.Progress{Step: pool.StepOpen, Due: noon.Add(time.Hour)},
		})
		must(err)
		ready, err := pool.MoveTenant(stored, pool.TenantReady, noon, "ready")
		must(err)
		ready.ReadyAt, ready.Database = noon.Add(time.Second), pool.Holding{Host: h.ID, Index: index, Generation: h.Slots[index-1].Generation}
		if id == "moved" {
			ready.MovedAt = noon.Add(time.Minute)
		}
		_, err = l.SaveTenant(ctx, stored, ready)
		must(err)
	}
	shelf := pool.Shelf{Tier: "standard", Held: map[pool.TenantID]pool.Hold{"held": {Database: h.Slots[2].Offer(h.ID)}}}
	slots, err := asking(l, &policytest.Parameter{}).slotsOf(ctx, h, shelf)
	must(err)
	type seen struct {
		State  pool.SlotState
		Tenant pool.TenantID
		Since  time.Time
	}
	var got []seen
	for _, s := range slots {
		got = append(got, seen{s.State, s.Tenant, s.Since})
	}
	if diff := cmp.Diff([]seen{
		{pool.SlotAssigned, "acme", noon.Add(time.Second)},
		{pool.SlotAssigned, "moved", noon.Add(time.Minute)},
		{pool.SlotAssigned, "held", noon.Add(time.Second)},
		{pool.SlotOffered, "", late},
		{pool.SlotLeaving, "gone", late},
	}, got); diff != "" {
		t.Errorf("the slots (-want +got):\n%s", diff)
	}
}
