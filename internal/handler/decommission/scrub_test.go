package decommission

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// graced returns a world in which acme leaves, whose data is archived, and whose grace is about to be over.
func graced(t *testing.T) *world {
	w := newWorld(t)
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.short()
	w.mess(1)
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
	return w
}

func TestWhatCannotBeScrubbedIsToldAndGoesOnWhenItIsMended(t *testing.T) {
	for name, test := range map[string]struct {
		spoil, mend func(*world)
		step        pool.Step
		why         string
	}{
		"the gateway is away": {
			func(w *world) { w.gateways.Away(w.host("share-standard-1").Access.Gateway, true) },
			func(w *world) { w.gateways.Away(w.host("share-standard-1").Access.Gateway, false) },
			pool.StepWithdraw, "",
		},
		"the share can't be deleted": {
			func(w *world) { w.fail["DeleteShare"] = errNotNow }, func(w *world) { delete(w.fail, "DeleteShare") },
			pool.StepWithdraw, "not now",
		},
		"the manifest can't be read": {
			func(w *world) { w.fail["Open"] = errNotNow }, func(w *world) { delete(w.fail, "Open") },
			pool.StepCompare, "not now",
		},
		"a version is not deleted": {
			func(w *world) {
				w.objects.Keep = func(key string) string { return map[bool]string{true: "AccessDenied"}[key == "folder/another"] }
			}, func(w *world) { w.objects.Keep = nil },
			pool.StepEmpty, "AccessDenied",
		},
		"an upload is not aborted": {
			func(w *world) { w.fail["AbortUpload"] = errNotNow }, func(w *world) { delete(w.fail, "AbortUpload") },
			pool.StepEmpty, "not now",
		},
		"the share can't be made": {
			func(w *world) { w.fail["CreateShare"] = errNotNow }, func(w *world) { delete(w.fail, "CreateShare") },
			pool.StepRemake, "not now",
		},
		"the share is not available": {
			func(w *world) { w.gateways.Missing = map[string]bool{w.slot("share-standard-1", 1).Role: true} }, func(w *world) { w.gateways.Missing = nil },
			pool.StepRemake, "UNAVAILABLE",
		},
		"nothing can look into the share": {
			func(w *world) { w.fail["Run"] = errNotNow }, func(w *world) { delete(w.fail, "Run") },
			pool.StepProve, "not now",
		},
		"who looks into the share fails": {
			func(w *world) {
				for range pool.MaxTries + 1 {
					w.fails(events.JobProbe, events.TaskReport{Done: true, Failure: "mount: no route to host"})
				}
			}, func(*world) {},
			pool.StepProve, "no route to host",
		},
		"who looks into the share dies": {
			func(w *world) { w.dying[events.JobProbe] = slices.Repeat([]int{137}, pool.MaxTries+1) }, func(*world) {},
			pool.StepProve, "ended without a report",
		},
		"who looks into the share does not end": {
			func(w *world) { w.dying[events.JobProbe] = slices.Repeat([]int{-1}, pool.MaxTries+1) }, func(*world) {},
			pool.StepProve, "does not come to an end",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := graced(t)
			test.spoil(w)
			w.run(5*time.Hour, w.once)
			c := w.clearance(pool.Share)
			if c.State != pool.ClearanceScrubbing || c.Step != "" || c.Stuck != test.step || !strings.Contains(c.Error, test.why) || w.stuck != 1 {
				t.Fatalf("it is %s at %q, stuck at %q: %s; told %d times", c.State, c.Step, c.Stuck, c.Error, w.stuck)
			}
			// The database goes its own way.
			if c := w.clearance(pool.Database); c.State != pool.ClearanceReturned {
				t.Errorf("the database is %s at %q: %s", c.State, c.Step, c.Error)
			}
			if slot := w.slot("share-standard-1", 1); slot.State != pool.SlotLeaving || slot.Tenant != "acme" {
				t.Errorf("the slot is %+v", *slot)
			}
			test.mend(w)
			w.ask("acme", "")
			if d := w.left(6 * time.Hour); d.State != pool.DepartureLeft {
				c := w.clearance(pool.Share)
				t.Fatalf("it is %s, the share %s at %q: %s", d.State, c.State, c.Step, c.Error)
			}
			if residue := w.residue(); len(residue) > 0 || len(w.remains(1)) > 0 {
				t.Errorf("left: %v, %v", residue, w.remains(1))
			}
			for _, task := range w.cluster.Tasks() {
				if task.Status != events.TaskStopped {
					t.Errorf("task %s is %s", task.ARN, task.Status)
				}
			}
		})
	}
}

func TestADatabaseThatCannotBeScrubbedIsTold(t *testing.T) {
	for operation, step := range map[string]pool.Step{
		"Drop": pool.StepWithdraw, "DeleteSecret": pool.StepWithdraw, "MakeSlot": pool.StepRemake, "Prove": pool.StepProve, "Master": pool.StepWithdraw,
	} {
		t.Run(operation, func(t *testing.T) {
			w := graced(t)
			w.fail[operation] = errNotNow
			w.run(5*time.Hour, w.once)
			c := w.clearance(pool.Database)
			if c.Step != "" || c.Stuck != step || w.stuck != 1 {
				t.Fatalf("it is %s at %q, stuck at %q: %s; told %d times", c.State, c.Step, c.Stuck, c.Error, w.stuck)
			}
			if c := w.clearance(pool.Share); c.State != pool.ClearanceReturned {
				t.Errorf("the share is %s at %q: %s", c.State, c.Step, c.Error)
			}
			delete(w.fail, operation)
			w.ask("acme", "")
			if d := w.left(2 * time.Hour); d.State != pool.DepartureLeft {
				t.Errorf("it is %s", d.State)
			}
		})
	}
}

