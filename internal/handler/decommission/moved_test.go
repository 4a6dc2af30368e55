package decommission

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// movedAway has acme have moved, from the second slot of its database host to the one that it has. What it had is kept until
// now, and is to be cleared.
func (w *world) movedAway() pool.Restoration {
	w.t.Helper()
	ctx, t := context.Background(), w.tenant("acme")
	host := w.host(t.Database.Host)
	left := host.Clone()
	slot := left.Slot(2)
	slot.State, slot.Tenant = pool.SlotLeaving, "acme"
	w.must(w.ledger.SaveHost(ctx, host, left, pool.Neutral, w.now))
	from := pool.Holding{Host: host.ID, Index: 2, Generation: slot.Generation, Name: slot.Name, Address: host.Access.Address, Port: host.Access.Port}
	r, _, err := pool.BeginRestoration(pool.Restoration{}, pool.Restoration{
		Move: true, Database: from, Reason: "its host was overworked", RequestedBy: "ops", Message: "m", RequestedAt: w.now, Grace: time.Minute,
	}, t, "standin00001", "old000000001", "", w.now)
	w.must(err)
	r.Target = t.Database
	mark := host.HeldMark(from)
	r, err = r.KeepMoved(pool.MarkedSlot{Name: from.Name, Mark: mark}, w.now.Add(-time.Minute)).Rest(pool.RestorationRestored, w.now, "test")
	w.must(err)
	r, err = w.ledger.SaveRestoration(ctx, pool.Restoration{}, r)
	w.must(err)
	w.servers[host.Access.Address].databases[from.Name] = &database{mark: mark, rows: []string{"rows of acme"}}
	c, err := w.ledger.SaveClearance(ctx, pool.Clearance{}, pool.ClearMoved(r.Kept[0], time.Hour, "anew00000001", w.now))
	w.must(err)
	w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(ctx, events.NewStep(events.OfClearance, string(c.ID()), string(c.Step), 1), 0))
	return r
}

func TestASlotThatATenantMovedAwayFromIsClearedAndFree(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
		w := newWorld(t)
		w.movedAway()
		w.run(6*time.Hour, w.killable(life))
		host := w.host("database-standard-1")
		slot := host.Slot(2)
		if slot.State != pool.SlotFree || slot.Generation != 2 || slot.Tenant != "" || slot.Name != "anew00000001" {
			t.Fatalf("the slot is %+v", *slot)
		}
		d := w.servers[host.Access.Address].databases
		if old := d[w.restored().Kept[0].Slot.Name]; old != nil || d[slot.Name] == nil || len(d[slot.Name].rows) > 0 {
			t.Errorf("there are %v", d)
		}
		if own := w.servers[host.Access.Address].databases[w.tenant("acme").Database.Name]; own == nil || len(own.rows) == 0 || w.secrets.Secrets() == nil {
			t.Error("what the tenant has is gone")
		}
		sent := w.restores.Messages()
		if len(sent) == 0 || !strings.Contains(sent[0].Body, `"id":"acme","step":"sweep"`) {
			t.Errorf("restore was sent %v", sent)
		}
		lines, err := w.ledger.Audits(t.Context(), w.now)
		w.must(err)
		if len(lines) == 0 || lines[0].What != "destroyed database" || !strings.Contains(lines[0].Why, "acme.move-1") {
			t.Errorf("the audit has %+v", lines)
		}
		return nil
	})
}

// A move has no departure, and the notice of its scrub that is stuck says what people ask for all the same.
func TestTheScrubOfWhatATenantMovedAwayFromIsGoneOnWithKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
		w := newWorld(t)
		w.movedAway()
		before, err := w.ledger.Clearance(t.Context(), "acme.move-1/database")
		w.must(err)
		after := before.Clone()
		after.Progress = pool.Progress{Stuck: pool.StepWithdraw, Error: "its host did not answer"}
		_, err = w.ledger.SaveClearance(t.Context(), before, after)
		w.must(err)
		w.run(time.Hour, w.once)
		if host := w.host("database-standard-1"); host.Slot(2).State != pool.SlotLeaving {
			t.Fatalf("the slot is %s, and its clearance was given up", host.Slot(2).State)
		}
		w.put(operation("acme.move-1", events.DepartureResume, ""))
		w.run(6*time.Hour, w.killable(life))
		host := w.host("database-standard-1")
		if slot := host.Slot(2); slot.State != pool.SlotFree {
			c, err := w.ledger.Clearance(t.Context(), "acme.move-1/database")
			w.must(err)
			t.Fatalf("the slot is %s, the clearance at %q", slot.State, c.Step)
		}
		return nil
	})
}

func (w *world) restored() pool.Restoration {
	w.t.Helper()
	r, err := w.ledger.Restoration(context.Background(), "acme")
	w.must(err)
	return r
}

