package decommission

import (
	"context"
	"strings"
	"testing"
	"time"

	s3tags "headroom/internal/adapter/buckets"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// destructive are the calls that destroy something of a tenant's, and the slot that is held up when one can't be made.
var destructive = map[string]pool.Kind{
	"share": pool.Share, "objects": pool.Share, "upload": pool.Share, "database": pool.Database, "secret": pool.Database,
}

func TestTheStopSwitchStopsEachCallThatDestroys(t *testing.T) {
	for call, kind := range destructive {
		t.Run(call, func(t *testing.T) {
			w := graced(t)
			stopped, on := false, pool.Stops{Destroy: true, By: "ops", Why: "drill"}
			w.call = func(operation string, do func() error) error {
				// It is switched on after the call before, and so before the guard's last look.
				if operation == "Stops" && !stopped && w.next(call) {
					stopped = true
					w.must(w.ledger.SaveStops(context.Background(), on))
				}
				return do()
			}
			w.inspect = func(what, name string) {
				if w.mayDestroy(t, what, name); stopped {
					t.Errorf("%s %s is destroyed although the switch is on", what, name)
				}
			}
			w.run(26*time.Hour, w.once)
			c := w.clearance(kind)
			if !stopped || c.State != pool.ClearanceScrubbing || c.Stuck != "" || !strings.Contains(c.Error, "the stop switch is on (ops: drill)") {
				t.Fatalf("stopped %v: it is %s at %q, stuck at %q: %s", stopped, c.State, c.Step, c.Stuck, c.Error)
			}
			notes := w.topic.Notes()
			told := map[string]int{}
			for _, note := range notes {
				told[note.Subject]++
			}
			for subject, times := range told {
				if times > 1 {
					t.Errorf("%d times it is told that %s: %v", times, subject, notes)
				}
			}
			if len(notes) == 0 || w.stuck > 0 {
				t.Errorf("told: %v; given up %d times", notes, w.stuck)
			}
			w.call, stopped = undisturbed, false
			w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
			if d := w.left(2 * time.Hour); d.State != pool.DepartureLeft {
				t.Errorf("it is %s once the switch is off", d.State)
			}
		})
	}
}

// next reports whether a call is the next of those that destroy, by what is there still.
func (w *world) next(call string) bool {
	d := w.departure("acme.markacme")
	share := w.clearance(pool.Share)
	switch call {
	case "share":
		return share.Step == pool.StepWithdraw
	case "objects":
		return share.Step == pool.StepEmpty && len(w.remains(1)) > 1
	case "upload":
		return share.Step == pool.StepEmpty && len(w.remains(1)) == 1
	case "database":
		return w.rows(pool.DatabaseName(d.Tenant.Database.Name)) != nil
	default:
		return w.clearance(pool.Database).Step == pool.StepWithdraw && w.rows(pool.DatabaseName(d.Tenant.Database.Name)) == nil
	}
}

func TestTheGuardSeesWhatThereIs(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*world)
		kind  pool.Kind
		why   string
		but   string // what is destroyed of that kind, rightly
	}{
		"a bucket of another order": {func(w *world) {
			w.must((&s3tags.Buckets{Client: w.tags}).Mark(context.Background(), w.slot("share-standard-1", 1).Bucket, "share-standard-1/another/1/1"))
		}, pool.Share, `bears the mark "share-standard-1/another/1/1"`, ""},
		"a database that bears another mark": {func(w *world) {
			w.servers[w.host("database-standard-1").Access.Address].databases[w.departure("acme.markacme").Tenant.Database.Name].mark = "another"
		}, pool.Database, "bears another mark", ""},
		"a slot that was set back to its tenant":         {func(w *world) { w.setSlot(pool.SlotAssigned, "acme", 1) }, pool.Share, "the slot is assigned", ""},
		"a slot that is another's":                       {func(w *world) { w.setSlot(pool.SlotLeaving, "other", 1) }, pool.Share, `of tenant "other"`, ""},
		"a slot of another generation":                   {func(w *world) { w.setSlot(pool.SlotLeaving, "acme", 2) }, pool.Share, "the slot is 1 of generation 2", ""},
		"a share that its tenant holds again":            {func(w *world) { w.hold(func(t *pool.Tenant, d pool.Departure) { t.Share = d.Tenant.Share }) }, pool.Share, "held by tenant acme", ""},
		"a database that its tenant holds again":         {func(w *world) { w.hold(func(t *pool.Tenant, d pool.Departure) { t.Database = d.Tenant.Database }) }, pool.Database, "held by tenant acme", ""},
		"a secret that its tenant has again":             {func(w *world) { w.hold(func(t *pool.Tenant, d pool.Departure) { t.Secret = d.Tenant.Secret }) }, pool.Database, "held by tenant acme", "database"},
		"an archive whose lock is over":                  {func(w *world) { w.archived(func(a *pool.Archive) { a.RetainUntil = w.now }) }, pool.Share, "not locked", ""},
		"an archive of another departure":                {func(w *world) { w.archived(func(a *pool.Archive) { a.Key = "acme.markacme-1/1.zip" }) }, pool.Share, "another departure", ""},
		"no archive":                                     {func(w *world) { w.archived(func(a *pool.Archive) { *a = pool.Archive{} }) }, pool.Database, "no archive", ""},
		"an archive of another departure, of a database": {func(w *world) { w.archived(func(a *pool.Archive) { a.Key = "xacme.markacme/1.zip" }) }, pool.Database, "another departure", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := graced(t)
			before := w.host("share-standard-1")
			test.spoil(w)
			w.inspect = func(what, name string) {
				if destructive[what] == test.kind && what != test.but {
					t.Errorf("%s %s is destroyed", what, name)
				}
			}
			w.run(5*time.Hour, w.once)
			c := w.clearance(test.kind)
			if c.State != pool.ClearanceScrubbing || c.Step != pool.StepWithdraw && c.Stuck != pool.StepWithdraw || !strings.Contains(c.Error, test.why) {
				t.Errorf("it is %s at %q: %s", c.State, c.Step, c.Error)
			}
			if len(w.topic.Notes())+w.stuck == 0 {
				t.Error("nobody is told")
			}
			if now := w.host("share-standard-1"); len(now.Slots) != len(before.Slots) || len(w.remains(1)) == 0 && test.kind == pool.Share {
				t.Error("it is scrubbed")
			}
		})
	}
}

