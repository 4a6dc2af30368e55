package restore

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

var (
	wanted = []string{"a row of acme", "another"}
	since  = []string{"a row since"}
)

// spares looks whether the neighbour has what it had.
func (w *world) spares(t *testing.T) {
	t.Helper()
	if d := w.database("other"); !d.login || len(d.rows) != 3 || d.copier != "" {
		t.Errorf("the neighbour has %+v", *d)
	}
}

func TestATenantGoesBackAndTheDatabaseOfBeforeIsKept(t *testing.T) {
	w := newWorld(t)
	w.ask("database and share", then)
	w.run(40*time.Minute, w.once)
	r, o := w.restoration(), w.outcome()
	if r.State != pool.RestorationRestored || r.Step != pool.StepSweep || len(r.Kept) != 1 {
		t.Fatalf("it is %s at %q: %s\n%v", r.State, r.Step, r.Error, r.History)
	}
	if d := w.database("acme"); !slices.Equal(d.rows, wanted) || !d.login {
		t.Errorf("it has %+v", *d)
	}
	if kept := w.databaseServer().databases[r.Old]; kept == nil || !slices.Equal(kept.rows, since) || kept.login {
		t.Errorf("kept is %+v", kept)
	}
	if from, at := w.rds.RestoredTo(r.Instance); from != "" || !at.IsZero() {
		t.Errorf("the temporary instance is there still, of %s at %s", from, at)
	}
	if want := []string{"headroom-prod-share-standard-1-bucket01-1h2j3k4l5m6n/restored-20261126T093000Z/ as of 2026-11-26T09:30:00Z"}; !slices.Equal(w.copied, want) {
		t.Errorf("copied %v, want %v", w.copied, want)
	}
	if left := o.clean(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	w.spares(t)
	said := strings.Join(o.Events, "\n")
	for _, word := range []string{`TenantRestored`, `"parts":["database","share"]`, `"restoredTo":"2026-11-26T09:30:00Z"`, `"database":"1 table"`, `"files":2`, "not uploaded yet"} {
		if !strings.Contains(said, word) {
			t.Errorf("the event does not say %s: %s", word, said)
		}
	}
	w.run(2*time.Hour, w.once)
	if r = w.restoration(); len(r.Kept) > 0 || r.Step != "" || w.databaseServer().databases[r.Old] != nil {
		t.Errorf("it keeps %v after its grace, at %q", r.Kept, r.Step)
	}
	lines, err := w.ledger.Audits(t.Context(), start)
	w.must(err)
	destroyed := []string{}
	for _, line := range lines {
		if line.Message == "acme.restore-1" {
			destroyed = append(destroyed, line.What+" "+line.Of)
		}
	}
	if want := []string{"destroyed instance " + r.Instance, "destroyed database " + pool.DatabaseName(r.Old)}; !slices.Equal(destroyed, want) {
		t.Errorf("the audit has %+v", lines)
	}
	if len(o.Told) > 0 || w.overdue > 0 {
		t.Errorf("told %v, %d steps were overdue", o.Told, w.overdue)
	}
}

func TestOnePartAlone(t *testing.T) {
	for parts, test := range map[string]struct {
		rows   []string
		copied int
		rds    int
	}{"database": {wanted, 0, 3}, "share": {since, 1, 0}} {
		t.Run(parts, func(t *testing.T) {
			w := newWorld(t)
			w.ask(parts, then)
			w.run(40*time.Minute, w.once)
			if r := w.restoration(); r.State != pool.RestorationRestored {
				t.Fatalf("it is %s at %q: %s", r.State, r.Step, r.Error)
			}
			if d := w.database("acme"); !slices.Equal(d.rows, test.rows) || len(w.copied) != test.copied || len(slices.Compact(w.rds.Log())) != test.rds {
				t.Errorf("it has %v, copied %v, and RDS did %v", d.rows, w.copied, w.rds.Log())
			}
			if left := w.outcome().clean(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestWhatCantBeIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*world)
		ask     func(*world)
		field   string
		reason  string
	}{
		"a time before the backups": {func(w *world) { w.rds.Move(source, start.Add(50*time.Minute), asked) }, func(w *world) { w.ask("database", then) }, "to", "2026-11-26T09:50:00Z to 2026-11-26T10:00:00Z"},
		"a time after the backups":  {func(w *world) { w.rds.Move(source, start, start.Add(time.Minute)) }, func(w *world) { w.ask("database", then) }, "to", "after the latest"},
		"a time before the tenant":  {func(*world) {}, func(w *world) { w.ask("share", start.Add(-time.Hour)) }, "to", "before the earliest"},
		"a time to come":            {func(*world) {}, func(w *world) { w.ask("share", asked.Add(time.Hour)) }, "to", "after the latest"},
		"no backups":                {func(w *world) { w.rds.Bare(source) }, func(w *world) { w.ask("database", then) }, "to", "has no backups"},
		"a tenant that leaves":      {func(w *world) { w.leave() }, func(w *world) { w.ask("database", then) }, "tenantId", "is leaving"},
		"an undo of nothing":        {func(*world) {}, func(w *world) { w.undo() }, "tenantId", "has no restoration"},
		"a grace that is too long": {func(*world) {}, func(w *world) {
			w.put(map[string]any{"version": "1", "type": "RestoreRequest", "tenantId": "acme", "database": true, "to": then, "reason": "r", "requestedBy": "o", "grace": "9000h"})
		}, "grace", "graceMost"},
		"nobody": {func(*world) {}, func(w *world) {
			w.put(map[string]any{"version": "1", "type": "RestoreRequest", "tenantId": "nobody", "database": true, "to": then, "reason": "r", "requestedBy": "o"})
		}, "tenantId", "is unknown"},
		"a report from outside": {func(*world) {}, func(w *world) {
			w.put(events.TaskReport{Version: "1", Type: events.TypeTaskReport, Job: events.JobRestoreDatabase, Of: events.OfRestoration, ID: "acme.restore-1"})
		}, "type", "may be sent"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			test.ask(w)
			w.run(time.Minute, w.once)
			rejected := w.bus.Of("RequestRejected")
			if len(rejected) != 1 || !strings.Contains(string(rejected[0]), `"field":"`+test.field+`"`) || !strings.Contains(string(rejected[0]), test.reason) {
				t.Fatalf("rejected: %s", rejected)
			}
			if len(w.refused.Messages()) != 1 {
				t.Error("the message is not kept")
			}
			if len(w.rds.Log()) > 0 || len(w.steps.Messages()) > 0 {
				t.Errorf("it was begun all the same: %v", w.rds.Log())
			}
		})
	}
}

func TestARequestThatComesAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.requests.Double, w.steps.Double = true, true
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return r.Step == pool.StepInstance })
	w.ask("database", then)
	w.run(time.Minute, w.once)
	w.ask("database", then.Add(time.Minute)) // another time is refused meanwhile
	w.run(40*time.Minute, w.once)
	r := w.restoration()
	if r.Number != 1 || r.State != pool.RestorationRestored {
		t.Fatalf("restoration %d is %s at %q: %s", r.Number, r.State, r.Step, r.Error)
	}
	if want := []string{"restore " + r.Instance, "manage " + r.Instance, "delete " + r.Instance}; !slices.Equal(slices.Compact(w.rds.Log()), want) {
		t.Errorf("RDS did %v", w.rds.Log())
	}
	if rejected := w.bus.Of("RequestRejected"); len(rejected) == 0 || !strings.Contains(string(rejected[0]), "restoration acme.restore-1 already") {
		t.Errorf("rejected: %s", rejected)
	}
}

