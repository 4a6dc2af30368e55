package ledgertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"headroom/internal/pool"
)

func requestOnce(t *testing.T, l Ledger) {
	ctx := t.Context()
	first := tenant(1)
	stored, fresh, err := l.Request(ctx, first)
	must(t, err)
	expect(t, "stored", stored, first)
	expect(t, "fresh", fresh, true)

	other := first
	other.Instance, other.RequestedAt = "10.9.9.9", at(60)
	stored, fresh, err = l.Request(ctx, other)
	must(t, err)
	expect(t, "stored the second time", stored, first)
	expect(t, "fresh the second time", fresh, false)

	if _, err := l.Tenant(ctx, ID(2)); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

// served is a tenant that has everything a tenant can have.
func served(n int) pool.Tenant {
	s := tenant(n)
	s.State, s.Due, s.ReadyAt = pool.Ready, time.Time{}, at(n).Add(987654321)
	db, share := Host(key(pool.Database), 1, 1), Host(key(pool.Share), 1, 1)
	s.Database = pool.HoldingOf(pool.Side{Host: db.ID, Offer: Offers(db)[0], Access: db.Access})
	s.Share = pool.HoldingOf(pool.Side{Host: share.ID, Offer: Offers(share)[0], Access: share.Access})
	s.Secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:headroom/prod/tenant/" + string(s.ID) + "-AbCdEf"
	s.History = pool.Append(s.History, pool.Entry{At: s.ReadyAt, What: "ready", Why: "database-standard-1/1, share-standard-1/1"})
	return s
}

func tenantRoundTrip(t *testing.T, l Ledger) {
	ctx := t.Context()
	requested := tenant(1)
	if _, _, err := l.Request(ctx, requested); err != nil {
		t.Fatal(err)
	}
	changed := requested
	changed.Tries, changed.Due = 2, at(900)
	must(t, l.SaveTenant(ctx, requested, changed))
	stored, err := l.Tenant(ctx, requested.ID)
	must(t, err)
	expect(t, "saved", stored, changed)

	ready := served(1)
	must(t, l.Ready(ctx, ready))
	stored, err = l.Tenant(ctx, requested.ID)
	must(t, err)
	expect(t, "ready", stored, ready)
}

func tenantConflict(t *testing.T, l Ledger) {
	ctx := t.Context()
	requested := tenant(1)
	if err := l.SaveTenant(ctx, requested, requested); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving an unknown tenant: %v", err)
	}
	if _, _, err := l.Request(ctx, requested); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*pool.Tenant){
		"state": func(t *pool.Tenant) { t.State = pool.Waiting },
		"tries": func(t *pool.Tenant) { t.Tries = 1 },
		"seq":   func(t *pool.Tenant) { t.Seq = 1 },
	} {
		seen := requested
		change(&seen)
		if err := l.SaveTenant(ctx, seen, requested); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("saving with another %s: %v", name, err)
		}
	}
	stored, err := l.Tenant(ctx, requested.ID)
	must(t, err)
	expect(t, "after the conflicts", stored, requested)
}

func readyOnce(t *testing.T, l Ledger) {
	ctx := t.Context()
	if err := l.Ready(ctx, served(1)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("ready of an unknown tenant: %v", err)
	}
	if _, _, err := l.Request(ctx, tenant(1)); err != nil {
		t.Fatal(err)
	}
	must(t, l.Ready(ctx, served(1)))
	second := served(1)
	second.Database.Name = "another"
	if err := l.Ready(ctx, second); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("ready again: %v", err)
	}
	stored, err := l.Tenant(ctx, ID(1))
	must(t, err)
	expect(t, "ready", stored, served(1))
}

func readyLeavesList(t *testing.T, l Ledger) {
	ctx := t.Context()
	for n := 1; n <= 3; n++ {
		if _, _, err := l.Request(ctx, tenant(n)); err != nil {
			t.Fatal(err)
		}
		waits := tenant(n)
		waits.History = pool.Append(waits.History, pool.Entry{At: at(n), What: "waiting", Why: "test"})
		if _, err := l.Enqueue(ctx, waits, at(n)); err != nil {
			t.Fatal(err)
		}
	}
	known, err := l.Tenant(ctx, ID(1))
	must(t, err)
	ready := served(1)
	ready.Seq = known.Seq
	must(t, l.Ready(ctx, ready))
	// This one's server read it before it was put on the list.
	must(t, l.Ready(ctx, served(2)))

	waiters, err := l.Waiting(ctx, tier, 10)
	must(t, err)
	expect(t, "waiting", waiters, []pool.Waiter{{Seq: 3, Tenant: ID(3)}})
	overtaken, err := l.Tenant(ctx, ID(2))
	must(t, err)
	var history []string
	for _, entry := range overtaken.History {
		history = append(history, entry.What)
	}
	expect(t, "history of one that was overtaken", history, []string{"requested", "waiting", "ready"})
	for n := 1; n <= 2; n++ {
		stored, err := l.Tenant(ctx, ID(n))
		must(t, err)
		expect(t, "state", stored.State, pool.Ready)
		if err := l.Ready(ctx, stored); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("ready again of one that waited: %v", err)
		}
	}
}

