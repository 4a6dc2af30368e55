package ledgertest

import (
	"context"
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func requestOnce(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	first := tenant(1)
	stored, fresh, err := l.Request(ctx, first)
	must(t, err)
	want := first
	want.Version = 1
	expect(t, "stored", stored, want)
	expect(t, "fresh", fresh, true)

	other := first
	other.Mark, other.Addresses, other.RequestedAt = "another", []string{"10.9.9.9"}, at(60)
	stored, fresh, err = l.Request(ctx, other)
	must(t, err)
	expect(t, "stored the second time", stored, want)
	expect(t, "fresh the second time", fresh, false)

	if _, err := l.Tenant(ctx, ID(2)); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

// request records a tenant.
func request(t *testing.T, l ledger.Ledger, n int) pool.Tenant {
	t.Helper()
	stored, fresh, err := l.Request(t.Context(), tenant(n))
	must(t, err)
	expect(t, "fresh", fresh, true)
	return stored
}

// served is a tenant that has everything a tenant can have.
func served(before pool.Tenant, n int) pool.Tenant {
	s := before.Clone()
	s.State, s.Progress, s.ReadyAt = pool.TenantReady, pool.Progress{}, at(n).Add(987654321)
	db, share := Host(key(pool.Database), 1, 1), Host(key(pool.Share), 1, 1)
	s.Database = pool.HoldingOf(pool.Side{Host: db.ID, Offer: Offers(db)[0], Access: db.Access})
	s.Share = pool.HoldingOf(pool.Side{Host: share.ID, Offer: Offers(share)[0], Access: share.Access})
	s.Secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:headroom/prod/tenant/" + string(s.ID) + "-AbCdEf"
	s.History = pool.Append(s.History, pool.Entry{At: s.ReadyAt, What: "ready", Why: "database-standard-1/1, share-standard-1/1"})
	return s
}

func tenantRoundTrip(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	requested := request(t, l, 1)
	changed := requested.Clone()
	changed.Addresses = append(changed.Addresses, "10.20.30.41")
	changed.Change = pool.Change{
		Coming: []string{"10.20.30.42"}, Going: []string{"10.20.30.41"}, Admitted: []string{"10.20.30.41"}, Evicted: []string{"10.20.30.43"},
		Since: at(50), Confirm: true, Untold: true, Regular: 2, Due: at(86400), First: "10.20.30.40",
		Words:  []pool.Word{{Address: "10.20.30.43", At: at(40), Out: true}, {Address: "10.20.30.41", At: at(41)}},
		Forgot: at(39),
	}
	changed.Spent = []string{"mark1111", "mark2222"}
	changed.Returning = []pool.Holding{{Host: "database-standard-1", Index: 2, Generation: 3, Name: "k3v9x2m7qa", Address: "db.internal", Port: 5432}, {Host: "share-standard-1", Index: 4, Generation: 1, Name: "q8w2", Address: "gw.internal"}}
	changed.Progress = pool.Progress{Step: pool.StepOpen, Tries: 2, Count: 7, Due: at(900), Error: "it did not answer", Stuck: pool.StepReport}
	saved, err := l.SaveTenant(ctx, requested, changed)
	must(t, err)
	changed.Version = requested.Version + 1
	expect(t, "saved", saved, changed)
	stored, err := l.Tenant(ctx, requested.ID)
	must(t, err)
	expect(t, "stored", stored, changed)

	ready, err := l.SaveTenant(ctx, stored, served(stored, 1))
	must(t, err)
	stored, err = l.Tenant(ctx, requested.ID)
	must(t, err)
	expect(t, "ready", stored, ready)
	want := served(changed, 1)
	want.Version = changed.Version + 1
	expect(t, "everything of one that is ready", stored, want)
}

func tenantConflict(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	for version := range int64(2) {
		unknown := tenant(1)
		unknown.Version = version
		if _, err := l.SaveTenant(ctx, unknown, unknown); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("saving an unknown tenant, version %d: %v", version, err)
		}
	}
	requested := request(t, l, 1)
	second, err := l.SaveTenant(ctx, requested, served(requested, 1))
	must(t, err)
	stale := requested.Clone()
	stale.Addresses = []string{"10.1.1.1"}
	if _, err := l.SaveTenant(ctx, requested, stale); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what was read before: %v", err)
	}
	ahead := second.Clone()
	ahead.Version++
	if _, err := l.SaveTenant(ctx, ahead, ahead); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what was never written: %v", err)
	}
	stored, err := l.Tenant(ctx, requested.ID)
	must(t, err)
	expect(t, "after the conflicts", stored, second)
}