func TestAnUndoBringsBackWhatWas(t *testing.T) {
	for _, step := range []pool.Step{
		pool.StepUpload, pool.StepEnter, pool.StepFiles, pool.StepInstance, pool.StepMaster, pool.StepCopy, pool.StepSwap, pool.StepTell, pool.StepRemove, pool.StepSweep,
	} {
		t.Run(string(step), func(t *testing.T) {
			w := newWorld(t)
			w.ask("database and share", then)
			reached := false
			for range 3000 { // call by call: some steps last no longer
				if w.run(0, func(d events.Delivery) error {
					if r, err := w.ledger.Restoration(t.Context(), "acme"); err == nil && r.Step == step && !reached {
						reached = true
						w.undo()
					}
					return w.once(d)
				}); reached {
					break
				}
				if r, err := w.ledger.Restoration(t.Context(), "acme"); err == nil && r.State.Ended() {
					break
				}
			}
			if !reached { // it passed within one invocation
				w.undo()
			}
			w.run(40*time.Minute, w.once)
			r := w.restoration()
			if !r.State.Ended() || r.State == pool.RestorationRestored || r.Ordered {
				t.Fatalf("it is %s at %q: %s\n%v", r.State, r.Step, r.Error, r.History)
			}
			if d := w.database("acme"); !slices.Equal(d.rows, since) || !d.login {
				t.Errorf("it has %+v", *d)
			}
			if left := w.outcome().clean(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			w.spares(t)
			w.run(2*time.Hour, w.once)
			if names := w.databaseServer().sorted(); len(names) != 3 {
				t.Errorf("there are databases %v after its grace", names)
			}
			if w.overdue > 0 {
				t.Errorf("%d steps were overdue", w.overdue)
			}
		})
	}
}

func TestAnotherRestorationKeepsWhatIsKept(t *testing.T) {
	w := newWorld(t)
	w.ask("database", then)
	w.run(30*time.Minute, w.once)
	first := w.restoration()
	w.database("acme").rows = append(w.database("acme").rows, "a third")
	w.ask("database", then.Add(time.Minute))
	w.run(25*time.Minute, w.once)
	second := w.restoration()
	if second.Number != 2 || second.State != pool.RestorationRestored || len(second.Kept) != 2 {
		t.Fatalf("restoration %d is %s at %q with %v: %s", second.Number, second.State, second.Step, second.Kept, second.Error)
	}
	if kept := w.databaseServer().databases; !slices.Equal(kept[first.Old].rows, since) || len(kept[second.Old].rows) != 3 {
		t.Errorf("kept: %v and %v", kept[first.Old], kept[second.Old])
	}
	w.undo() // of the second
	w.run(10*time.Minute, w.once)
	if d := w.database("acme"); len(d.rows) != 3 || !d.login {
		t.Errorf("undone: %+v", *d)
	}
	w.run(3*time.Hour, w.once)
	if names := w.databaseServer().sorted(); len(names) != 3 {
		t.Errorf("databases: %v", names)
	}
}

func TestADepartureWins(t *testing.T) {
	for _, step := range []pool.Step{pool.StepUpload, pool.StepFiles, pool.StepInstance, pool.StepMaster, pool.StepCopy} {
		t.Run(string(step), func(t *testing.T) {
			w := newWorld(t)
			w.dying[events.JobRestoreFiles], w.dying[events.JobRestoreDatabase] = []int{taskstest.Running}, []int{taskstest.Running}
			if step != pool.StepFiles {
				w.dying[events.JobRestoreFiles] = nil
			}
			w.ask("database and share", then)
			w.until(func(r pool.Restoration) bool { return r.Step == step })
			w.leave()
			w.run(40*time.Minute, w.once)
			r := w.restoration()
			if r.State != pool.RestorationWithdrawn || r.Step != "" || r.Failed {
				t.Fatalf("it is %s at %q: %s", r.State, r.Step, r.Error)
			}
			if left := w.outcome().clean(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if d := w.databaseServer(); len(d.databases) != 3 {
				t.Errorf("databases %v", d.sorted())
			}
			w.spares(t)
		})
	}
}

func TestFailuresOfTasksAreMadeUpFor(t *testing.T) {
	for name, fail := range map[string]func(*world, string){
		"it reports a failure": func(w *world, job string) {
			w.failing[job] = []events.TaskReport{{Done: true, Failure: "no space left"}}
		},
		"it finds a difference": func(w *world, job string) {
			w.failing[job] = []events.TaskReport{{Done: true, Found: []string{"app.t has 2 rows, not 3"}}}
		},
		"what it has filled takes all that is free": func(w *world, job string) {
			w.scarce = true
			w.failing[job] = []events.TaskReport{{Done: true, Found: []string{"app.t has 2 rows, not 3"}}}
		},
		"it has no proof":      func(w *world, job string) { w.failing[job] = []events.TaskReport{{Done: true}} },
		"it dies":              func(w *world, job string) { w.dying[job] = []int{137} },
		"it is never heard of": func(w *world, job string) { w.dying[job] = []int{taskstest.Running} },
		"there is no room for it": func(w *world, _ string) {
			w.cluster.NoRoom("RESOURCE:MEMORY", "Capacity is unavailable at this time.")
		},
	} {
		for _, job := range []string{events.JobRestoreFiles, events.JobRestoreDatabase} {
			t.Run(name+" "+job, func(t *testing.T) {
				w := newWorld(t)
				fail(w, job)
				w.ask("database and share", then)
				w.run(100*time.Minute, w.once)
				r := w.restoration()
				if r.State != pool.RestorationRestored {
					t.Fatalf("it is %s at %q: %s\n%v", r.State, r.Step, r.Error, r.History)
				}
				if d := w.database("acme"); !slices.Equal(d.rows, wanted) {
					t.Errorf("it has %v", d.rows)
				}
				if left := w.outcome().clean(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}

func TestWhatFailsForGoodIsTakenBackAndTold(t *testing.T) {
	for name, test := range map[string]struct {
		fail func(*world)
		why  string
	}{
		"tasks that always fail": {func(w *world) {
			for range pool.MaxTries + 1 {
				w.failing[events.JobRestoreDatabase] = append(w.failing[events.JobRestoreDatabase], events.TaskReport{Done: true, Failure: "the dump is no good"})
			}
		}, "the dump is no good"},
		"an instance that can't be restored": {func(w *world) {
			w.until(func(r pool.Restoration) bool { return r.Step == pool.StepInstance && len(w.rds.Log()) > 0 })
			w.rds.Fail(w.restoration().Instance, "incompatible-restore")
		}, "incompatible-restore"},
		"a range that has moved on": {func(w *world) {
			w.until(func(r pool.Restoration) bool { return r.Step == pool.StepUpload })
			w.rds.Move(source, asked, asked)
		}, "not one that can be gone back to"},
		"no room at first": {func(w *world) { w.free = 1 << 20 }, "the host has 1 MiB free"},
		"no room any more": {func(w *world) {
			w.until(func(r pool.Restoration) bool { return r.Step == pool.StepMaster })
			w.free = 1 << 20
		}, "the host has 1 MiB free"},
		"an instance that vanished": {func(w *world) {
			w.until(func(r pool.Restoration) bool { return r.Step == pool.StepMaster })
			w.must(outside{w, undisturbed}.Delete(t.Context(), w.restoration().Instance, "acme.restore-1"))
			for range 5 {
				w.rds.Names()
				_, _ = outside{w, undisturbed}.Look(t.Context(), w.restoration().Instance)
			}
		}, "is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ask("database and share", then)
			test.fail(w)
			w.run(12*time.Hour, w.once)
			r, o := w.restoration(), w.outcome()
			if r.State != pool.RestorationWithdrawn || r.Step != "" || !strings.Contains(r.Why, test.why) {
				t.Fatalf("it is %s at %q because %q: %s\n%v", r.State, r.Step, r.Why, r.Error, r.History)
			}
			if !slices.ContainsFunc(o.Told, func(s string) bool { return strings.Contains(s, "the restoration of tenant acme failed") }) {
				t.Errorf("told: %v", o.Told)
			}
			if d := w.database("acme"); !slices.Equal(d.rows, since) || !d.login {
				t.Errorf("it has %+v", *d)
			}
			if left := o.clean(); len(left) > 0 || len(w.databaseServer().databases) != 3 {
				t.Errorf("left: %v, %v", left, w.databaseServer().sorted())
			}
			w.spares(t)
		})
	}
}

func TestItWaitsAndSaysSo(t *testing.T) {
	for name, test := range map[string]struct {
		hold, release func(*world)
		why           string
	}{
		"the stop switch": {
			func(w *world) {
				w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Repair: true, By: "ops", Why: "a drill"}))
			},
			func(w *world) { w.must(w.ledger.SaveStops(t.Context(), pool.Stops{})) }, "the stop switch is on",
		},
		"the quota of instances": {func(w *world) { w.rds.Quota = 1 }, func(w *world) { w.rds.Quota = 9 }, "quota of instances"},
		"the cap on money":       {func(w *world) { w.moneyCap = 300 }, func(w *world) { w.moneyCap = 400 }, "limit moneyCap: nearly all of the cap $300 is spent, and a temporary instance costs $325 a month"},
		"a dirty share":          {func(w *world) { w.dirty(true) }, func(w *world) { w.dirty(false) }, "has not said yet"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.hold(w)
			w.ask("database and share", then)
			w.run(2*time.Hour, w.once)
			notes := w.topic.Notes()
			if len(notes) != 1 || !strings.Contains(notes[0].Message, test.why) {
				t.Fatalf("told %d: %v", len(notes), notes)
			}
			if len(w.copied) > 0 && name == "a dirty share" {
				t.Error("files were copied into a share with dirty data")
			}
			test.release(w)
			w.run(time.Hour, w.once)
			if r := w.restoration(); r.State != pool.RestorationRestored {
				t.Errorf("it is %s at %q: %s", r.State, r.Step, r.Error)
			}
		})
	}
}

// dirty has acme's share have something that is not uploaded, or no more.
func (w *world) dirty(held bool) {
	for _, share := range w.gateways.Shares() {
		if share.Tags["headroom:tenant"] == "acme" {
			w.gateways.Hold(share.ARN, held)
			w.gateways.Write(share.ARN, "a file")
		}
	}
}

func TestAKeptDatabaseStaysWhileTheStopSwitchIsOn(t *testing.T) {
	w := newWorld(t)
	w.ask("database", then)
	w.run(30*time.Minute, w.once)
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Destroy: true, By: "ops", Why: "a drill"}))
	w.run(3*time.Hour, w.once)
	if r := w.restoration(); len(r.Kept) != 1 || w.databaseServer().databases[r.Old] == nil {
		t.Fatalf("it keeps %v", r.Kept)
	}
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
	w.run(2*time.Hour, w.once)
	if r := w.restoration(); len(r.Kept) != 0 {
		t.Errorf("it keeps %v", r.Kept)
	}
}

