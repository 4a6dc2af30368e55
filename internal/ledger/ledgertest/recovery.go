package ledgertest

import (
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

func recoveries(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	empty, err := l.Recovery(ctx)
	must(t, err)
	expect(t, "never written", empty, recovery.Record{})
	first := recovery.Record{
		By: "ada", Why: "put back", Message: "m1", AskedAt: at(100), Came: "held", HeldAt: at(110), LookedAt: at(120), Digest: "0123", More: 2, Applying: "0123", Holding: true, Freeing: true, Keep: []pool.HostID{"database-standard-1"},
		Slot:  recovery.Answer{Message: "m2", Of: "database-standard-1/2", Came: "it rests", Done: true},
		Lines: []recovery.Line{{What: "adopt", Of: "host x", Why: "it stands"}}, Unsure: []recovery.Line{{What: "look at", Of: "y", Why: "z"}},
	}
	must(t, l.SaveRecovery(ctx, empty, first))
	stored, err := l.Recovery(ctx)
	must(t, err)
	first.Version = 1
	expect(t, "stored", stored, first)
	if err := l.SaveRecovery(ctx, empty, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what is written already: %v", err)
	}
	must(t, l.SaveRecovery(ctx, stored, recovery.Record{Done: true}))
	if err := l.SaveRecovery(ctx, stored, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what has changed: %v", err)
	}
	stored, err = l.Recovery(ctx)
	must(t, err)
	expect(t, "ended", stored, recovery.Record{Done: true, Version: 2})
}

// fenced has hosts saved by whoever reads the recovery's record, until it is written by another.
func fenced(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	key := pool.Key{Kind: pool.Database, Tier: "fenced"}
	record, err := l.Pool(ctx, key)
	must(t, err)
	must(t, l.Order(ctx, record, Host(key, 1, 2)))
	before, err := l.Host(ctx, key.Host(1))
	must(t, err)
	r, err := l.Recovery(ctx)
	must(t, err)
	must(t, l.SaveRecovery(ctx, r, recovery.Record{By: "ada"}))
	after := before.Clone()
	after.Why = "it is held"
	if err := l.SaveHostDuring(ctx, r, before, after, pool.Neutral, at(1)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("by a record that was overtaken: %v", err)
	}
	record, err = l.Pool(ctx, key)
	must(t, err)
	if err := l.Adopt(ctx, r, record, Host(key, 2, 2)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("adopted by a record that was overtaken: %v", err)
	}
	r.Version++
	must(t, l.Adopt(ctx, r, record, Host(key, 2, 2)))
	must(t, l.SaveHostDuring(ctx, r, before, after, pool.Neutral, at(1)))
	stored, err := l.Host(ctx, before.ID)
	must(t, err)
	if stored.Why != after.Why || stored.Version != before.Version+1 {
		t.Errorf("saved is %+v", stored)
	}
	if err := l.SaveHostDuring(ctx, r, before, after, pool.Neutral, at(1)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a host that has changed: %v", err)
	}
}

// adopted has a host put on record that a ledger lost: it is on its way nowhere, and its number is used up, whichever it is.
func adopted(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	key := pool.Key{Kind: pool.Database, Tier: "adopted"}
	for _, n := range []int{3, 1} {
		record, err := l.Pool(ctx, key)
		must(t, err)
		h := pool.Host{ID: key.Host(n), Kind: key.Kind, Tier: key.Tier, State: pool.HostCordoned, Mark: "m", Size: 1, Slots: []pool.Slot{{Index: 1, Generation: 1, State: pool.SlotAssigned, Tenant: "acme"}}}
		must(t, l.Order(ctx, record, h))
	}
	record, err := l.Pool(ctx, key)
	must(t, err)
	if record.Seq != 3 || len(record.Coming) > 0 || record.Counters.Hosts != 2 || record.Counters.Cordoned != 2 || record.Counters.CordonedUsed != 2 {
		t.Errorf("the pool is %+v", record)
	}
}
