package decommission

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/pool"
)

// left reports what has become of acme's departure once it had time to.
func (w *world) left(d time.Duration) pool.Departure {
	w.t.Helper()
	w.run(d, w.once)
	return w.departure("acme.markacme")
}

func TestAFailureOfATaskIsMadeUpForByAnother(t *testing.T) {
	for name, test := range map[string]struct {
		fail     func(*world)
		programs int // tasks that run for archive and verification in all
		archive  string
		why      string // in the history
	}{
		"it reports a failure": {func(w *world) {
			w.fails(events.JobArchive, events.TaskReport{Done: true, Failure: "no space left on device"})
		}, 3, "acme.markacme/2.zip", "no space left on device"},
		"it dies":              {func(w *world) { w.dies(events.JobArchive, 137) }, 3, "acme.markacme/2.zip", "ended without a report"},
		"it is never heard of": {func(w *world) { w.dies(events.JobArchive, taskstest.Running) }, 3, "acme.markacme/2.zip", "not heard of for"},
		"its report names no archive": {func(w *world) {
			w.fails(events.JobArchive, events.TaskReport{Done: true})
		}, 3, "acme.markacme/2.zip", "does not name the archive"},
		"its report names another's archive": {func(w *world) {
			w.fails(events.JobArchive, events.TaskReport{Done: true, Archive: &events.ArchiveRef{
				Bucket: archives, Key: "other.markother/1.zip", VersionID: "v", SHA256: "aa", ManifestKey: "other.markother/1.manifest.jsonl", ManifestVersionID: "v", ManifestSHA256: "aa",
			}})
		}, 3, "acme.markacme/2.zip", "does not name the archive"},
		"the verifier fails": {func(w *world) {
			w.fails(events.JobVerify, events.TaskReport{Done: true, Failure: "connection reset"})
		}, 3, "acme.markacme/1.zip", "verify: connection reset"},
		"the verifier dies": {func(w *world) { w.dies(events.JobVerify, 1) }, 3, "acme.markacme/1.zip", "ended without a report"},
		"the verifier says nothing": {func(w *world) {
			w.fails(events.JobVerify, events.TaskReport{Done: true})
		}, 3, "acme.markacme/1.zip", "has no proof"},
		// What was archived is not what there is: it is archived anew, under another key.
		"the verifier finds a flipped byte": {func(w *world) {
			w.fails(events.JobVerify, events.TaskReport{Done: true, Found: []string{"entry 3 has another SHA-256"}})
		}, 4, "acme.markacme/3.zip", "another SHA-256"},
		"there is no room for a task": {func(w *world) { w.cluster.NoRoom("RESOURCE:MEMORY", "Capacity is unavailable at this time.") }, 2, "acme.markacme/1.zip", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
			w.short()
			test.fail(w)
			w.ask("acme", "")
			d := w.left(4 * time.Hour)
			if d.State != pool.DepartureLeft || d.Archive.Key != test.archive {
				t.Fatalf("it is %s at %q with archive %s: %s\n%v", d.State, d.Step, d.Archive.Key, d.Error, d.History)
			}
			if ran := w.programs - len(w.probed); ran != test.programs {
				t.Errorf("%d tasks ran, want %d", ran, test.programs)
			}
			if !slices.ContainsFunc(d.History, func(e pool.Entry) bool { return strings.Contains(e.Why, test.why) }) {
				t.Errorf("its history does not say %q: %v", test.why, d.History)
			}
			if residue := w.residue(); len(residue) > 0 {
				t.Errorf("left: %v", residue)
			}
			if w.stuck > 0 {
				t.Error("people are told of it")
			}
		})
	}
}

func TestADepartureWhoseTasksFailAlwaysIsToldAndGoesOnWhenItIsAskedForAgain(t *testing.T) {
	for _, job := range []string{events.JobArchive, events.JobVerify} {
		t.Run(job, func(t *testing.T) {
			w := newWorld(t)
			w.inspect = func(what, name string) { t.Errorf("%s %s is destroyed", what, name) }
			for range pool.MaxTries + 1 {
				w.fails(job, events.TaskReport{Done: true, Failure: "it can't be read"})
			}
			w.ask("acme", "")
			d := w.left(3 * time.Hour)
			if d.State != pool.DepartureLeaving || d.Step != "" || string(d.Stuck) != job || d.Error != "it can't be read" || w.stuck != 1 {
				t.Fatalf("it is %s at %q, stuck at %q: %s; told %d times", d.State, d.Step, d.Stuck, d.Error, w.stuck)
			}
			if bays, _ := w.ledger.Bays(t.Context()); len(bays.Taken) > 0 {
				t.Errorf("it has a bay still: %v", bays)
			}
			if w.residual("copier") {
				t.Error("its copier is let in still")
			}
			w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
			w.ask("acme", "")
			if d = w.left(6 * time.Hour); d.State != pool.DepartureLeft {
				t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
			}
		})
	}
}

