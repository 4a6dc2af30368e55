package restore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

const elsewhere pool.HostID = "database-standard-2"

// moved looks whether acme is on the other host, whole, and nowhere else.
func (w *world) moved(t *testing.T) {
	t.Helper()
	r := w.restoration()
	if r.State != pool.RestorationRestored {
		t.Fatalf("it is %s at %q: %s\n%v", r.State, r.Step, r.Error, r.History)
	}
	tenant, err := w.ledger.Tenant(t.Context(), "acme")
	w.must(err)
	if d := w.database("acme"); tenant.Database.Host != elsewhere || !d.login || !slices.Equal(d.rows[:1], since) || len(d.settings) != 1 {
		t.Errorf("it is on %s, login %v, with %s and %v", tenant.Database.Host, d.login, w.wrote(d.rows), d.settings)
	}
	w.hasAll()
	if left := w.outcome().clean(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	w.spares(t)
}

// stayed looks whether acme is where it was, and can log in.
func (w *world) stayed(t *testing.T) {
	t.Helper()
	r := w.restoration()
	tenant, err := w.ledger.Tenant(t.Context(), "acme")
	w.must(err)
	d := w.database("acme")
	if r.State != pool.RestorationWithdrawn || r.Step != "" || tenant.Database.Host != "database-standard-1" || !d.login || d.copier != "" {
		t.Fatalf("it is %s at %q: %s; the tenant is on %s, login %v, copier %v\n%v", r.State, r.Step, r.Error, tenant.Database.Host, d.login, d.copier != "", r.History)
	}
	w.hasAll()
	if left := w.outcome().clean(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for _, slot := range w.slots(elsewhere) {
		if !strings.HasSuffix(slot, "is free, of ") && !strings.HasSuffix(slot, "is free, of acme") { // it rests, before it is nobody's
			t.Errorf("slot %s", slot)
		}
	}
	for _, name := range w.servers[w.host(elsewhere).Access.Address].sorted() {
		if len(w.servers[w.host(elsewhere).Access.Address].databases[name].rows) > 0 || strings.HasPrefix(name, "next") {
			t.Errorf("%s is left there", name)
		}
	}
	w.spares(t)
}

// newMovingWorld gives acme a setting, and has it write all the while.
func newMovingWorld(t fatal) *world {
	w := newWorld(t)
	w.writes = true
	w.database("acme").settings = []pool.Setting{{Of: pool.SettingOfRole, Name: "work_mem", Value: "5MB"}}
	return w
}

func TestATenantMoves(t *testing.T) {
	w := newMovingWorld(t)
	w.moveTo("")
	w.run(20*time.Minute, w.once)
	w.moved(t)
	r := w.restoration()
	if r.ID() != "acme.move-1" || len(r.Kept) != 1 || r.Kept[0].Move != r.ID() || r.Refused <= 0 || w.out <= 0 || r.Refused > w.out+20*time.Second {
		t.Errorf("%s keeps %+v, and it was refused for %s, of %s", r.ID(), r.Kept, r.Refused, w.out)
	}
	old := w.slot("database-standard-1", 1)
	if d := w.databaseServer().databases[old.Name]; old.State != pool.SlotLeaving || d == nil || d.login {
		t.Errorf("what it had is %s, and %+v", old.State, d)
	}
	ahead := w.bus.Of("AccessChanging")
	if len(ahead) != 1 || !strings.Contains(string(ahead[0]), `"refusedSeconds":90`) || !strings.Contains(string(ahead[0]), `"at":"`+r.Shut.Format(time.RFC3339)) {
		t.Errorf("it is said ahead that %s; it was shut out from %s on", ahead, r.Shut)
	}
	said := w.bus.Of("AccessChanged")
	if len(said) != 1 || !strings.Contains(string(said[0]), `"host":"`+w.host(elsewhere).Access.Address+`"`) || strings.Contains(string(said[0]), "password") {
		t.Errorf("it is said that %s", said)
	}
	// Then its grace is over, and the slot is cleared.
	w.run(2*time.Hour, w.once)
	if r = w.restoration(); len(r.Kept) > 0 || r.Step != "" {
		t.Errorf("it keeps %v at %q: %s", r.Kept, r.Step, r.Error)
	}
	if slot := w.slot("database-standard-1", 1); slot.State != pool.SlotFree || slot.Generation != 2 || slot.Tenant != "" {
		t.Errorf("the slot is %+v", slot)
	}
	if o := w.outcome(); len(o.Told) > 0 || w.overdue > 0 {
		t.Errorf("told %v, %d steps were overdue", o.Told, w.overdue)
	}
	w.hasAll()
	// And back.
	w.moveTo("database-standard-1")
	w.run(20*time.Minute, w.once)
	tenant, err := w.ledger.Tenant(t.Context(), "acme")
	w.must(err)
	if r = w.restoration(); r.ID() != "acme.move-2" || r.State != pool.RestorationRestored || tenant.Database.Host != "database-standard-1" {
		t.Errorf("%s is %s at %q: %s", r.ID(), r.State, r.Step, r.Error)
	}
	w.hasAll()
}

func TestAMoveKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newMovingWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.moveTo(elsewhere)
		w.run(70*time.Minute, w.killable(life))
		w.moved(t)
		return w.outcome()
	})
}

