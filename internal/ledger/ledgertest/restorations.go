package ledgertest

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func restorations(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	tenant := pool.Tenant{ID: "acme", Tier: tier, Mark: "markacme"}
	if _, err := l.Restoration(ctx, tenant.ID); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a restoration that there is not: %v", err)
	}
	database := pool.Holding{Host: "database-standard-1", Index: 3, Generation: 2, Name: "abc", Address: "db.example.internal", Port: 5432}
	share := pool.Holding{Host: "share-standard-1", Index: 1, Generation: 1, Name: "def", Address: "share.example.internal"}
	first, _, err := pool.BeginRestoration(pool.Restoration{}, pool.Restoration{
		Database: database, Share: share, To: at(50), Reason: "it dropped a table", RequestedBy: "ops", Message: "m1", RequestedAt: at(99), Grace: time.Hour,
	}, tenant, "ghi", "jkl", "headroom-test-restore-ghi", at(100))
	must(t, err)
	saved, err := l.SaveRestoration(ctx, pool.Restoration{}, first)
	must(t, err)
	first.Version = 1
	expect(t, "the first", saved, first)
	if _, err := l.SaveRestoration(ctx, pool.Restoration{}, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that there is already: %v", err)
	}
	after := saved.Proven(at(200), "all is uploaded").Opened(at(200)).Begun("task/1", at(201)).Heard(3, 2, 9, at(202))
	after.Ordered, after.Uploads, after.Asked, after.Swapping, after.Swapped = true, "n1 n2", at(101), at(210), at(211)
	after.Missed = 2
	after.Refused, after.Came, after.Files, after.FilesBytes = 3*time.Second, "2 tables", 4, 5
	after.Why, after.Failed, after.UndoneBy, after.UndoneAt, after.Told = "it failed", true, "ops: no", at(220), "it waits"
	after = after.Keep(after.OldSlot("a/b/3/2"), at(212))
	after.Progress = pool.Progress{Step: pool.StepCopy, Tries: 2, Count: 7, Due: at(900), Error: "it boots", Stuck: pool.StepFiles}
	_, err = l.SaveRestoration(ctx, saved, after)
	must(t, err)
	stored, err := l.Restoration(ctx, tenant.ID)
	must(t, err)
	after.Version = 2
	expect(t, "stored", stored, after)
	if _, err := l.SaveRestoration(ctx, saved, after); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that changed: %v", err)
	}
	none, err := l.OverdueRestorations(ctx, at(899), 10)
	must(t, err)
	expect(t, "overdue before their time", len(none), 0)
	some, err := l.OverdueRestorations(ctx, at(900), 10)
	must(t, err)
	expect(t, "overdue", some, []pool.TenantID{tenant.ID})
	tenants, err := l.OverdueTenants(ctx, at(900), 10)
	must(t, err)
	expect(t, "overdue tenants", len(tenants), 0)
	move := after.Clone()
	move.Move, move.Wanted, move.Most, move.Undone, move.Size, move.Shut = true, "database-standard-2", time.Minute, 2, 1<<30, at(230)
	move.Auto, move.Personal = true, at(220)
	move.Target = pool.Holding{Host: "database-standard-2", Index: 1, Generation: 4, Name: "mno", Address: "db2.example.internal", Port: 5432}
	move = move.KeepMoved(pool.MarkedSlot{Name: "abc", Mark: "a/b/3/2"}, at(240))
	move, err = l.SaveRestoration(ctx, after, move)
	must(t, err)
	stored, err = l.Restoration(ctx, tenant.ID)
	must(t, err)
	expect(t, "a move", stored, move)
	expect(t, "what it keeps", len(move.Kept), 2)
	forgetRestoration(t, l, move)
}

// forgetRestoration has the record of a restoration go with its tenant's departure.
func forgetRestoration(t *testing.T, l ledger.Ledger, last pool.Restoration) {
	ctx := t.Context()
	tenant, _, err := l.Request(ctx, pool.Tenant{ID: last.Tenant, Tier: tier, Mark: last.Mark, State: pool.TenantRequested, RequestedAt: at(1)})
	must(t, err)
	older := last.Clone()
	older.Version--
	if err := l.ForgetRestoration(ctx, older, tenant, last.Forgotten(tenant)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("forgetting one that changed: %v", err)
	}
	stale := tenant.Clone()
	stale.Version += 7
	if err := l.ForgetRestoration(ctx, last, stale, last.Forgotten(tenant)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("forgetting one of a tenant that changed: %v", err)
	}
	must(t, l.ForgetRestoration(ctx, last, tenant, last.Forgotten(tenant)))
	if _, err := l.Restoration(ctx, last.Tenant); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a restoration that was forgotten: %v", err)
	}
	stored, err := l.Tenant(ctx, last.Tenant)
	must(t, err)
	expect(t, "the number of the last restoration", stored.Restored, last.Number)
	expect(t, "the tenant's version", stored.Version, tenant.Version+1)
	none, err := l.OverdueRestorations(ctx, at(10_000), 10)
	must(t, err)
	expect(t, "overdue when it is forgotten", len(none), 0)
	if err := l.ForgetRestoration(ctx, last, stored, stored); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("forgetting it again: %v", err)
	}
}
