package ledgertest

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// departure makes the departure of a tenant, and its tombstone.
func departure(t *testing.T, of pool.Tenant) (pool.Tenant, pool.Departure) {
	t.Helper()
	tombstone, d, err := pool.Leave(of, pool.Departure{
		Reason: "its contract ended", RequestedBy: "billing", Message: "m-1", RequestedAt: at(500).Add(123456789), RecordedAt: at(510).Add(987654321), Grace: time.Hour,
	}, pool.DefaultTerms, at(510))
	must(t, err)
	return tombstone, d
}

// departed records the departure of the n-th tenant.
func departed(t *testing.T, l ledger.Ledger, n int) pool.Departure {
	t.Helper()
	ready, err := l.SaveTenant(t.Context(), request(t, l, n), served(tenant(n), n))
	must(t, err)
	tombstone, d := departure(t, ready)
	must(t, l.Depart(t.Context(), ready, tombstone, d))
	stored, err := l.Departure(t.Context(), d.ID())
	must(t, err)
	return stored
}

func departsOnce(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	waiting := wait(t, l, request(t, l, 1))
	tombstone, d := departure(t, waiting)
	must(t, l.Depart(ctx, waiting, tombstone, d))
	d.Version, tombstone.Version = 1, waiting.Version+1
	stored, err := l.Departure(ctx, d.ID())
	must(t, err)
	expect(t, "the departure", stored, d)
	left, err := l.Tenant(ctx, waiting.ID)
	must(t, err)
	expect(t, "the tombstone", left, tombstone)
	waiters, err := l.Waiting(ctx, tier, 10)
	must(t, err)
	expect(t, "waiting", len(waiters), 0)
	if err := l.Depart(ctx, left, tombstone, d); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("the same departure again: %v", err)
	}
	if err := l.Depart(ctx, waiting, tombstone, d); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a departure of a tenant as it was: %v", err)
	}
	if _, err := l.Departure(ctx, "nobody.mark"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a departure that there is not: %v", err)
	}
}

func departureRoundTrip(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	before := departed(t, l, 1)
	after := before.Proven(pool.StepVerify, at(600), "all is in the bucket")
	after.Progress = pool.Progress{Step: pool.StepVerify, Tries: 2, Count: 7, Due: at(900), Error: "it did not answer", Stuck: pool.StepReport}
	after.Archive = pool.Archive{
		Bucket: "archive", Key: "acme.k3/1.zip", VersionID: "v1", Bytes: 5 << 30, SHA256: "aa", Manifest: "acme.k3/1.manifest", ManifestID: "v2",
		ManifestSHA256: "bb", Entries: 7, RetainUntil: at(100000),
	}
	after.Attempt = pool.Attempt{Number: 2, Task: "arn:task", Began: at(601), Heard: at(602), Bytes: 3, Entries: 1, Of: 9, Archived: after.Archive, Failed: 3}
	after.Failing = pool.Failing{
		FailingFiles: pool.FailingFiles{Names: []string{"a", "ü (S3AccessDenied)"}, Count: 3}, Share: "share-1", At: at(640), Report: "arn:report", Read: true, Reports: 2,
	}
	after.Missing = []pool.Missing{{Gateway: "sgw-1", At: at(630), What: "up to 1 GiB"}}
	after.Again = pool.AskedAgain{At: at(645), Grace: time.Hour}
	after.Uploads, after.UndoneBy, after.UndoneAt = "n-1", "somebody", at(650)
	saved, err := l.SaveDeparture(ctx, before, after)
	must(t, err)
	after.Version = before.Version + 1
	expect(t, "saved", saved, after)
	stored, err := l.Departure(ctx, before.ID())
	must(t, err)
	expect(t, "stored", stored, after)
	if _, err := l.SaveDeparture(ctx, before, after); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving a departure that changed: %v", err)
	}
}