func TestInstancesThatWereLeftAreFoundAndGo(t *testing.T) {
	w := newWorld(t)
	out := outside{w, undisturbed}
	w.must(out.Restore(t.Context(), pool.InstanceOrder{Name: "headroom-prod-restore-lost", Source: source, At: then, Mark: "gone.restore-7"}))
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return r.Step == pool.StepCopy })
	for range 6 {
		w.must(w.handler(undisturbed).Message(t.Context(), events.Delivery{ID: "r", Queue: "queue", Body: `{"version":"1","type":"RestoreRound"}`}))
	}
	if names := w.rds.Names(); slices.Contains(names, "headroom-prod-restore-lost") || !slices.Contains(names, w.restoration().Instance) {
		t.Errorf("instances: %v", names)
	}
	notes := w.topic.Notes()
	if len(notes) == 0 || !strings.Contains(notes[0].Message, "nobody knows restoration gone.restore-7") {
		t.Errorf("told: %v", notes)
	}
}

func TestNothingOfASecretIsWritten(t *testing.T) {
	w := newWorld(t)
	w.ask("database and share", then)
	var seen []string
	w.run(40*time.Minute, func(d events.Delivery) error {
		for _, s := range w.secrets.Secrets() {
			seen = append(seen, w.password(s.ARN))
		}
		return w.once(d)
	})
	for _, password := range append(seen, "temporary-password", "master-password") {
		if password != "" && strings.Contains(w.written.String(), password) {
			t.Error("a password stands in the log")
		}
	}
	if diff := cmp.Diff(w.restoration(), w.restoration().Clone()); diff != "" {
		t.Error(diff)
	}
}

// What a gateway that was given up had not uploaded is in no version of any time.
func TestFilesThatComeBackMayLackWhatALostGatewayHad(t *testing.T) {
	w := newWorld(t)
	_, _, err := ledger.UpdateHost(t.Context(), w.ledger, "share-standard-1", w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		slot := h.Slot(1)
		h.Losses = []pool.Loss{{Gateway: "sgw-99", At: w.now, Shares: []pool.LossOf{{Index: 1, Generation: slot.Generation, Tenant: slot.Tenant}}}}
		return h, pool.Neutral, nil
	})
	w.must(err)
	w.ask("share", then)
	w.run(40*time.Minute, w.once)
	if said := strings.Join(w.outcome().Events, "\n"); !strings.Contains(said, `"parts":["share"]`) || !strings.Contains(said, "gateway sgw-99 was given up at ") {
		t.Errorf("said is %s", said)
	}
}
