package hostrepair

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// evidence is what a host's repair has proven at a step, the last time.
func (w *world) evidence(id pool.HostID, step pool.Step) string {
	what := ""
	for _, p := range w.repair(id).Proofs {
		if p.Step == step {
			what = p.What
		}
	}
	return what
}

// takes has a tenant take every slot of a host, or nobody.
func (w *world) takes(id pool.HostID, state pool.SlotState, tenant pool.TenantID) {
	w.t.Helper()
	_, _, err := ledger.UpdateHost(w.t.(*testing.T).Context(), w.ledger, id, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		for i := range h.Slots {
			h.Slots[i].State, h.Slots[i].Tenant = state, tenant
		}
		return h, pool.Neutral, nil
	})
	w.must(err)
}

func TestAShareIsReadBeforeItsHostServesAgain(t *testing.T) {
	w := newWorld(t, 1)
	free := w.host(first).Slots[1].Share
	opened := 0
	w.mishap = func(operation string, after bool) {
		if operation == "Served" && after && len(w.list(free)) == 1 && strings.HasPrefix(w.list(free)[0], "10.9.") {
			if opened++; w.host(first).State != pool.HostCordoned {
				t.Errorf("a share of a host that is %s is open to a task", w.host(first).State)
			}
		}
	}
	w.breaks(first, "reboot")
	w.run(30 * time.Minute)
	w.inService(first)
	if got := w.evidence(first, pool.StepProbe); opened == 0 || len(w.doors.jobs) != 1 || !strings.Contains(got, free+", which is nobody's, was read by a client") {
		t.Errorf("%d tasks, opened %d times: %q", len(w.doors.jobs), opened, got)
	}
	if w.unwritable[0] > 6*time.Minute {
		t.Errorf("tenants could not write for %s: that a share is read is none of it", w.unwritable[0])
	}
}

func TestWhereNoShareIsNobodysNoneIsOpened(t *testing.T) {
	for _, state := range []pool.SlotState{pool.SlotAssigned, pool.SlotOffered, pool.SlotReturned, pool.SlotLeaving, pool.SlotQuarantined} {
		w := newWorld(t, 1)
		w.takes(first, state, "acme")
		w.breaks(first, "reboot")
		w.run(30 * time.Minute)
		w.inService(first)
		if got := w.evidence(first, pool.StepProbe); len(w.doors.jobs) > 0 || !strings.Contains(got, "no share was read") {
			t.Errorf("%s: %d tasks: %q", state, len(w.doors.jobs), got)
		}
	}
}

func TestAShareThatRestsCanBeRead(t *testing.T) {
	w := newWorld(t, 1)
	h := w.host(first)
	resting := h.Clone()
	resting.Slots[1].State = pool.SlotCooling
	if s, ok := resting.Unassigned(); !ok || s.Share != h.Slots[1].Share {
		t.Errorf("%+v, %v", s, ok)
	}
}

func TestAShareThatCantBeReadIsAskedAbout(t *testing.T) {
	for name, test := range map[string]struct {
		goes  func(w *world)
		jobs  int
		words string
	}{
		"nobody can mount it":        {func(w *world) { w.doors.deaf = true }, pool.ProbesMost, "can't be read: its task does not come to an end"},
		"something lies in it":       {func(w *world) { w.doors.found = `"passwords" lies in the share` }, 1, `is not empty: "passwords" lies in the share`},
		"tasks end without a report": {func(w *world) { w.doors.dies = 100 }, pool.ProbesMost, "ended without a report"},
	} {
		w := newWorld(t, 1)
		test.goes(w)
		w.breaks(first, "reboot")
		w.run(90 * time.Minute)
		w.asks(first, pool.WayRestart)
		w.closed(first)
		if len(w.doors.jobs) != test.jobs || !strings.Contains(w.said[0], test.words) {
			t.Errorf("%s: %d tasks, said %q", name, len(w.doors.jobs), w.said)
		}
		w.run(12 * time.Hour)
		if w.asks(first, pool.WayRestart); len(w.doors.jobs) != test.jobs || len(w.said) != 1 {
			t.Errorf("%s: half a day later %d tasks, said %q", name, len(w.doors.jobs), w.said)
		}
		w.doors.deaf, w.doors.found, w.doors.dies = false, "", 0
		w.must(w.request(first, events.RepairProceed, "restart"))
		w.run(time.Hour)
		w.inService(first)
	}
}

