package decommission

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// kept has acme have been restored: the database of before is kept beside its own.
func (w *world) kept() pool.Restoration {
	w.t.Helper()
	t := w.tenant("acme")
	r, _, err := pool.BeginRestoration(pool.Restoration{}, pool.Restoration{
		Database: t.Database, To: w.now, Reason: "it dropped a table", RequestedBy: "ops", Message: "m", RequestedAt: w.now, Grace: 30 * 24 * time.Hour,
	}, t, "standin00001", "old000000001", "headroom-dev-restore-standin00001", w.now)
	w.must(err)
	host := w.host(t.Database.Host)
	slot := r.OldSlot(host.HeldMark(t.Database))
	r, err = r.Keep(slot, w.now).Rest(pool.RestorationRestored, w.now, "test")
	w.must(err)
	r, err = w.ledger.SaveRestoration(context.Background(), pool.Restoration{}, r)
	w.must(err)
	w.servers[host.Access.Address].databases[slot.Name] = &database{mark: slot.Mark, rows: []string{"rows of acme"}}
	return r
}

// In a database that is kept the tenant's role owns things: it goes before the tenant's own does.
func TestWhatARestorationKeepsGoesBeforeTheDatabase(t *testing.T) {
	w := newWorld(t)
	w.short()
	r := w.kept()
	dropped := ""
	w.inspect = func(what, name string) {
		if _, there := w.servers[w.host("database-standard-1").Access.Address].databases[r.Old]; there && what == "database" {
			t.Errorf("database %s is dropped before what is kept of it", name)
		}
		dropped += what + " "
	}
	w.ask("acme", "")
	w.run(2*time.Hour, w.once)
	if c := w.clearance(pool.Database); c.State != pool.ClearanceScrubbing || c.Step != pool.StepWithdraw || !strings.Contains(c.Error, "acme.restore-1") || c.Tries > 0 {
		t.Fatalf("the clearance is %s at %q after %d tries: %s", c.State, c.Step, c.Tries, c.Error)
	}
	expired, err := w.ledger.Restoration(t.Context(), "acme")
	w.must(err)
	if !expired.Overdue(w.now) {
		t.Errorf("what is kept is kept until %s", expired.Due)
	}
	sent := w.restores.Messages()
	if len(sent) == 0 || !strings.Contains(sent[0].Body, `"of":"`+events.OfRestoration+`","id":"acme","step":"sweep"`) {
		t.Errorf("restore was sent %v", sent)
	}
	// As restore does.
	delete(w.servers[w.host("database-standard-1").Access.Address].databases, r.Old)
	_, err = w.ledger.SaveRestoration(t.Context(), expired, expired.Swept(expired.Kept[0].Slot, w.now))
	w.must(err)
	w.run(2*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	if _, err := w.ledger.Restoration(t.Context(), "acme"); !errors.Is(err, pool.ErrNotFound) || w.tenant("acme").Restored != 1 {
		t.Errorf("its record: %v; its tenant says %d", err, w.tenant("acme").Restored)
	}
	if !strings.Contains(dropped, "database") {
		t.Error("its database was not dropped")
	}
}

// What is kept of an earlier life of the slot is nobody's who leaves now.
func TestAnotherGenerationsRestorationIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.short()
	r := w.kept()
	after := r.Clone()
	after.Kept[0].Holding.Generation, after.Database.Generation, after.Mark = 7, 7, "markanother"
	_, err := w.ledger.SaveRestoration(t.Context(), r, after)
	w.must(err)
	w.ask("acme", "")
	w.run(4*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft || len(w.restores.Messages()) > 0 {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
}

// A tenant that wants its database of before back, and leaves while that waits for its turn, has that one archived.
func TestNothingIsArchivedWhileAnotherDatabaseIsToComeBack(t *testing.T) {
	w := newWorld(t)
	w.short()
	r := w.kept()
	undoing := r.Clone()
	undoing.State, undoing.Step = pool.RestorationUndoing, pool.StepSwapBack
	undoing, err := w.ledger.SaveRestoration(t.Context(), r, undoing)
	w.must(err)
	w.ask("acme", "")
	w.run(2*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.Step != pool.StepArchive || d.Attempt.Task != "" || !strings.Contains(d.Error, "acme.restore-1 is being undone") || d.Tries > 0 {
		t.Fatalf("it is %s at %q after %d tries, with task %q: %s", d.State, d.Step, d.Tries, d.Attempt.Task, d.Error)
	}
	undone := undoing.Clone()
	undone.State, undone.Step, undone.Kept = pool.RestorationUndone, "", nil
	_, err = w.ledger.SaveRestoration(t.Context(), undoing, undone)
	w.must(err)
	w.run(4*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
}