// wait puts a tenant on the waiting list.
func wait(t *testing.T, l ledger.Ledger, before pool.Tenant) pool.Tenant {
	t.Helper()
	seq, err := l.Draw(t.Context(), tier, before.ID, false)
	must(t, err)
	waits, err := pool.MoveTenant(before, pool.TenantWaiting, at(1), "test")
	must(t, err)
	waits.Seq = seq
	saved, err := l.SaveTenant(t.Context(), before, waits)
	must(t, err)
	return saved
}

func leavesList(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	var waiting []pool.Tenant
	for n := 1; n <= 3; n++ {
		waiting = append(waiting, wait(t, l, request(t, l, n)))
	}
	ready, err := l.SaveTenant(ctx, waiting[0], served(waiting[0], 1))
	must(t, err)
	called, err := pool.MoveTenant(waiting[1], pool.TenantRequested, at(9), "its turn came")
	must(t, err)
	called, err = l.SaveTenant(ctx, waiting[1], called)
	must(t, err)
	expect(t, "its number stays in its record", called.Seq, waiting[1].Seq)

	waiters, err := l.Waiting(ctx, tier, 10)
	must(t, err)
	expect(t, "waiting", waiters, []pool.Waiter{{Seq: 3, Tenant: ID(3)}})

	// What was read before the list was left writes nothing, and leaves the list as it is.
	if _, err := l.SaveTenant(ctx, waiting[0], waiting[0]); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that is ready as waiting: %v", err)
	}
	again, err := pool.MoveTenant(waiting[1], pool.TenantReady, at(10), "test")
	must(t, err)
	if _, err := l.SaveTenant(ctx, waiting[1], again); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("leaving the list again: %v", err)
	}
	stored, err := l.Tenant(ctx, ID(1))
	must(t, err)
	expect(t, "ready", stored, ready)
}

func waitingOrder(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	var want []pool.Waiter
	for n := 1; n <= 12; n++ {
		id := (n * 7) % 13 // not the order of their names
		waiting := wait(t, l, request(t, l, id))
		expect(t, "number", waiting.Seq, int64(n))
		stored, err := l.Tenant(ctx, ID(id))
		must(t, err)
		expect(t, "stored", stored, waiting)
		want = append(want, pool.Waiter{Seq: int64(n), Tenant: ID(id)})
	}
	got, err := l.Waiting(ctx, tier, 100)
	must(t, err)
	expect(t, "all", got, want)
	got, err = l.Waiting(ctx, tier, 5)
	must(t, err)
	expect(t, "the first", got, want[:5])
	got, err = l.Waiting(ctx, "other", 5)
	must(t, err)
	expect(t, "of another tier", got, []pool.Waiter(nil))
}

func waitOnce(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	requested := request(t, l, 1)
	wait(t, l, requested)
	// Another copy of its message draws a number too, and is too late with it.
	seq, err := l.Draw(ctx, tier, ID(1), false)
	must(t, err)
	expect(t, "number", seq, int64(2))
	twice, err := pool.MoveTenant(requested, pool.TenantWaiting, at(2), "test")
	must(t, err)
	twice.Seq = seq
	if _, err := l.SaveTenant(ctx, requested, twice); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("onto the list again: %v", err)
	}
	waiters, err := l.Waiting(ctx, tier, 10)
	must(t, err)
	expect(t, "waiting", waiters, []pool.Waiter{{Seq: 1, Tenant: ID(1)}})
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "last number, and up to where it is closed", []int64{shelf.Tail, shelf.Queue}, []int64{2, 2})
}

func waitWithoutSlots(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 1)
	request(t, l, 1)
	if _, err := l.Claim(ctx, tier, ID(1), false); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Draw(ctx, tier, ID(1), false); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a number for one that holds slots: %v", err)
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "closed", shelf.Queue, int64(0))
}

func signupsAreCounted(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 2)
	count := func() int64 {
		shelf, err := l.Shelf(ctx, tier)
		must(t, err)
		return shelf.Signups
	}
	for range 2 { // the second time it is told what it holds
		_, err := l.Claim(ctx, tier, ID(1), false)
		must(t, err)
	}
	expect(t, "after a claim, run twice", count(), int64(1))
	wait(t, l, request(t, l, 2))
	expect(t, "after one that waits", count(), int64(2))
	_, err := l.Claim(ctx, tier, ID(2), true)
	must(t, err)
	expect(t, "after its claim", count(), int64(2))
	if _, err := l.Claim(ctx, tier, ID(3), false); err == nil {
		t.Error("a claim from a bare shelf")
	}
	expect(t, "after a claim that got nothing", count(), int64(2))
	_, err = l.Draw(ctx, tier, ID(4), true)
	must(t, err)
	expect(t, "after one that held slots before, and has to wait", count(), int64(2))
}