func TestAMoveWhoseCopyIsKilledHoldsNothingUp(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newMovingWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.moveTo("")
		w.run(100*time.Minute, func(d events.Delivery) error {
			return life.Deliver(func() error { return w.handler(life.Call).Message(t.Context(), d) })
		})
		w.moved(t)
		return w.outcome()
	})
}

func TestTheEndOfWhatAMoveKeepsKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newMovingWorld(t)
		w.terms.Grace = pool.Term(time.Hour)
		w.moveTo("")
		w.run(30*time.Minute, w.once)
		w.run(3*time.Hour, w.killable(life))
		w.moved(t)
		return w.outcome()
	})
}

// Until the tenant has the other database, whatever becomes of the move, it has what it had, and can log in.
func TestWhatCallsAMoveOffKilledAtEveryCall(t *testing.T) {
	for name, off := range map[string]struct {
		at   pool.Step
		what func(*world)
	}{
		"an undo while it takes a slot": {pool.StepPlace, (*world).undo},
		"an undo while it is shut out":  {pool.StepShut, (*world).undo},
		"an undo while it is copied":    {pool.StepCopy, (*world).undo},
		"an undo before it is switched": {pool.StepSwap, (*world).undo},
		"tasks that always fail":        {pool.StepShut, func(w *world) { w.alwaysFails() }},
	} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w := newMovingWorld(t)
				w.stopAt(off.at)
				w.moveTo("")
				w.untilStep(off.at)
				off.what(w)
				w.run(3*time.Hour, w.killable(life))
				w.stayed(t)
				return w.outcome()
			})
		})
	}
}

func (w *world) alwaysFails() {
	w.dying[events.JobRestoreDatabase] = nil
	for range 3 * pool.MaxTries { // some are of attempts that are killed
		w.failing[events.JobRestoreDatabase] = append(w.failing[events.JobRestoreDatabase], events.TaskReport{Done: true, Failure: "the dump is no good"})
	}
}

// stopAt has a task run on for ever where its step is to be caught.
func (w *world) stopAt(step pool.Step) {
	if step == pool.StepCopy {
		w.dying[events.JobRestoreDatabase] = []int{taskstest.Running}
	}
}

// untilStep lets everything happen, one call after the other, until the move is at a step: an invocation that comes to it is
// killed there.
func (w *world) untilStep(step pool.Step) {
	w.t.Helper()
	errStop := errors.New("it is to go no further")
	w.complain = false
	w.call = func(operation string, do func() error) error {
		r, err := w.ledger.Restoration(w.t.(*testing.T).Context(), "acme")
		if err == nil && r.Step == step && (step != pool.StepCopy || r.Attempt.Task != "") {
			return errStop
		}
		return do()
	}
	w.until(func(r pool.Restoration) bool {
		return r.Step == step && (step != pool.StepCopy || r.Attempt.Task != "")
	})
	w.call, w.complain = undisturbed, true
}

func TestADepartureDuringAMove(t *testing.T) {
	for _, step := range []pool.Step{pool.StepPlace, pool.StepShut, pool.StepCopy, pool.StepSwap} {
		t.Run(string(step), func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w := newMovingWorld(t)
				w.stopAt(step)
				w.moveTo("")
				w.untilStep(step)
				w.leave()
				w.database("acme").login = false // as the departure has it
				w.writes = false
				w.run(3*time.Hour, w.killable(life))
				r := w.restoration()
				if d := w.database("acme"); r.State != pool.RestorationWithdrawn || d.login {
					t.Errorf("it is %s at %q, and login is %v", r.State, r.Step, d.login)
				}
				o := w.outcome()
				if left := o.clean(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				return o
			})
		})
	}
}

