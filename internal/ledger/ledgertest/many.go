package ledgertest

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// manyAtOnce are more than one request to DynamoDB reads.
const manyAtOnce = 130

func manyTenants(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	want := map[pool.TenantID]pool.Tenant{}
	ids := []pool.TenantID{ID(manyAtOnce + 1)} // of nobody
	for n := range manyAtOnce {
		stored, _, err := l.Request(ctx, tenant(n))
		must(t, err)
		want[stored.ID], ids = stored, append(ids, stored.ID)
	}
	got, err := l.Tenants(ctx, ids)
	must(t, err)
	expect(t, "tenants", got, want)
	got, err = l.Tenants(ctx, nil)
	must(t, err)
	expect(t, "no tenants", got, map[pool.TenantID]pool.Tenant{})
}

func manyHosts(t *testing.T, l ledger.Ledger) {
	want := map[pool.HostID]pool.Host{}
	ids := []pool.HostID{"share-standard-99"}
	for _, k := range pool.Kinds {
		for seq := 1; seq <= 3; seq++ {
			h := add(t, l, Host(key(k), seq, 2))
			want[h.ID], ids = h, append(ids, h.ID)
		}
	}
	got, err := l.Hosts(t.Context(), ids)
	must(t, err)
	expect(t, "hosts", got, want)
}

func manyClearances(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	want := map[pool.ClearanceID]pool.Clearance{}
	ids := []pool.ClearanceID{"nobody.mark/share"}
	for n := range manyAtOnce {
		moved := pool.ClearMoved(pool.KeptDatabase{
			Holding: pool.Holding{Host: "database-standard-1", Index: n, Generation: 1, Name: "abc"}, Move: pool.RestorationID("mover.move-7-" + strconv.Itoa(n)),
		}, time.Hour, "n3", at(900))
		saved, err := l.SaveClearance(ctx, pool.Clearance{}, moved)
		must(t, err)
		want[saved.ID()], ids = saved, append(ids, saved.ID())
	}
	got, err := l.Clearances(ctx, ids)
	must(t, err)
	expect(t, "clearances", got, want)
	got, err = l.Clearances(ctx, nil)
	must(t, err)
	expect(t, "no clearances", got, map[pool.ClearanceID]pool.Clearance{})
}

func hostsAreSavedTogether(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	var changes []ledger.HostChange
	for _, k := range pool.Kinds {
		for seq := 1; seq <= 2; seq++ {
			before := add(t, l, Host(key(k), seq, 3))
			after := before.Clone()
			after.Slots[0].State = pool.SlotOffered
			changes = append(changes, ledger.HostChange{Before: before, After: after})
		}
	}
	used := func(want int) {
		t.Helper()
		for _, k := range pool.Kinds {
			record, err := l.Pool(ctx, key(k))
			must(t, err)
			expect(t, "used", record.Counters.Used, want)
			expect(t, "in reserve", record.Counters.Reserve, 6-want)
		}
	}
	// One of them has changed since: none is written.
	stale := slices.Clone(changes)
	stale[3].Before.Version--
	if err := l.SaveHosts(ctx, stale); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a host that has changed: %v", err)
	}
	used(0)
	must(t, l.SaveHosts(ctx, changes))
	used(2)
	for _, c := range changes {
		stored, err := l.Host(ctx, c.After.ID)
		must(t, err)
		want := c.After
		want.Version = c.Before.Version + 1
		expect(t, "stored", stored, want)
	}
	if err := l.SaveHosts(ctx, changes); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("the same again: %v", err)
	}
	must(t, l.SaveHosts(ctx, nil))
}