func addressOfOne(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	owner := func(want pool.TenantID) {
		t.Helper()
		is, err := l.Owner(ctx, "10.0.0.1")
		if is != want || want == "" && !errors.Is(err, pool.ErrNotFound) || want != "" && err != nil {
			t.Errorf("the address is of %q (%v), want %q", is, err, want)
		}
	}
	owner("")
	must(t, l.Register(ctx, "10.0.0.1", ID(1)))
	must(t, l.Register(ctx, "10.0.0.1", ID(1)))
	must(t, l.Register(ctx, "10.0.0.2", ID(1)))
	owner(ID(1))
	if err := l.Register(ctx, "10.0.0.1", ID(2)); !errors.Is(err, pool.ErrTaken) {
		t.Errorf("somebody else's address: %v", err)
	}
	if err := l.Unregister(ctx, "10.0.0.1", pool.Tenant{ID: ID(2)}); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("freeing somebody else's address: %v", err)
	}
	must(t, l.Unregister(ctx, "10.0.0.1", pool.Tenant{ID: ID(1)}))
	must(t, l.Unregister(ctx, "10.0.0.1", pool.Tenant{ID: ID(1)}))
	owner("")
	must(t, l.Register(ctx, "10.0.0.1", ID(2)))
	owner(ID(2))
}

func addressIsFreedAsSeen(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	requested := request(t, l, 1)
	must(t, l.Register(ctx, "10.0.0.1", ID(1)))
	if err := l.Unregister(ctx, "10.0.0.1", pool.Tenant{ID: ID(1)}); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("freed for one that was not known, and is: %v", err)
	}
	changed, err := l.SaveTenant(ctx, requested, requested)
	must(t, err)
	if err := l.Unregister(ctx, "10.0.0.1", requested); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("freed for one that changed since: %v", err)
	}
	if err := l.Register(ctx, "10.0.0.1", ID(2)); !errors.Is(err, pool.ErrTaken) {
		t.Errorf("after the conflicts: %v", err)
	}
	must(t, l.Unregister(ctx, "10.0.0.1", changed))
	must(t, l.Register(ctx, "10.0.0.1", ID(2)))
}

func addressIsDisowned(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	requested := request(t, l, 1)
	must(t, l.Register(ctx, "10.0.0.1", ID(1)))
	must(t, l.Register(ctx, "10.0.0.2", ID(2)))
	if err := l.Disown(ctx, "10.0.0.2", requested); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("disowning somebody else's address: %v", err)
	}
	must(t, l.Disown(ctx, "10.0.0.1", requested))
	must(t, l.Register(ctx, "10.0.0.1", ID(2)))
	// Who had registered it, and had read the tenant before, does not get it.
	if _, err := l.SaveTenant(ctx, requested, requested); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saved as it was read before: %v", err)
	}
	now, err := l.Tenant(ctx, ID(1))
	must(t, err)
	was := requested
	was.Version = requested.Version + 1
	expect(t, "the record", now, was)
	if err := l.Disown(ctx, "10.0.0.3", requested); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("disowned by one that changed since: %v", err)
	}
	if err := l.Disown(ctx, "10.0.0.3", pool.Tenant{ID: "unknown", State: pool.TenantRequested}); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("disowned by one that is not known: %v", err)
	}
}

func queueCloses(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 3)
	wait(t, l, request(t, l, 1))
	if _, err := l.Claim(ctx, tier, ID(2), false); !errors.Is(err, pool.ErrQueued) {
		t.Errorf("a newcomer's claim: %v", err)
	}
	first, err := l.Claim(ctx, tier, ID(1), true)
	must(t, err)
	again, err := l.Claim(ctx, tier, ID(1), false)
	must(t, err)
	expect(t, "what is held is given while the shelf is closed", again.Database, first.Database)

	if err := l.Unqueue(ctx, tier, 2); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("opening with another number: %v", err)
	}
	must(t, l.Unqueue(ctx, tier, 1))
	if err := l.Unqueue(ctx, tier, 1); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("opening again: %v", err)
	}
	if _, err := l.Claim(ctx, tier, ID(2), false); err != nil {
		t.Errorf("a newcomer's claim after opening: %v", err)
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "closed", shelf.Queue, int64(0))
}

func canceled(t *testing.T, l ledger.Ledger) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Claim(ctx, tier, ID(1), false); !errors.Is(err, context.Canceled) {
		t.Errorf("claim: %v", err)
	}
	if _, err := l.Tenant(ctx, ID(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("tenant: %v", err)
	}
}