func TestABucketThatIsNotAsItWasArchivedIsNotEmptied(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*world)
		why    string
	}{
		"an object that came later":     {func(w *world) { w.overwrite(1, "late", "content") }, `"late" is in the bucket, and not in the archive`},
		"an object that was changed":    {func(w *world) { w.overwrite(1, "folder/another", "other") }, `"folder/another" is version`},
		"an object that was taken away": {func(w *world) { w.remove(1, "folder/another") }, `"folder/another" is in the archive, and not in the bucket`},
		"another manifest": {func(w *world) {
			d := w.departure("acme.markacme")
			w.objects.Corrupt(archives, d.Archive.Manifest, d.Archive.ManifestID, 40)
		}, ""},
		"a manifest of another SHA-256": {func(w *world) {
			before := w.departure("acme.markacme")
			after := before.Clone()
			after.Archive.ManifestSHA256 = strings.Repeat("0", 64)
			_, err := w.ledger.SaveDeparture(context.Background(), before, after)
			w.must(err)
		}, "was verified with 0000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := graced(t)
			had := len(w.remains(1))
			test.change(w)
			had = max(had, len(w.remains(1)))
			w.inspect = func(what, name string) {
				if w.mayDestroy(t, what, name); what == "objects" || what == "upload" {
					t.Errorf("%s of %s are destroyed", what, name)
				}
			}
			w.run(12*time.Hour, w.once)
			c, slot := w.clearance(pool.Share), w.slot("share-standard-1", 1)
			if test.why == "" { // it can't be read, and never is
				if c.Stuck != pool.StepCompare || w.stuck != 1 {
					t.Errorf("it is %s at %q, stuck at %q: %s; told %d times", c.State, c.Step, c.Stuck, c.Error, w.stuck)
				}
			} else if why := c.History[len(c.History)-1].Why; c.State != pool.ClearanceQuarantined || slot.State != pool.SlotQuarantined || !strings.Contains(why, test.why) {
				t.Errorf("it is %s at %q, the slot %s: %s", c.State, c.Step, slot.State, why)
			} else if notes := w.topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Subject, "quarantined") || !strings.Contains(notes[0].Message, test.why) {
				t.Errorf("told: %v", notes)
			}
			if has := w.remains(1); len(has) != had {
				t.Errorf("the bucket has %v", has)
			}
			if d := w.departure("acme.markacme"); d.State != pool.DepartureScrubbing {
				t.Errorf("it is %s", d.State)
			}
			// Nobody's request wakes a slot that a person must look at.
			w.ask("acme", "")
			w.run(time.Hour, w.once)
			if again := w.clearance(pool.Share); c.State == pool.ClearanceQuarantined && again.Version != c.Version {
				t.Errorf("it is gone on with: %+v", again)
			}
		})
	}
}

func TestASlotThatIsNotCleanIsQuarantined(t *testing.T) {
	for name, test := range map[string]struct {
		kind  pool.Kind
		spoil func(*world)
		why   string
	}{
		"a file is found in the share": {pool.Share, func(w *world) {
			for range pool.UncleanLooks {
				w.fails(events.JobProbe, events.TaskReport{Done: true, Found: []string{"a file of acme"}})
			}
		}, "a file of acme"},
		"rows are found in the database": {pool.Database, func(w *world) { w.dirty = []string{"rows of acme"} }, "rows of acme"},
	} {
		t.Run(name, func(t *testing.T) {
			w := graced(t)
			test.spoil(w)
			w.run(4*time.Hour, w.once)
			c := w.clearance(test.kind)
			slot := w.slot(c.Holding.Host, 1)
			if c.State != pool.ClearanceQuarantined || slot.State != pool.SlotQuarantined || c.Unclean != pool.UncleanLooks {
				t.Fatalf("it is %s at %q after %d looks, the slot %s: %s", c.State, c.Step, c.Unclean, slot.State, c.Error)
			}
			if notes := w.topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Message, test.why) {
				t.Errorf("told: %v", notes)
			}
			if d := w.departure("acme.markacme"); d.State != pool.DepartureScrubbing || len(w.bus.Of("TenantReleased")) > 0 {
				t.Errorf("it is %s", d.State)
			}
		})
	}
}

// Found clean only now and then it is not proven: two looks in a row must find nothing.
func TestOneUncleanLookIsNotTheEnd(t *testing.T) {
	w := graced(t)
	w.fails(events.JobProbe, events.TaskReport{Done: true, Found: []string{"a file of acme"}})
	if d := w.left(3 * time.Hour); d.State != pool.DepartureLeft {
		t.Fatalf("it is %s", d.State)
	}
	if c := w.clearance(pool.Share); c.Unclean != 1 || c.Look != 3 {
		t.Errorf("%d looks, %d unclean", c.Look, c.Unclean)
	}
}