func TestADepartureWhoseTasksCannotBeRunIsTold(t *testing.T) {
	w := newWorld(t)
	w.cluster.Missing = map[string]bool{"subnet-0a1b2c3d": true}
	w.ask("acme", "")
	d := w.left(3 * time.Hour)
	if d.Stuck != pool.StepArchive || !strings.Contains(d.Error, "subnet") || w.stuck != 1 {
		t.Fatalf("it is %s at %q, stuck at %q: %s; told %d times", d.State, d.Step, d.Stuck, d.Error, w.stuck)
	}
	w.cluster.Missing = nil
	before := w.tenant("acme")
	w.undo("acme") // it can be undone all the same
	w.run(10*time.Minute, w.once)
	if after := w.tenant("acme"); after.State != pool.TenantReady || before.State != pool.TenantLeft {
		t.Errorf("it is %s", after.State)
	}
	if w.residual("copier") {
		t.Error("the copier of the attempt that never was is there still")
	}
}

func TestReportsThatAreLateDoNothing(t *testing.T) {
	w := newWorld(t)
	w.ask("acme", "")
	var reports []events.Delivery
	spy := func(d events.Delivery) error {
		if events.TypeOf([]byte(d.Body)) == events.TypeTaskReport {
			reports = append(reports, d)
		}
		return w.once(d)
	}
	w.fails(events.JobVerify, events.TaskReport{Done: true, Found: []string{"an object is missing"}})
	w.run(15*time.Minute, spy)
	d := w.departure("acme.markacme")
	if d.Step != pool.StepGrace || len(reports) < 5 {
		t.Fatalf("it is at %q after %d reports", d.Step, len(reports))
	}
	for _, late := range reports {
		if err := w.once(late); err != nil {
			t.Errorf("%s: %v", late.Body, err)
		}
	}
	if after := w.departure(d.ID()); after.Version != d.Version {
		t.Errorf("late reports have changed it: %+v", after)
	}
	for _, of := range []string{`"departure","id":"nobody.x"`, `"clearance","id":"nobody.x/share"`, `"host","id":"share-standard-1"`} {
		if err := w.once(events.Delivery{Queue: "queue", Body: `{"version":"1","type":"TaskReport","job":"verify","of":` + of + `,"attempt":1,"done":true,"proof":"p"}`}); err != nil {
			t.Errorf("of %s: %v", of, err)
		}
	}
}

// Of two attempts the older one's report says nothing of the newer's.
func TestTheReportOfAnOlderAttemptIsNotTheNewers(t *testing.T) {
	w := newWorld(t)
	w.dies(events.JobArchive, taskstest.Running)
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Attempt.Task != "" })
	old := jobOf(w.cluster.Tasks()[0])
	w.dies(events.JobArchive, taskstest.Running)
	w.until(func(d pool.Departure) bool { return d.Attempt.Number == 2 })
	ref := w.archive(old)
	w.report(old, events.TaskReport{Done: true, Archive: &ref})
	w.run(0, w.once)
	if d := w.departure("acme.markacme"); d.Step != pool.StepArchive || d.Attempt.Number != 2 || d.Attempt.Task == "" {
		t.Errorf("it is at %q with attempt %+v", d.Step, d.Attempt)
	}
	if d := w.left(time.Hour); d.Attempt.Archived.Key == ref.Key {
		t.Error("the archive of an attempt that was given up is taken")
	}
}

func TestProgressMovesTheDeadlineOfATask(t *testing.T) {
	w := newWorld(t)
	w.dies(events.JobArchive, taskstest.Running)
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Attempt.Task != "" })
	job := jobOf(w.cluster.Tasks()[0])
	for n := range int64(20) {
		w.report(job, events.TaskReport{Bytes: 10 * n, Total: 1000, Entries: n})
		w.run(10*time.Minute, w.once)
	}
	d := w.departure("acme.markacme")
	if d.Attempt.Number != 1 || d.Attempt.Bytes != 190 || d.Attempt.Of != 1000 || d.Attempt.Entries != 19 || w.stuck > 0 {
		t.Errorf("after hours it is at %+v, told %d times", d.Attempt, w.stuck)
	}
	if rate := d.Attempt.Rate(); rate <= 0 {
		t.Errorf("its rate is %v", rate)
	}
}