func TestAMoveThatCantBeIsRefusedOrTaken(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*world)
		to      pool.HostID
		most    string
		field   string // of the refusal; empty: it comes to nothing later
		reason  string
	}{
		"to where it is":            {func(*world) {}, "database-standard-1", "", "to", "is where its database is"},
		"to no host":                {func(*world) {}, "database-standard-9", "", "to", "is no host"},
		"to a host of another tier": {func(*world) {}, "database-gold-2", "", "to", "is no host"},
		"to a cordoned host":        {func(w *world) { w.cordon(elsewhere) }, elsewhere, "", "to", "not in service"},
		"a tenant that leaves":      {func(w *world) { w.leave() }, "", "", "tenantId", "is leaving"},
		"a tenant that is let in":   {func(w *world) { w.lettingIn() }, "", "", "tenantId", "is being let in again"},
		"no other host":             {func(w *world) { w.cordon(elsewhere) }, "", "", "", "host database-standard-2 is cordoned"},
		"no room":                   {func(w *world) { w.free = 1 << 20 }, "", "", "", "1 MiB free"},
		"shut out for too long":     {func(*world) {}, "", "1m", "", "may be for 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMovingWorld(t)
			test.prepare(w)
			w.moveTo(test.to, func(q *events.MoveRequest) { q.Most = test.most })
			w.run(20*time.Minute, w.once)
			rejected := w.bus.Of("RequestRejected")
			if test.field != "" {
				if len(rejected) != 1 || !strings.Contains(string(rejected[0]), `"field":"`+test.field+`"`) || !strings.Contains(string(rejected[0]), test.reason) {
					t.Errorf("rejected: %s", rejected)
				}
				return
			}
			if r := w.restoration(); !strings.Contains(r.Why, test.reason) || !r.Failed || len(w.outcome().Told) != 1 {
				t.Errorf("it came to nothing because %s; told %v", r.Why, w.outcome().Told)
			}
			w.stayed(t)
			if w.out > 0 {
				t.Errorf("it was shut out for %s", w.out)
			}
		})
	}
}

// lettingIn has acme have left, and be let in again.
func (w *world) lettingIn() {
	ctx := context.Background()
	t, err := w.ledger.Tenant(ctx, "acme")
	w.must(err)
	left, d, err := pool.Leave(t, pool.Departure{Tenant: t, RequestedAt: w.now, Reason: "a mistake"}, w.terms, w.now)
	w.must(err)
	w.must(w.ledger.Depart(ctx, t, left, d))
	left, err = w.ledger.Tenant(ctx, "acme")
	w.must(err)
	d, err = w.ledger.Departure(ctx, d.ID())
	w.must(err)
	undoing, err := pool.MoveDeparture(d, pool.DepartureUndoing, pool.StepReopen, w.now, "undone")
	w.must(err)
	back, err := pool.Rejoin(left, d, w.now, w.now)
	w.must(err)
	w.must(w.ledger.Rejoin(ctx, d, undoing, left, back))
}

func (w *world) cordon(id pool.HostID) {
	host := w.host(id)
	cordoned, err := pool.MoveHost(host, pool.HostCordoned, w.now, "test")
	w.must(err)
	w.must(w.ledger.SaveHost(w.t.(*testing.T).Context(), host, cordoned, pool.Neutral, w.now))
}

// A restoration and a move exclude each other, and so do two moves.
func TestAMoveExcludesARestoration(t *testing.T) {
	w := newMovingWorld(t)
	w.terms.Grace = pool.Term(3 * time.Hour)
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return r.Step == pool.StepInstance })
	w.moveTo("")
	w.run(time.Minute, w.once)
	if rejected := w.bus.Of("RequestRejected"); len(rejected) != 1 || !strings.Contains(string(rejected[0]), "is in restoration acme.restore-1 already") {
		t.Errorf("rejected: %s", rejected)
	}
	w.run(40*time.Minute, w.once)
	w.moveTo("")
	w.until(func(r pool.Restoration) bool { return r.Move })
	w.ask("database", then)
	w.run(40*time.Minute, w.once)
	if rejected := w.bus.Of("RequestRejected"); len(rejected) != 2 || !strings.Contains(string(rejected[1]), "is in restoration acme.move-2 already") {
		t.Errorf("rejected: %s", rejected)
	}
	// What the restoration keeps is on the host of before, and goes before the slot there is cleared.
	if r := w.restoration(); r.State != pool.RestorationRestored || len(r.Kept) != 2 {
		t.Fatalf("it is %s at %q, and keeps %v: %s", r.State, r.Step, r.Kept, r.Error)
	}
	w.run(6*time.Hour, w.once)
	if r := w.restoration(); len(r.Kept) > 0 {
		t.Errorf("it keeps %v at %q: %s", r.Kept, r.Step, r.Error)
	}
	// Its host was another's, or nobody's, before it moved there.
	w.ask("database", then)
	w.run(time.Minute, w.once)
	if rejected := w.bus.Of("RequestRejected"); len(rejected) != 3 || !strings.Contains(string(rejected[2]), `"field":"to"`) {
		t.Errorf("rejected: %s", rejected)
	}
}

