package pool_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// drainedHost is a database host that is drained, with tenants t1 and so on.
func drainedHost(letters string) pool.Host {
	h := host(1, letters)
	h.Kind, h.ID, h.Drained, h.State = pool.Database, "database-standard-1", "ann: old", pool.HostCordoned
	for i := range h.Slots {
		if h.Slots[i].State == pool.SlotAssigned {
			h.Slots[i].Tenant = pool.TenantID(fmt.Sprintf("t%d", i+1))
		}
	}
	return h
}

// Moving a tenant off a host never makes an order, nor is one begun at once that is wanted already.
func TestAMoveOffAHostNeverMakesAnOrder(t *testing.T) {
	moved := 0
	rapid.Check(t, func(r *rapid.T) {
		p := buffered(rapid.IntRange(0, 12).Draw(r, "buffer"), rapid.IntRange(0, 60).Draw(r, "percent"))
		p.Kind, p.DrainPace, p.Ceiling, p.MaxOrders = pool.Database, rapid.IntRange(1, 60).Draw(r, "pace"), 50, 9
		if rapid.Bool().Draw(r, "forecast") {
			p.ServeAtOnce = 99
		}
		drained := drainedHost("aaafffffff")
		hosts := []pool.Host{drained}
		for seq := 2; seq < 2+rapid.IntRange(0, 4).Draw(r, "hosts"); seq++ {
			letters := ""
			for range 10 {
				letters += rapid.SampledFrom([]string{"a", "f", "l", "c"}).Draw(r, "slot")
			}
			hosts = append(hosts, host(seq, letters))
		}
		o := poolOf(hosts...)
		o.Waiting = rapid.IntRange(0, 1).Draw(r, "waiting")
		o.Demand = forecast.Demand{}.Noted(0, now.Add(-time.Hour), 20).Noted(int64(rapid.IntRange(0, 20).Draw(r, "came")), now, 20)
		e := pool.Emptying{
			Host: drained, Policy: p, Seen: o, Plan: pool.Decide(o, p, nil, now), Shelf: pool.NewShelf(standard),
			Tenants: map[pool.TenantID]pool.Tenant{}, Moves: map[pool.TenantID]pool.Restoration{},
		}
		for _, slot := range drained.Slots {
			e.Tenants[slot.Tenant] = pool.Tenant{ID: slot.Tenant, State: pool.TenantReady, Database: pool.Holding{Host: drained.ID, Index: slot.Index, Generation: slot.Generation}}
		}
		tenant, why := e.Next(now)
		if tenant == "" {
			return
		}
		moved++
		after := o
		after.Record.Counters.Reserve--
		after.Record.Counters.Used++
		if plan := pool.Decide(after, p, nil, now); len(plan.Actions)+plan.Missing() > 0 || o.Waiting > 0 {
			r.Fatalf("%s moves, because %s, and then: %s", tenant, why, plan.Reason)
		}
	})
	if moved == 0 {
		t.Error("nobody ever moved")
	}
}

func TestTheNextMoveIsDecidedByWhatTheLastCameTo(t *testing.T) {
	drained := drainedHost("aaffffffff")
	o := poolOf(drained, host(2, "ffffffffff"))
	last := pool.MoveOff{Host: drained.ID, Tenant: drained.Slots[0].Tenant, At: now}
	for what, test := range map[string]struct {
		after    time.Duration
		heard    bool
		elsewhen pool.HostID // the last was off another host
		next     int         // slot, from 1; 0: none
	}{
		"the pace has come to the next":          {30 * time.Minute, true, "", 1}, // its move has failed long ago, or was undone
		"the pace has not":                       {29 * time.Minute, true, "", 0},
		"it was not heard of for a while":        {10 * time.Minute, false, "", 2}, // something keeps it, and not the others
		"it was not heard of for a moment":       {9 * time.Minute, false, "", 0},
		"the last was off another host":          {29 * time.Minute, false, "database-standard-9", 0},
		"the last was off another, and long ago": {30 * time.Minute, false, "database-standard-9", 1},
	} {
		e := pool.Emptying{
			Host: drained, Policy: pool.Policy{Kind: pool.Database, Tier: standard, SlotsPerHost: 10, DrainPace: 2}, Last: last, Seen: o, Shelf: pool.NewShelf(standard),
			Tenants: map[pool.TenantID]pool.Tenant{}, Moves: map[pool.TenantID]pool.Restoration{},
		}
		for _, slot := range drained.Slots[:2] {
			e.Tenants[slot.Tenant] = pool.Tenant{ID: slot.Tenant, State: pool.TenantReady, Database: pool.Holding{Host: drained.ID, Index: slot.Index, Generation: slot.Generation}}
		}
		if test.heard {
			e.Moves[last.Tenant] = pool.Restoration{Tenant: last.Tenant, Number: 1, Move: true, State: pool.RestorationWithdrawn, RequestedAt: last.At}
		}
		if test.elsewhen != "" {
			e.Last.Host = test.elsewhen
		}
		want := pool.TenantID("")
		if test.next > 0 {
			want = drained.Slots[test.next-1].Tenant
		}
		if got, why := e.Next(now.Add(test.after)); got != want || why == "" {
			t.Errorf("%s: %s moves, because %s", what, fmt.Sprintf("%q", got), why)
		}
	}
}