func TestATaskThatFailedIsFollowedByAnother(t *testing.T) {
	w := newWorld(t, 1)
	w.doors.dies = 1
	w.breaks(first, "reboot")
	w.run(time.Hour)
	if w.inService(first); len(w.doors.jobs) != 2 || w.tried(first) != "reboot" {
		t.Errorf("%d tasks, tried %s", len(w.doors.jobs), w.tried(first))
	}
}

func TestWithoutRoomForATaskThereIsNoProof(t *testing.T) {
	w := newWorld(t, 1)
	w.doors.full = true
	w.breaks(first, "reboot")
	w.run(time.Hour)
	if h := w.host(first); h.State != pool.HostCordoned || w.repair(first).Step != pool.StepProbe {
		t.Fatalf("it is %s, at step %s", h.State, w.repair(first).Step)
	}
	w.doors.full = false
	w.run(10 * time.Minute)
	w.inService(first)
	w = newWorld(t, 1)
	w.doors.full = true
	w.breaks(first, "reboot")
	w.run(4 * time.Hour)
	w.asks(first, pool.WayRestart)
}

func TestAGatewayThatFailsWhileItsShareIsOpenIsShutByTheNetwork(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.doors.deaf = true
	w.breaks(first, "reboot")
	w.mishap = func(operation string, after bool) {
		if operation == "Shut" && after {
			w.machine(first).hangs = "nothing"
			w.mishap = nil
		}
	}
	w.run(5 * time.Hour)
	w.asks(first, pool.WayMachine)
	h := w.host(first)
	if rules := w.doors.rules[h.Access.SecurityGroup]; len(rules) > 0 {
		t.Errorf("the network lets in %v", rules)
	}
	w.must(w.request(first, events.RepairDrop, ""))
	w.machine(first).hangs, w.doors.deaf = "", false
	w.run(30 * time.Minute)
	if h := w.host(first); h.State != pool.HostInService || h.Repair != 0 {
		t.Errorf("dropped, it is %s", h.State)
	}
	w.breaks(first, "reboot") // and the next repair closes what is open still
	w.run(time.Hour)
	w.inService(first)
}

// TestAShareThatIsOpenAtALostGatewayHoldsNobodyUp has a gateway fail for good while a task is let in to a share of it: the share
// can never be closed, and reaches nobody any more.
func TestAShareThatIsOpenAtALostGatewayHoldsNobodyUp(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.drills = nil
	w.doors.deaf = true
	w.breaks(first, "reboot")
	w.mishap = func(operation string, after bool) {
		if operation == "Shut" && after {
			w.machine(first).hangs = "nothing"
			w.gateway(first).seen = w.now.Add(-2 * time.Hour) // known to be away at once
			w.mishap = nil
		}
	}
	w.run(5 * time.Hour)
	w.asks(first, pool.WayMachine)
	w.doors.deaf = false
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(2 * time.Hour)
	w.renewed(first, before)
}

func TestAWaitingStopSwitchLeavesNoShareOpen(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	w.mishap = func(operation string, after bool) {
		if operation == "Admit" && after {
			w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Repair: true, By: "ops"}))
		}
	}
	w.run(2 * time.Hour)
	w.closed(first)
}

func TestReportsOfOthersOpenNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	w.doors.deaf = true
	var open events.TaskReport
	w.mishap = func(operation string, after bool) {
		if operation == "Shut" && after && open.ID == "" {
			for _, m := range w.repairs.Messages() {
				if strings.Contains(m.Body, events.TypeTaskReport) {
					w.must(json.Unmarshal([]byte(m.Body), &open))
				}
			}
			open = events.TaskReport{Job: events.JobProbe, Of: events.OfRepair, ID: "share-standard-1.1", Attempt: 1, Address: w.doors.jobs[0].address}
		}
	}
	w.run(20 * time.Minute)
	w.doors.deaf = false
	w.run(2 * time.Hour)
	w.inService(first)
	for name, change := range map[string]func(r *events.TaskReport){
		"late":              func(*events.TaskReport) {},
		"of another repair": func(r *events.TaskReport) { r.ID = "share-standard-1.9" },
		"of another host":   func(r *events.TaskReport) { r.ID = "share-standard-9.1" },
		"of no repair":      func(r *events.TaskReport) { r.ID = "share-standard-1" },
		"of a departure":    func(r *events.TaskReport) { r.Of = events.OfDeparture },
		"of another job":    func(r *events.TaskReport) { r.Job = events.JobVerify },
		"done":              func(r *events.TaskReport) { r.Done = true },
	} {
		r := open
		change(&r)
		w.must(w.handler(undisturbed).report(t.Context(), r))
		w.run(5 * time.Minute)
		if w.inService(first); w.repair(first).Number != 1 {
			t.Errorf("%s: %+v", name, w.repair(first))
		}
	}
}

func TestALookIntoAShareKilledAtEveryCall(t *testing.T) {
	for name, goes := range map[string]func(w *world){
		"it is read":           func(*world) {},
		"a task dies":          func(w *world) { w.doors.dies = 1 },
		"something lies in it": func(w *world) { w.doors.found = "a file" },
	} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, scenario(func(w *world) {
				goes(w)
				w.breaks(first, "reboot")
			}, 70*time.Minute))
		})
	}
}

// TestWhoLetATaskInLateShutsItOut has a report be handled that stands still just before it opens the share, until all is over.
func TestWhoLetATaskInLateShutsItOut(t *testing.T) {
	for _, at := range []string{"Admit", "Served", "Shut"} {
		w := newWorld(t, 1)
		w.breaks(first, "reboot")
		stood := false
		w.mishap = func(operation string, after bool) {
			if operation != at || after || stood || w.repair(first).Step != pool.StepProbe || w.repair(first).Probe.Address == "" {
				return
			}
			stood = true
			w.run(50 * time.Second) // others go on
			w.doors.deaf = w.repair(first).Probe.Open()
		}
		w.run(2 * time.Hour)
		w.doors.deaf = false
		w.run(2 * time.Hour)
		if !stood {
			t.Fatalf("%s was not called", at)
		}
		w.sound()
		if h := w.host(first); h.State == pool.HostInService {
			w.closed(first)
		}
	}
}

// TestAShareThatItsClearanceHasWithdrawnIsNotWaitedFor has a slot be scrubbed, whose share is gone: the slot is renewed only once
// its host is out of repair.
func TestAShareThatItsClearanceHasWithdrawnIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, 1)
	_, _, err := ledger.UpdateHost(t.Context(), w.ledger, first, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		h.Slots[1].State, h.Slots[1].Tenant = pool.SlotLeaving, "tenant-9"
		return h, pool.Neutral, nil
	})
	w.must(err)
	g, gone := w.gateway(first), w.host(first).Slots[1].Share
	g.shares = slices.DeleteFunc(g.shares, func(id string) bool { return id == gone })
	w.breaks(first, "reboot")
	w.run(2 * time.Hour)
	if h, r := w.host(first), w.repair(first); h.State != pool.HostInService || r.State != pool.RepairMended {
		t.Errorf("it is %s, its repair %s at %q: %s", h.State, r.State, r.Step, r.Error)
	}
}