func TestTheGuardKeepsWhatATenantMovedAwayFrom(t *testing.T) {
	for name, change := range map[string]func(w *world, r *pool.Restoration){
		"while its grace lasts":        func(w *world, r *pool.Restoration) { r.Kept[0].Until = w.now.Add(100 * time.Hour) },
		"when no move is known":        func(_ *world, r *pool.Restoration) { r.Kept = nil },
		"of another slot":              func(_ *world, r *pool.Restoration) { r.Kept[0].Holding.Index = 1 },
		"of another move":              func(_ *world, r *pool.Restoration) { r.Kept[0].Move = "acme.move-7" },
		"when its tenant is not there": func(_ *world, r *pool.Restoration) { r.Kept[0].Now.Index = 2 },
		"while a stop switch is on": func(w *world, _ *pool.Restoration) {
			w.must(w.ledger.SaveStops(context.Background(), pool.Stops{Destroy: true, By: "ops", Why: "an incident"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.movedAway()
			after := r.Clone()
			change(w, &after)
			_, err := w.ledger.SaveRestoration(t.Context(), r, after)
			w.must(err)
			w.run(2*time.Hour, w.once)
			old := w.servers[w.host("database-standard-1").Access.Address].databases[r.Kept[0].Slot.Name]
			c, err := w.ledger.Clearance(t.Context(), "acme.move-1/database")
			w.must(err)
			if old == nil || len(old.rows) == 0 || c.Step != pool.StepWithdraw || !strings.Contains(c.Error, "guard") {
				t.Errorf("the clearance is at %q: %s; there is %+v", c.Step, c.Error, old)
			}
		})
	}
}

// A tenant that leaves before what it moved away from is cleared has what it moved to no more: both are cleared all the same.
func TestWhatATenantMovedAwayFromIsClearedThoughItLeft(t *testing.T) {
	w := newWorld(t)
	w.short()
	r := w.movedAway()
	after := r.Clone()
	after.Kept[0].Until = w.now.Add(3 * time.Hour)
	_, err := w.ledger.SaveRestoration(t.Context(), r, after)
	w.must(err)
	w.ask("acme", "")
	w.run(12*time.Hour, w.once)
	if c, err := w.ledger.Clearance(t.Context(), "acme.move-1/database"); err != nil || c.State != pool.ClearanceReturned {
		t.Fatalf("what it moved away from is %s at %q: %s; %v", c.State, c.Step, c.Error, err)
	}
	kept := w.restored()
	_, err = w.ledger.SaveRestoration(t.Context(), kept, kept.Without(kept.Kept[0].Slot)) // as restore does once it is told
	w.must(err)
	w.run(12*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	host := w.host("database-standard-1")
	for _, has := range []pool.Holding{r.Kept[0].Holding, r.Kept[0].Now} {
		if slot := host.Slot(has.Index); slot.Generation != has.Generation+1 || slot.Tenant != "" || w.servers[host.Access.Address].databases[has.Name] != nil {
			t.Errorf("slot %d is %+v", has.Index, *slot)
		}
	}
}

// A departure ends a move, and is not done with shutting the tenant out before that has ended: it may let it in once more.
func TestADepartureWaitsForAMoveToEnd(t *testing.T) {
	w := newWorld(t)
	w.short()
	tenant := w.tenant("acme")
	r, _, err := pool.BeginRestoration(pool.Restoration{}, pool.Restoration{
		Move: true, Database: tenant.Database, Reason: "r", RequestedBy: "ops", Message: "m", RequestedAt: w.now, Grace: time.Hour,
	}, tenant, "standin00001", "old000000001", "", w.now)
	w.must(err)
	r, err = w.ledger.SaveRestoration(t.Context(), pool.Restoration{}, r)
	w.must(err)
	w.ask("acme", "")
	w.run(20*time.Minute, w.once)
	d, ended := w.departure("acme.markacme"), w.restored()
	if d.Step != pool.StepShut || d.Tries > 0 || !strings.Contains(d.Error, "acme.move-1 is under way") || ended.State != pool.RestorationWithdrawing {
		t.Fatalf("it is at %q after %d tries: %s; the move is %s", d.Step, d.Tries, d.Error, ended.State)
	}
	if sent := w.restores.Messages(); len(sent) == 0 || !strings.Contains(sent[0].Body, `"step":"retract"`) {
		t.Errorf("restore was sent %v", sent)
	}
	// It let the tenant in again, being late, and ended.
	w.servers[w.host("database-standard-1").Access.Address].databases[tenant.Database.Name].login = true
	withdrawn, err := ended.Rest(pool.RestorationWithdrawn, w.now, "test")
	w.must(err)
	_, err = w.ledger.SaveRestoration(t.Context(), ended, withdrawn)
	w.must(err)
	w.run(4*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	_ = r
}

// Who clears what was moved away from, and was overtaken, destroys nothing.
func TestWhoIsOvertakenDestroysNothingThatWasMovedAwayFrom(t *testing.T) {
	w := newWorld(t)
	c, err := w.ledger.Clearance(t.Context(), pool.ClearMoved(w.movedAway().Kept[0], time.Hour, "", w.now).ID())
	w.must(err)
	further := c.Clone()
	further.Count++
	_, err = w.ledger.SaveClearance(t.Context(), c, further)
	w.must(err)
	if err = w.handler(undisturbed).allow(t.Context(), c, pool.Target{What: databaseTarget}); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("it is told %v", err)
	}
}