func dequeueOnce(t *testing.T, l Ledger) {
	ctx := t.Context()
	if _, err := l.Dequeue(ctx, tenant(1)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("dequeue of an unknown tenant: %v", err)
	}
	var waiting []pool.Tenant
	for n := 1; n <= 2; n++ {
		if _, _, err := l.Request(ctx, tenant(n)); err != nil {
			t.Fatal(err)
		}
		waits, err := l.Enqueue(ctx, tenant(n), at(n))
		must(t, err)
		waiting = append(waiting, waits)
	}
	other := waiting[0]
	other.Seq = 7
	if _, err := l.Dequeue(ctx, other); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("dequeue with another number: %v", err)
	}

	next := waiting[0]
	next.Due = at(300)
	given, err := l.Dequeue(ctx, next)
	must(t, err)
	want := next
	want.State = pool.Requested
	expect(t, "given", given, want)
	stored, err := l.Tenant(ctx, ID(1))
	must(t, err)
	expect(t, "stored", stored, want)
	waiters, err := l.Waiting(ctx, tier, 10)
	must(t, err)
	expect(t, "waiting", waiters, []pool.Waiter{{Seq: 2, Tenant: ID(2)}})
	if _, err := l.Dequeue(ctx, next); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("dequeue again: %v", err)
	}
	must(t, l.Ready(ctx, served(1))) // as one that was read before it waited
	if _, err := l.Dequeue(ctx, next); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("dequeue of one that is ready: %v", err)
	}
}

func waitingOrder(t *testing.T, l Ledger) {
	ctx := t.Context()
	var want []pool.Waiter
	for n := 1; n <= 12; n++ {
		id := (n * 7) % 13 // not the order of their names
		if _, _, err := l.Request(ctx, tenant(id)); err != nil {
			t.Fatal(err)
		}
		waiting, err := l.Enqueue(ctx, tenant(id), at(n))
		must(t, err)
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

func enqueueOnce(t *testing.T, l Ledger) {
	ctx := t.Context()
	if _, err := l.Enqueue(ctx, tenant(1), start); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("enqueue of an unknown tenant: %v", err)
	}
	if _, _, err := l.Request(ctx, tenant(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Enqueue(ctx, tenant(1), start); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Enqueue(ctx, tenant(1), at(1)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("enqueue again: %v", err)
	}
	waiters, err := l.Waiting(ctx, tier, 10)
	must(t, err)
	expect(t, "waiting", waiters, []pool.Waiter{{Seq: 1, Tenant: ID(1)}})
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "last number", shelf.Tail, int64(1))
	expect(t, "closed since", shelf.QueueSince, start)
}

func enqueueWithoutSlots(t *testing.T, l Ledger) {
	ctx := t.Context()
	stock(t, l, 1)
	if _, _, err := l.Request(ctx, tenant(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Claim(ctx, tier, ID(1), start, false); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Enqueue(ctx, tenant(1), at(1)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("enqueue of one that holds slots: %v", err)
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "closed", shelf.Queue, int64(0))
}

func queueCloses(t *testing.T, l Ledger) {
	ctx := t.Context()
	stock(t, l, 3)
	if _, _, err := l.Request(ctx, tenant(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Enqueue(ctx, tenant(1), start); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Claim(ctx, tier, ID(2), start, false); !errors.Is(err, pool.ErrQueued) {
		t.Errorf("a newcomer's claim: %v", err)
	}
	first, err := l.Claim(ctx, tier, ID(1), start, true)
	must(t, err)
	again, err := l.Claim(ctx, tier, ID(1), start, false)
	must(t, err)
	expect(t, "what is held is given while the shelf is closed", again.Database, first.Database)

	if err := l.Unqueue(ctx, tier, 2); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("opening with another number: %v", err)
	}
	must(t, l.Unqueue(ctx, tier, 1))
	if err := l.Unqueue(ctx, tier, 1); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("opening again: %v", err)
	}
	if _, err := l.Claim(ctx, tier, ID(2), start, false); err != nil {
		t.Errorf("a newcomer's claim after opening: %v", err)
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "closed", []any{shelf.Queue, shelf.QueueSince}, []any{int64(0), time.Time{}})
}

func canceled(t *testing.T, l Ledger) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Claim(ctx, tier, ID(1), start, false); !errors.Is(err, context.Canceled) {
		t.Errorf("claim: %v", err)
	}
	if _, err := l.Tenant(ctx, ID(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("tenant: %v", err)
	}
}
