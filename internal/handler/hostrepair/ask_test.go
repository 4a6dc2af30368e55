package hostrepair

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestWithoutADrillANewMachineIsAskedFor(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	w.asks(first, pool.WayMachine)
	if w.made() != "Reboot Stop Start" || len(w.said) != 1 || !strings.Contains(w.said[0], "asks for way machine: no drill is recorded in the policy") {
		t.Fatalf("calls %s, said %q", w.made(), w.said)
	}
	w.run(24 * time.Hour)
	if w.asks(first, pool.WayMachine); w.made() != "Reboot Stop Start" || len(w.said) != 1 {
		t.Fatalf("a day later calls %s, said %q", w.made(), w.said)
	}
	for _, way := range []string{"restart", "", "reboot", "update"} {
		if err := w.request(first, events.RepairProceed, way); err == nil || !strings.Contains(err.Error(), `way "machine" was asked for`) {
			t.Errorf("the word for way %q: %v", way, err)
		}
	}
	w.run(time.Hour)
	w.asks(first, pool.WayMachine)
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(2 * time.Hour)
	w.inService(first)
	if w.tried(first) != "reboot restart machine" || w.machine(first).image != newest {
		t.Errorf("tried %s, on %s", w.tried(first), w.machine(first).image)
	}
}

func TestAWordIsForTheImageThatWasAskedFor(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	r := w.repair(first)
	if r.To != newest {
		t.Fatalf("asked for %s", r.To)
	}
	later := r.Clone()
	later.To = "ami-0f11e5a7e4a7e0009" // as if the newest had been another when it asked
	_, err := w.ledger.SaveRepair(context.Background(), r, later)
	w.must(err)
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(2 * time.Hour)
	w.inService(first)
	if m := w.machine(first); m.image != later.To {
		t.Errorf("the machine is made from %s", m.image)
	}
}

func TestAWordThatIsOutOfPlaceIsRefused(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	if err := w.request(first, events.RepairProceed, "machine"); err == nil || !strings.Contains(err.Error(), "asks for nothing") {
		t.Errorf("for a host that is well: %v", err)
	}
	if err := w.request(first, events.RepairDrop, ""); err == nil || !strings.Contains(err.Error(), "in no repair") {
		t.Errorf("dropped: %v", err)
	}
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	h, q := w.handler(undisturbed), events.RepairRequest{HostID: first, Action: events.RepairProceed, Way: "machine", RequestedBy: "ops", Reason: "because"}
	if err := h.request(t.Context(), q, w.repair(first).AskedAt().Add(-time.Second), false); err == nil || !strings.Contains(err.Error(), "before it was asked") {
		t.Errorf("a word of before: %v", err)
	}
	sent := w.now
	w.must(h.request(t.Context(), q, sent, false))
	w.run(2 * time.Hour)
	w.inService(first)
	calls := len(w.made())
	if err := h.request(t.Context(), q, sent, false); err != nil {
		t.Errorf("the same message once more: %v", err)
	}
	if err := h.request(t.Context(), q, w.now, false); err == nil {
		t.Error("another word, for nothing")
	}
	w.run(time.Hour)
	if len(w.made()) != calls {
		t.Errorf("calls %s", w.made())
	}
}

// Who sent a request and waits sees that it can't be meant; and once that was said, it is not done when the message comes again.
func TestThatARequestWasRefusedIsRememberedAndStays(t *testing.T) {
	w := newWorld(t, 1)
	send := func(id string) error {
		d := delivery(`{"version":"1","type":"RepairRequest","hostId":"share-standard-1","action":"drop","requestedBy":"ops","reason":"because"}`, w.now)
		d.ID = id
		return w.handler(undisturbed).Message(t.Context(), d)
	}
	if err := send("m-1"); err == nil || !strings.Contains(err.Error(), "in no repair") {
		t.Errorf("dropped: %v", err)
	}
	r, err := w.ledger.Rejection(t.Context(), "m-1")
	if err != nil || r.Field+" "+r.Reason != "action drop can't be done about host share-standard-1: it is in no repair" {
		t.Errorf("remembered is %+v, %v", r, err)
	}
	w.breaks(first, "nothing")
	w.drills = nil
	w.run(time.Hour)
	was := w.repair(first).State
	if err := send("m-1"); err == nil || !strings.Contains(err.Error(), "was refused before") || w.repair(first).State != was {
		t.Errorf("once it is in repair: %v, it is %s", err, w.repair(first).State)
	}
	if err := send("m-2"); err != nil || w.repair(first).State != pool.RepairDropped {
		t.Errorf("sent anew: %v, it is %s", err, w.repair(first).State)
	}
	if _, err := w.ledger.Rejection(t.Context(), "m-2"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("what was done counts as refused: %v", err)
	}
}

func TestRequestsThatCantBeMeantAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*events.RepairRequest)
		why    string
	}{
		"nobody":              {func(q *events.RepairRequest) { q.RequestedBy = "" }, "must be said"},
		"no reason":           {func(q *events.RepairRequest) { q.Reason = "" }, "must be said"},
		"no image":            {func(q *events.RepairRequest) { q.Image = "latest" }, "no ID of an image"},
		"an image and more":   {func(q *events.RepairRequest) { q.Image = wanted + " " }, "no ID of an image"},
		"no size":             {func(q *events.RepairRequest) { q.Action, q.Size = events.RepairResize, "big" }, "no type of instance"},
		"too small a size":    {func(q *events.RepairRequest) { q.Action, q.Size = events.RepairResize, "m6i.large" }, "no type of instance"},
		"an unknown action":   {func(q *events.RepairRequest) { q.Action = "force" }, "not known"},
		"no host":             {func(q *events.RepairRequest) { q.HostID = "share-standard-9" }, "no such record"},
		"a host that is lost": {func(q *events.RepairRequest) { q.HostID = "share-standard-2" }, "lost"},
	} {
		w := newWorld(t, 2)
		w.loses("share-standard-2")
		q := events.RepairRequest{HostID: first, Action: events.RepairReplace, Image: wanted, RequestedBy: "ops", Reason: "because"}
		test.change(&q)
		if err := w.handler(undisturbed).request(t.Context(), q, w.now, false); err == nil || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%s: %v", name, err)
		}
		if w.repair(pool.HostID(q.HostID)).Number != 0 {
			t.Errorf("%s: a repair began", name)
		}
	}
}

func TestAPersonDropsARepair(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.breaks(first, "nothing")
	w.run(time.Minute)
	w.must(w.request(first, events.RepairDrop, "")) // while it looks
	w.run(30 * time.Minute)
	if r := w.repair(first); r.Number != 1 || r.State != pool.RepairDropped || w.made() != "" || w.host(first).Repair != 0 {
		t.Fatalf("it is repaired while somebody is at it: %+v", r)
	}
	w.run(2 * time.Hour)
	if w.asks(first, pool.WayMachine); w.repair(first).Number != 2 {
		t.Fatal("it is not repaired an hour later")
	}
	made := w.made()
	w.must(w.request(first, events.RepairDrop, "")) // while it asks
	w.must(w.request(first, events.RepairDrop, ""))
	w.run(30 * time.Minute)
	if w.host(first).Set.IsZero() {
		t.Error("what alarms say of a repair that is dropped counts against its host")
	}
	if r := w.repair(first); r.State != pool.RepairDropped || w.host(first).Repair != 0 || w.made() != made || len(w.ward().Patients) > 0 {
		t.Fatalf("%+v, ward %+v", r, w.ward())
	}
	w.machine(first).hangs = "" // the person mends it
	w.run(5 * time.Minute)
	w.inService(first)
}

func TestARepairThatIsUnderWayIsNotDropped(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	dropped := 0
	w.mishap = func(operation string, after bool) {
		if r := w.repair(first); after && operation == "SaveRepair" && r.State == pool.RepairMending {
			dropped++
			if err := w.handler(undisturbed).drop(t.Context(), events.RepairRequest{HostID: first, RequestedBy: "ops"}, w.now); err == nil || !strings.Contains(err.Error(), "half done") {
				t.Errorf("dropped at step %s", r.Step)
			}
		}
	}
	w.run(2 * time.Hour)
	if w.inService(first); dropped < 20 {
		t.Errorf("it was tried %d times", dropped)
	}
}