func rejoins(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	d := departed(t, l, 1)
	undoing, err := pool.MoveDeparture(d, pool.DepartureUndoing, pool.StepReopen, at(700), "it stays")
	must(t, err)
	tombstone, err := l.Tenant(ctx, d.Tenant.ID)
	must(t, err)
	back, err := pool.Rejoin(tombstone, d, at(705), at(710))
	must(t, err)
	changed, err := l.SaveDeparture(ctx, d, d)
	must(t, err)
	if err := l.Rejoin(ctx, d, undoing, tombstone, back); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("undoing a departure that changed: %v", err)
	}
	must(t, l.Rejoin(ctx, changed, undoing, tombstone, back))
	stored, err := l.Tenant(ctx, back.ID)
	must(t, err)
	back.Version = tombstone.Version + 1
	expect(t, "the tenant", stored, back)
	if err := l.Rejoin(ctx, changed, undoing, tombstone, back); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("undoing it again: %v", err)
	}
	next, second := departure(t, stored)
	must(t, l.Depart(ctx, stored, next, second)) // one that was undone is no obstacle
	all, err := l.Departures(ctx, d.Tenant.ID)
	must(t, err)
	expect(t, "departures", len(all), 2)
}

func signsAgain(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	d := departed(t, l, 1)
	other := request(t, l, 2)
	must(t, l.Register(ctx, "10.9.0.2", other.ID))
	tombstone, err := l.Tenant(ctx, d.Tenant.ID)
	must(t, err)
	first := tenant(1)
	first.Mark, first.RequestedAt, first.Addresses = "another", at(800), []string{"10.9.0.1"}
	fresh, err := pool.SignAgain(tombstone, first)
	must(t, err)
	if _, err := l.SignAgain(ctx, tombstone, fresh, "10.9.0.2"); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("signing up again with another's address: %v", err)
	}
	saved, err := l.SignAgain(ctx, tombstone, fresh, "10.9.0.1")
	must(t, err)
	stored, err := l.Tenant(ctx, d.Tenant.ID)
	must(t, err)
	expect(t, "stored", stored, saved)
	fresh.Version = tombstone.Version + 1
	expect(t, "saved", saved, fresh)
	if err := l.Register(ctx, "10.9.0.1", other.ID); !errors.Is(err, pool.ErrTaken) {
		t.Errorf("its address was given away: %v", err)
	}
	if err := l.Unregister(ctx, "10.9.0.1", tombstone); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("its address was freed for its earlier life: %v", err)
	}
	if _, err := l.SignAgain(ctx, tombstone, fresh, "10.9.0.1"); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("signing up again twice: %v", err)
	}
}

func bays(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	none, err := l.Bays(ctx)
	must(t, err)
	expect(t, "never written", none, pool.Bays{})
	one, _ := none.Take(pool.Bay{Owner: "a.1", Host: "database-standard-1", To: "database-standard-2"}, 2)
	must(t, l.SaveBays(ctx, none, one))
	if err := l.SaveBays(ctx, none, one); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving bays that changed: %v", err)
	}
	stored, err := l.Bays(ctx)
	must(t, err)
	one.Version = 1
	expect(t, "stored", stored, one)
	must(t, l.SaveBays(ctx, stored, stored.Leave("a.1")))
	stored, err = l.Bays(ctx)
	must(t, err)
	expect(t, "empty again", stored, pool.Bays{Version: 2})
}

func clearances(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	d := departed(t, l, 1)
	scrubbing, err := pool.MoveDeparture(d, pool.DepartureScrubbing, pool.StepScrub, at(700), "its grace is over")
	must(t, err)
	both := []pool.Clearance{pool.Clear(d, pool.Database, "n1", at(700)), pool.Clear(d, pool.Share, "n2", at(700))}
	must(t, l.BeginScrub(ctx, d, scrubbing, both))
	if err := l.BeginScrub(ctx, d, scrubbing, both); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("beginning a scrub again: %v", err)
	}
	before, err := l.Clearance(ctx, both[1].ID())
	must(t, err)
	both[1].Version = 1
	expect(t, "the clearance", before, both[1])
	after := before.Proven(pool.StepProve, at(800), "it is empty")
	after.NextShare, after.Gateway, after.Cursor, after.Destroyed, after.Clean, after.LookedAt, after.Unclean = "share-2", "arn:gateway-2", "c", 9, 1, at(801), 2
	after.Failing = pool.Failing{Report: "arn:report", Reports: 1}
	after.Task, after.TaskAt, after.Address, after.Report, after.Look = "arn:task", at(802), "10.0.0.9", "clean", 3
	saved, err := l.SaveClearance(ctx, before, after)
	must(t, err)
	after.Version = 2
	expect(t, "saved", saved, after)
	stored, err := l.Clearance(ctx, before.ID())
	must(t, err)
	expect(t, "stored", stored, after)
	if _, err := l.SaveClearance(ctx, before, after); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving a clearance that changed: %v", err)
	}
	if _, err := l.Clearance(ctx, "nobody.mark/share"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a clearance that there is not: %v", err)
	}
	moved := pool.ClearMoved(pool.KeptDatabase{
		Holding: pool.Holding{Host: "database-standard-1", Index: 2, Generation: 1, Name: "abc", Address: "db.example.internal", Port: 5432}, Move: "mover.move-7",
	}, time.Hour, "n3", at(900))
	saved, err = l.SaveClearance(ctx, pool.Clearance{}, moved)
	must(t, err)
	if _, err := l.SaveClearance(ctx, pool.Clearance{}, moved); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("recording a clearance again: %v", err)
	}
	movedBack, err := l.Clearance(ctx, "mover.move-7/database")
	must(t, err)
	moved.Version = 1
	expect(t, "of a move", movedBack, moved)
	expect(t, "of a move, as saved", saved, moved)
}

