package decommission

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/pool"
)

// sentAt is a message from outside that was sent at a time, and is delivered now.
func (w *world) sentAt(at time.Time, kind string) events.Delivery {
	return events.Delivery{
		ID: kind + at.String(), Queue: "decommission", SentAt: at,
		Body: `{"version":"1","type":"` + kind + `","tenantId":"acme","reason":"r","requestedBy":"b"}`,
	}
}

// A request that was meant for the life before does not end the next.
func TestARequestOfBeforeItsSignupIsLate(t *testing.T) {
	w := lived(t)
	w.ask("acme", "")
	w.run(time.Minute, w.once)
	sent := w.now
	w.now = w.now.Add(time.Second)
	w.signsUp("acme", "10.0.0.1")
	w.run(time.Minute, w.once)
	w.must(w.once(w.sentAt(sent, events.TypeDecommissionRequested)))
	if again := w.tenant("acme"); again.State != pool.TenantReady {
		t.Errorf("it is %s", again.State)
	}
}

// An undo of the departure before does not undo the next.
func TestAnUndoOfAnEarlierDepartureIsLate(t *testing.T) {
	w := newWorld(t)
	w.ask("acme", "")
	w.run(5*time.Minute, w.once)
	sent := w.now
	w.undo("acme")
	w.run(10*time.Minute, w.once)
	w.ask("acme", "")
	w.run(5*time.Minute, w.once)
	w.must(w.once(w.sentAt(sent, events.TypeUndoRequested)))
	w.must(w.once(w.sentAt(sent.Add(time.Second), events.TypeUndoRequested)))
	if again := w.tenant("acme"); again.State != pool.TenantLeft {
		t.Errorf("it is %s", again.State)
	}
}

func TestATenantThatWasNotServedCannotStay(t *testing.T) {
	w := newWorld(t)
	w.opensUp()
	w.names()
	w.ask("other", "")
	w.run(0, w.once)
	w.now = w.now.Add(time.Second)
	w.undo("other")
	w.run(time.Minute, w.once)
	if said := w.bus.Of("RequestRejected"); len(said) != 1 || !strings.Contains(string(said[0]), "had no storage yet") {
		t.Errorf("said %s", said)
	}
}

// The second time that a tenant is let in is not before nobody is late any more, whoever asks for it.
func TestATenantIsLetInAgainWhenNobodyIsLateAnyMore(t *testing.T) {
	w := newWorld(t)
	w.cluster.Program = func(taskstest.Task) int { return taskstest.Running }
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Attempt.Task != "" })
	w.undo("acme")
	w.run(20*time.Second, w.once)
	d := w.departure("acme.markacme")
	if !d.Done(pool.StepReopen) {
		t.Fatalf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	if bays, _ := w.ledger.Bays(t.Context()); len(bays.Taken) > 0 {
		t.Errorf("bays: %v", bays.Taken)
	}
	w.must(w.once(events.Delivery{Queue: "queue", Redelivered: true, Body: `{"version":"1","type":"Step","of":"departure","id":"acme.markacme","step":"reopen","try":9}`}))
	if d = w.departure(d.ID()); d.State != pool.DepartureUndoing {
		t.Errorf("it is %s", d.State)
	}
	w.run(2*time.Minute, w.once)
	if d = w.departure(d.ID()); d.State != pool.DepartureUndone {
		t.Errorf("it is %s", d.State)
	}
}

// An archive that must be locked for a short time only is locked when its tenant is scrubbed, however long its grace was.
func TestAnArchiveIsLockedWhenItsTenantIsScrubbed(t *testing.T) {
	w := newWorld(t)
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.terms.Grace, w.terms.CoolDown, w.terms.Retain = pool.Term(10*time.Hour), 0, pool.Term(2*time.Hour)
	w.ask("acme", "")
	if d := w.left(12 * time.Hour); d.State != pool.DepartureLeft {
		t.Errorf("it is %s: %s", d.State, w.clearance(pool.Share).Error)
	}
}

// A report that could not be recorded at once is heard when it comes again, and its archive is not written anew.
func TestAReportThatComesAgainIsHeard(t *testing.T) {
	w := newWorld(t)
	w.complain = false
	failed := false
	w.call = func(operation string, do func() error) error {
		if operation == "RevokeCopier" && !failed {
			failed = true
			return errNotNow
		}
		return do()
	}
	w.ask("acme", "")
	w.run(20*time.Minute, w.once)
	if d := w.departure("acme.markacme"); !failed || d.Step != pool.StepGrace || d.Archive.Key != "acme.markacme/1.zip" {
		t.Errorf("it is at %q with %s: %v", d.Step, d.Archive.Key, d.History)
	}
}

func TestATagOfTheLastTenantIsUnclean(t *testing.T) {
	for key, value := range map[string]string{"headroom:tenant": "somebody", "owner": "acme ltd"} {
		w := graced(t)
		w.call = func(operation string, do func() error) error {
			if operation == "Versions" && w.clearance(pool.Share).NextShare != "" {
				ref := pool.ShareRef{Gateway: w.host("share-standard-1").Access.Gateway, ID: w.clearance(pool.Share).NextShare}
				w.must((outside{w, undisturbed}).gateways().Tag(t.Context(), ref, map[string]string{key: value}))
			}
			return do()
		}
		w.run(3*time.Hour, w.once)
		if c := w.clearance(pool.Share); c.State != pool.ClearanceQuarantined || !strings.Contains(c.History[len(c.History)-1].Why, key) {
			t.Errorf("with %s it is %s: %v", key, c.State, c.History)
		}
	}
}

// What a bucket that was emptied has again is found.
func TestABucketThatIsNotEmptyIsUnclean(t *testing.T) {
	for what, spoil := range map[string]func(*world){
		"object versions": func(w *world) { w.overwrite(1, "again", "content"); w.remove(1, "again") },
		"uploads":         func(w *world) { w.begin(1, "again") },
	} {
		w := graced(t)
		w.untilShare(func(c pool.Clearance) bool { return c.Step == pool.StepProve })
		spoil(w)
		w.run(3*time.Hour, w.once)
		if c := w.clearance(pool.Share); c.State != pool.ClearanceQuarantined || !strings.Contains(c.History[len(c.History)-1].Why, what) {
			t.Errorf("with %s it is %s: %v", what, c.State, c.History)
		}
	}
}

// A master password that was rotated between being read and being used is read again at once.
func TestAMasterPasswordThatWasRotatedIsReadAgain(t *testing.T) {
	w := newWorld(t)
	server, reads := w.servers[w.host("database-standard-1").Access.Address], 0
	password := server.password
	server.password = "is not the one that is read first"
	w.call = func(operation string, do func() error) error {
		if operation == "Master" {
			if reads++; reads > 1 {
				server.password = password
			}
		}
		return do()
	}
	w.ask("acme", "")
	w.run(0, w.once)
	if reads < 2 || strings.Contains(w.written.String(), "step failed") {
		t.Errorf("%d reads: %s", reads, w.written.String())
	}
}