func TestWhatIsAskedForPassesByItself(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.center.terminate(w.machine(first), false)
	w.doubt(first)
	w.run(time.Hour)
	w.asks(first, pool.WayMachine)
	if w.made() != "" {
		t.Fatalf("calls %s", w.made())
	}
	w = newWorld(t, 1)
	w.drills = nil
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	w.asks(first, pool.WayMachine)
	w.machine(first).hangs = ""
	w.run(time.Hour)
	w.inService(first) // and proved, for it was restarted
	if r := w.repair(first); r.State != pool.RepairMended || w.said[len(w.said)-1] != "share-standard-1 is repaired by way restart" {
		t.Errorf("it is %s, said %q", r.State, w.said)
	}
}

func TestAHostThatFlapsIsAskedAbout(t *testing.T) {
	w := newWorld(t, 1)
	for n := range 3 {
		w.breaks(first, "reboot")
		w.run(30 * time.Minute)
		w.inService(first)
		if got := w.repair(first).Number; got != n+1 {
			t.Fatalf("repair %d is its %dth", n+1, got)
		}
	}
	made := w.made()
	w.breaks(first, "reboot")
	w.run(time.Hour)
	if w.asks(first, pool.WayReboot); w.made() != made {
		t.Fatalf("calls %s", w.made())
	}
	w.must(w.request(first, events.RepairProceed, "reboot"))
	w.run(30 * time.Minute)
	w.inService(first)
	w.run(7 * time.Hour)
	w.breaks(first, "reboot")
	w.run(30 * time.Minute)
	w.inService(first)
}

func TestWhatCantBeLookedAtIsToldOnce(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.breaks(first, "nothing")
	w.mishap = func(operation string, after bool) {
		if after && operation == "RepairAsks" {
			w.fail["Running"] = errNotNow
		}
	}
	w.run(6 * time.Hour)
	if w.asks(first, pool.WayMachine); len(w.said) != 1 {
		t.Errorf("said %q", w.said)
	}
}

func TestAStackThatNamesTheOldMachineStillIsNotBelieved(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first)
	w.breaks(first, "nothing")
	seen := 0
	w.mishap = func(operation string, after bool) {
		s, now := w.stack(first), w.machine(first)
		if operation != "Describe" || w.repair(first).Step != pool.StepSeat || now == nil || now == old || s.status != "UPDATE_COMPLETE" {
			return
		}
		if seen++; seen < 6 {
			s.outputs["MachineId"] = old.id
		} else {
			s.outputs["MachineId"] = now.id
		}
	}
	w.run(2 * time.Hour)
	if w.inService(first); seen < 6 {
		t.Errorf("seen %d times", seen)
	}
}

func TestAMachineThatIsNotKnownYetIsWaitedFor(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	looks := 0
	w.mishap = func(operation string, after bool) {
		if !after {
			delete(w.fail, "Look")
		}
		if w.repair(first).Step == pool.StepReunite && looks < 3 && operation == "Stops" && after {
			looks++
			w.fail["Look"] = pool.ErrNotFound
		}
	}
	w.run(2 * time.Hour)
	if w.inService(first); looks != 3 || w.tried(first) != "reboot restart machine" {
		t.Errorf("%d looks, tried %s", looks, w.tried(first))
	}
}

// TestWhatCanNeverBeLookedAtComesToPeople has each call of a look fail, for a while and for good.
func TestWhatCanNeverBeLookedAtComesToPeople(t *testing.T) {
	for _, call := range []string{"Look", "Attachment", "Running"} {
		w := newWorld(t, 1)
		w.breaks(first, "reboot")
		w.fail[call] = errNotNow
		w.run(9 * time.Minute)
		if len(w.said) > 0 {
			t.Errorf("%s failed for some minutes, and is said: %q", call, w.said)
		}
		w.run(5 * time.Hour)
		if r := w.repair(first); len(w.said) != 1 || !strings.Contains(w.said[0], "it can't be looked at, and is left as it is: ") || w.made() != "" || r.State.Ended() {
			t.Errorf("%s fails for good: said %q, calls %s, %+v", call, w.said, w.made(), r)
		}
		delete(w.fail, call)
		w.run(30 * time.Minute)
		w.inService(first)
	}
}

func TestTellingOfABlindRepairKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 1)
		w.breaks(first, "reboot")
		w.fail["Look"] = errNotNow
		w.deliver(life, 25*time.Minute)
		delete(w.fail, "Look")
		w.deliver(life, 40*time.Minute)
		return w.outcome()
	})
}