func livesOfAName(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	first := departed(t, l, 1)
	departed(t, l, 2)
	tombstone, err := l.Tenant(ctx, first.Tenant.ID)
	must(t, err)
	again := tombstone.Clone()
	again.State, again.Mark = pool.TenantRequested, "zzz"
	again, err = l.SaveTenant(ctx, tombstone, again)
	must(t, err)
	expect(t, "when it left", again.LeftAt, first.RequestedAt)
	left, second := departure(t, again)
	must(t, l.Depart(ctx, again, left, second))
	all, err := l.Departures(ctx, first.Tenant.ID)
	must(t, err)
	second.Version = 1
	expect(t, "departures", all, []pool.Departure{first, second})
	none, err := l.Departures(ctx, "nobody")
	must(t, err)
	expect(t, "departures of nobody", len(none), 0)
}

func overdueWaysOut(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	d := departed(t, l, 1)
	scrubbing, err := pool.MoveDeparture(d, pool.DepartureScrubbing, pool.StepScrub, at(700), "its grace is over")
	must(t, err)
	c := pool.Clear(d, pool.Share, "n2", at(700))
	must(t, l.BeginScrub(ctx, d, scrubbing, []pool.Clearance{c}))
	departures, err := l.OverdueDepartures(ctx, at(700), 10)
	must(t, err)
	expect(t, "overdue before their time", len(departures), 0)
	departures, err = l.OverdueDepartures(ctx, at(100000), 10)
	must(t, err)
	expect(t, "overdue departures", departures, []pool.DepartureID{d.ID()})
	clearances, err := l.OverdueClearances(ctx, at(100000), 10)
	must(t, err)
	expect(t, "overdue clearances", clearances, []pool.ClearanceID{c.ID()})
	tenants, err := l.OverdueTenants(ctx, at(100000), 10)
	must(t, err)
	expect(t, "overdue tenants", len(tenants), 0)
}

func stopSwitch(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stops, err := l.Stops(ctx)
	must(t, err)
	expect(t, "a switch that was never set", stops, pool.Stops{})
	want := pool.Stops{Destroy: true, By: "ops", Why: "a drill", At: at(1)}
	must(t, l.SaveStops(ctx, want))
	stops, err = l.Stops(ctx)
	must(t, err)
	expect(t, "the switch", stops, want)
	// It can be switched by whoever read it last, and by nobody else.
	first := stops.Stopped([]pool.StopLevel{pool.StopOrder, pool.StopRepair}, "jo", "AWS has trouble", at(2))
	must(t, l.SwitchStops(ctx, stops, first))
	if err := l.SwitchStops(ctx, stops, pool.Stops{}); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("one who read it before switches it: %v", err)
	}
	stops, err = l.Stops(ctx)
	must(t, err)
	first.Version = 1
	expect(t, "the switch since", stops, first)
	must(t, l.SwitchStops(ctx, stops, stops.Resumed(pool.StopLevels, "jo", "it is over", at(3)).Told(1)))
	stops, err = l.Stops(ctx)
	must(t, err)
	expect(t, "the switch at last", stops, pool.Stops{
		By: "jo", Why: "it is over", At: at(3), Marks: stops.Marks, Version: 2,
		Untold: []pool.StopChange{{Version: 2, At: at(3), By: "jo", Why: "it is over", What: "resume order, repair, destroy"}},
	})
	expect(t, "marks of what is off", len(stops.Marks), 0)
}