func TestATenantThatMayGoBackStillIsNotMovedOff(t *testing.T) {
	drained := drainedHost("aaffffffff")
	e := pool.Emptying{
		Host: drained, Policy: pool.Policy{Kind: pool.Database, Tier: standard, SlotsPerHost: 10, DrainPace: 2}, Seen: poolOf(drained, host(2, "ffffffffff")), Shelf: pool.NewShelf(standard),
		Tenants: map[pool.TenantID]pool.Tenant{}, Moves: map[pool.TenantID]pool.Restoration{},
	}
	for _, slot := range drained.Slots[:2] {
		e.Tenants[slot.Tenant] = pool.Tenant{ID: slot.Tenant, State: pool.TenantReady, Database: pool.Holding{Host: drained.ID, Index: slot.Index, Generation: slot.Generation}}
	}
	first, second := drained.Slots[0].Tenant, drained.Slots[1].Tenant
	until := now.Add(30 * 24 * time.Hour)
	e.Moves[first] = pool.Restoration{Tenant: first, Number: 1, State: pool.RestorationRestored, Kept: []pool.KeptDatabase{{Until: until}}}
	if got, why := e.Next(now); got != second {
		t.Errorf("%q moves, because %s", got, why)
	}
	if got, why := e.Next(until); got != first {
		t.Errorf("later %q moves, because %s", got, why)
	}
	e.Moves[first] = pool.Restoration{Tenant: first, Number: 1, Move: true, State: pool.RestorationRestored, Kept: []pool.KeptDatabase{{Until: until, Move: "x.move-1"}}}
	if got, why := e.Next(now); got != first {
		t.Errorf("after a move %q moves, because %s", got, why)
	}
}

// Whoever keeps a host from being drained by itself would not be moved off it either, so that none that is drained stands for
// nothing, and each that may be emptied may be drained.
func TestARootedTenantIsOneThatIsNotMoved(t *testing.T) {
	rooted := 0
	rapid.Check(t, func(r *rapid.T) {
		drained := drainedHost("affffffff")
		tenant := drained.Slots[0].Tenant
		about := pool.Restoration{
			Tenant: tenant, Number: 1, Move: rapid.Bool().Draw(r, "move"), Failed: rapid.Bool().Draw(r, "failed"), Missed: rapid.IntRange(0, 9).Draw(r, "missed"),
			State: rapid.SampledFrom([]pool.RestorationState{
				pool.RestorationRestoring, pool.RestorationRestored, pool.RestorationWithdrawn, pool.RestorationUndone,
			}).Draw(r, "state"),
			RequestedAt: now.Add(-time.Duration(rapid.IntRange(2, 40*24).Draw(r, "hours")) * time.Hour), // a host rests for one
		}
		if rapid.Bool().Draw(r, "kept") {
			about.Kept = []pool.KeptDatabase{{Until: now.Add(time.Duration(rapid.IntRange(-9, 9).Draw(r, "until")) * time.Hour)}}
		}
		e := pool.Emptying{
			Host: drained, Policy: pool.Policy{Kind: pool.Database, Tier: standard, SlotsPerHost: 10, DrainPace: 2},
			Seen: poolOf(drained, host(2, "ffffffffff")), Shelf: pool.NewShelf(standard),
			Tenants: map[pool.TenantID]pool.Tenant{tenant: {ID: tenant, State: pool.TenantReady, Database: pool.Holding{Host: drained.ID, Index: 1, Generation: drained.Slots[0].Generation}}},
			Moves:   map[pool.TenantID]pool.Restoration{tenant: about},
		}
		why := e.Rooted(now)
		next, _ := e.Next(now)
		moving := about.Move && about.State == pool.RestorationRestoring // it is on its way, and keeps nothing
		if why != "" {
			rooted++
		}
		if !moving && (why == "") != (next == tenant) {
			r.Fatalf("rooted because %q, and %q moves next", why, next)
		}
		if moving && len(about.Kept) == 0 && why != "" {
			r.Fatalf("one that moves is rooted because %s", why)
		}
	})
	if rooted == 0 {
		t.Error("nobody was rooted")
	}
}
