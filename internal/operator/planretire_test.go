package operator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// A plan says which hosts go, and why the others stay, and so does what is asked about a drained host.
func TestAPlanSaysWhichHostsGo(t *testing.T) {
	ctx, l := t.Context(), memory.New(memory.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	five := []pool.Peak{{From: noon.Add(-25 * time.Hour), Buffer: 5}}
	wanted := pool.Outlook{Tier: "standard", Peaks: map[pool.Kind][]pool.Peak{pool.Database: five, pool.Share: five}}
	must(l.SaveOutlook(ctx, pool.Outlook{Tier: "standard"}, wanted))
	for _, k := range pool.Kinds {
		for seq := 1; seq <= 3; seq++ {
			key := pool.Key{Kind: k, Tier: "standard"}
			h := ledgertest.Host(key, seq, 10)
			h.Since = noon.Add(-24 * time.Hour)
			for i := range h.Slots {
				h.Slots[i].Since = h.Since
			}
			if k == pool.Database && seq == 1 {
				h.State, h.Drained = pool.HostCordoned, "ann: old"
				h.Slots[0].State, h.Slots[0].Tenant = pool.SlotAssigned, "t1"
			}
			seen, err := l.Pool(ctx, key)
			must(err)
			ordered := h.Clone()
			ordered.State, ordered.Slots = pool.HostOrdered, nil
			must(l.Order(ctx, seen, ordered))
			before, err := l.Host(ctx, h.ID)
			must(err)
			must(l.SaveHost(ctx, before, h, pool.Neutral, noon))
		}
	}
	on, err := l.Host(ctx, "database-standard-1")
	must(err)
	_, _, err = l.Request(ctx, pool.Tenant{
		ID: "t1", Tier: "standard", Mark: "k3v9x2m7qa", State: pool.TenantReady, RequestedAt: noon, Addresses: []string{"10.0.0.1"},
		Database: pool.Holding{Host: on.ID, Index: 1, Generation: 1, Name: on.Slots[0].Name},
	})
	must(err)

	for pace, want := range map[int][]string{
		0: {"", "drainPace is 0"},
		4: {"t1", "1 of the 1 tenants on it can move, 4 an hour"},
	} {
		document := strings.Replace(sized(40, 0), `"kind":"database",`, fmt.Sprintf(`"kind":"database","drainPace":%d,`, pace), 1)
		o := asking(l, policytest.New("/headroom/dev/policy", document))
		plans, err := o.Plans(ctx, "standard", nil, "")
		must(err)
		databases, shares := plans.By[0].Tiers[0].Pools[0], plans.By[0].Tiers[0].Pools[1]
		if len(databases.Drained) != 1 || databases.Drained[0].Host != on.ID || databases.Drained[0].Next != want[0] || !strings.Contains(databases.Drained[0].Why, want[1]) {
			t.Errorf("drained by a pace of %d: %+v", pace, databases.Drained)
		}
		if shares.Retires != "share-standard-1" || shares.After != 2 || !strings.Contains(shares.Spare, "empty since 2026-03-01") {
			t.Errorf("%q is retired of the shares, %d stay: %s", shares.Retires, shares.After, shares.Spare)
		}
		document = strings.Replace(document, `"drainPace":4,`, `"drainPace":4,"consolidate":true,`, 1)
		plans, err = asking(l, policytest.New("/headroom/dev/policy", document)).Plans(ctx, "standard", nil, "")
		must(err)
		if databases := plans.By[0].Tiers[0].Pools[0]; databases.Drains != "" || pace > 0 && !strings.Contains(databases.Sparse, "tenants on cordoned hosts: 1") {
			t.Errorf("%q is drained by itself, because %q", databases.Drains, databases.Sparse)
		}
		e, err := o.ExplainHost(ctx, string(on.ID))
		must(err)
		if said := fmt.Sprint(e.Answers); !strings.Contains(said, want[1]) {
			t.Errorf("explained by a pace of %d: %s", pace, said)
		}
	}
}
