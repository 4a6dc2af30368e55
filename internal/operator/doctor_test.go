package operator

import (
	"strings"
	"testing"

	"headroom/internal/pool"
)

// world is a database and a share host with a slot of one tenant each.
func world() ([]pool.Host, map[pool.TenantID]pool.Tenant) {
	host := func(kind pool.Kind) pool.Host {
		key := pool.Key{Kind: kind, Tier: "standard"}
		return pool.Host{ID: key.Host(1), Kind: kind, Tier: "standard", State: pool.HostInService, Slots: []pool.Slot{
			{Index: 1, Generation: 2, State: pool.SlotAssigned, Tenant: "acme"}, {Index: 2, Generation: 1, State: pool.SlotFree},
		}}
	}
	return []pool.Host{host(pool.Database), host(pool.Share)}, map[pool.TenantID]pool.Tenant{"acme": {
		ID: "acme", State: pool.TenantReady,
		Database: pool.Holding{Host: "database-standard-1", Index: 1, Generation: 2}, Share: pool.Holding{Host: "share-standard-1", Index: 1, Generation: 2},
	}}
}

func TestRecordsThatSayOtherwiseAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		change func(hosts []pool.Host, tenants map[pool.TenantID]pool.Tenant)
		held   bool
		want   string // parts, separated by |; empty: nothing is found
	}{
		"as it should be":       {func([]pool.Host, map[pool.TenantID]pool.Tenant) {}, false, ""},
		"a tenant that is gone": {func(_ []pool.Host, tenants map[pool.TenantID]pool.Tenant) { delete(tenants, "acme") }, false, "slot 1 of host database-standard-1|slot 1 of host share-standard-1"},
		"another generation":    {func(hosts []pool.Host, _ map[pool.TenantID]pool.Tenant) { hosts[1].Slots[0].Generation = 3 }, false, "slot 1 of host share-standard-1|tenant acme has slot share-standard-1/1"},
		"a slot of somebody else": {func(hosts []pool.Host, _ map[pool.TenantID]pool.Tenant) {
			hosts[0].Slots[0].State = pool.SlotFree
			hosts[0].Slots[0].Tenant = ""
		}, false, "tenant acme has slot database-standard-1/1"},
		"what is not settled": {func(hosts []pool.Host, _ map[pool.TenantID]pool.Tenant) {
			hosts[0].Slots[0].State = pool.SlotOffered
			hosts[0].Slots[0].Tenant = ""
		}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			hosts, tenants := world()
			test.change(hosts, tenants)
			var found []string
			for _, n := range disagreements(hosts, tenants, map[pool.TenantID]bool{"acme": test.held}) {
				found = append(found, n.What)
			}
			var want []string
			if test.want != "" {
				want = strings.Split(test.want, "|")
			}
			if len(found) != len(want) {
				t.Fatalf("found %q, want %q", found, want)
			}
			for i, part := range want {
				if !strings.Contains(found[i], part) {
					t.Errorf("found %q, want %q", found[i], part)
				}
			}
		})
	}
}

func TestCountersThatAreNoSumsAreFound(t *testing.T) {
	hosts, _ := world()
	key := pool.Key{Kind: pool.Share, Tier: "standard"}
	record := pool.Record{Key: key, Counters: pool.Contribution(hosts[1])}
	if needs := miscounted(hosts, []pool.Record{record}); len(needs) != 0 {
		t.Errorf("found %v", needs)
	}
	record.Counters.Reserve++
	if needs := miscounted(hosts, []pool.Record{record}); len(needs) != 1 || !strings.Contains(needs[0].What, "pool share-standard counts 1 hosts") {
		t.Errorf("found %v", needs)
	}
}