// All free slots of small pools lie on the shelf: then the slot is taken from there.
func TestATenantMovesToASlotThatIsSetOut(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newMovingWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.setOut(elsewhere)
		w.moveTo("")
		w.run(70*time.Minute, w.killable(life))
		w.moved(t)
		w.must(w.handler(undisturbed).Shelf.PutBack(t.Context(), tier)) // as the next reconciliation does
		shelf, err := w.ledger.Shelf(t.Context(), tier)
		w.must(err)
		if len(shelf.Databases) != 1 || len(shelf.Withdrawn) > 0 {
			t.Errorf("set out are %v, withdrawn %v", shelf.Databases, shelf.Withdrawn)
		}
		return w.outcome()
	})
}

// setOut puts all free slots of a host onto the shelf.
func (w *world) setOut(id pool.HostID) {
	ctx := w.t.(*testing.T).Context()
	host := w.host(id)
	after, shelf := host.Clone(), pool.NewShelf(tier)
	for i := range after.Slots {
		after.Slots[i].State = pool.SlotOffered
		shelf.Databases = append(shelf.Databases, after.Slots[i].Offer(id))
	}
	shelf.Hosts[id] = host.Access.Offered()
	w.must(w.ledger.SaveHost(ctx, host, after, pool.Neutral, w.now))
	w.must(w.ledger.SaveShelf(ctx, pool.NewShelf(tier), shelf))
}

// Whoever is shut out and can't be let in again waits for people, who are told.
func TestATenantThatIsLockedOutIsToldOf(t *testing.T) {
	w := newMovingWorld(t)
	w.alwaysFails()
	w.fail["Reopen"] = errors.New("connection refused")
	w.moveTo("")
	w.complain = false
	w.run(time.Hour, w.once)
	if told := w.outcome().Told; len(told) != 1 || !strings.Contains(told[0], "move of tenant acme waits") {
		t.Errorf("told: %v", told)
	}
	delete(w.fail, "Reopen")
	w.run(time.Hour, w.once)
	w.stayed(t)
}

// A tenant leaves between any two calls by which its move ends, and who ends it dies there, or goes on. What it left with has what it
// wrote: the departure, which waits for that, shuts and archives it.
func TestADepartureWhileAMoveSwitches(t *testing.T) {
	for _, dies := range []bool{true, false} {
		ends := map[pool.RestorationState]int{}
		for n, more := 0, true; more; n++ {
			w := newMovingWorld(t)
			w.complain, w.writes = false, false
			w.moveTo("")
			calls, left, rows := 0, false, w.wrote(w.database("acme").rows)
			w.call = func(_ string, do func() error) error {
				r, err := w.ledger.Restoration(t.Context(), "acme")
				if err != nil || r.State != pool.RestorationRestoring || r.Step != pool.StepSwitch {
					return do()
				}
				if calls++; calls == n+1 {
					left = true
					w.leave()
					if dies {
						return errors.New("it dies")
					}
				}
				return do()
			}
			w.run(3*time.Hour, w.once)
			if more = left; !left {
				break
			}
			r, d := w.restoration(), w.database("acme")
			if ends[r.State]++; r.Step != "" && r.Step != pool.StepSweep {
				t.Errorf("left before call %d: the move is %s at %q: %s", n, r.State, r.Step, r.Error)
			}
			if d == nil || len(d.rows) == 0 || w.wrote(d.rows) != rows {
				t.Errorf("left before call %d: the move is %s, and what the tenant left with is %+v", n, r.State, d)
			}
			if left := w.outcome().clean(); len(left) > 0 {
				t.Errorf("left before call %d: %v is left", n, left)
			}
			for _, e := range w.bus.Published() {
				if dies && e.DetailType == "AccessChanged" {
					t.Errorf("left before call %d: it is told where its database is: %s", n, e.Detail)
				}
			}
		}
		if ends[pool.RestorationWithdrawn] == 0 || ends[pool.RestorationRestored] == 0 {
			t.Errorf("moves ended as %v", ends)
		}
	}
}