// setSlot changes the slot of acme's share in its host's record.
func (w *world) setSlot(state pool.SlotState, tenant pool.TenantID, generation int) {
	w.t.Helper()
	w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
	before := w.host("share-standard-1")
	after := before.Clone()
	slot := after.Slot(1)
	slot.State, slot.Tenant, slot.Generation = state, tenant, generation
	w.must(w.ledger.SaveHost(context.Background(), before, after, pool.Neutral, w.now))
}

// hold has acme's record name something of what it left.
func (w *world) hold(change func(*pool.Tenant, pool.Departure)) {
	w.t.Helper()
	d := w.departure("acme.markacme")
	_, _, err := ledger.UpdateTenant(context.Background(), w.ledger, "acme", func(t pool.Tenant) (pool.Tenant, error) {
		change(&t, d)
		return t, nil
	})
	w.must(err)
}

// archived changes what a departure's record says of its archive.
func (w *world) archived(change func(*pool.Archive)) {
	w.t.Helper()
	_, _, err := ledger.UpdateDeparture(context.Background(), w.ledger, "acme.markacme", func(d pool.Departure) (pool.Departure, error) {
		change(&d.Archive)
		return d, nil
	})
	w.must(err)
}

// Whoever was slow to destroy objects, and was overtaken, finds another mark on the bucket: that is no fault, and nobody is told of one.
func TestWhoIsOvertakenTellsNobodyThatTheGuardRefuses(t *testing.T) {
	for _, operation := range []string{"MarkOf", "Departure", "Clearance"} {
		t.Run("before "+operation, func(t *testing.T) {
			w := graced(t)
			overtaken, looked := false, false
			w.call = func(called string, do func() error) error {
				looked = looked || called == "Versions" && w.next("objects")
				if called == operation && looked && !overtaken {
					overtaken = true
					w.run(15*time.Minute, w.once) // the same message again, once it is not hidden any more
					if c := w.clearance(pool.Share); c.Step == pool.StepEmpty {
						t.Errorf("nobody overtakes it: %s", c.Error)
					}
				}
				return do()
			}
			w.run(26*time.Hour, w.once)
			if !overtaken {
				t.Fatal("nobody was overtaken")
			}
			if notes := w.topic.Notes(); len(notes) > 0 {
				t.Errorf("told: %v", notes)
			}
			if d := w.left(2 * time.Hour); d.State != pool.DepartureLeft {
				t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
			}
		})
	}
}
