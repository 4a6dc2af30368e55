package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

func TestAMachineThatALedgerPutBackDoesNotKnowIsNotTakenAway(t *testing.T) {
	for _, way := range []pool.Way{pool.WayMachine, pool.WayGateway} {
		for name, meanwhile := range map[string]struct {
			way     pool.Way
			against string
		}{
			"another gateway serves":     {pool.WayGateway, "its stack has machine"},
			"it serves on a new machine": {pool.WayMachine, "is at machine"},
		} {
			w := newWorld(t, 1)
			w.beyond(first)
			putBack := w.ledger.Then()
			w.must(w.request(first, events.RepairProceed, string(meanwhile.way)))
			w.run(2 * time.Hour)
			w.inService(first)
			next := w.machine(first)
			putBack()
			w.must(w.request(first, events.RepairProceed, string(way)))
			w.run(12 * time.Hour)
			if w.machine(first) != next || next.state != pool.MachineRunning || len(next.disks) < 2 {
				t.Errorf("%s, and way %s: %+v; %v", name, way, w.repair(first).Tried, w.center)
			}
			if r := w.repair(first); r.State != pool.RepairAsking || !strings.Contains(r.Tried[2].Came, meanwhile.against) {
				t.Errorf("%s, and way %s: the repair is %s: %+v", name, way, r.State, r.Tried)
			}
		}
	}
}

func TestABareMachineOfAnUpdateThatWasGivenUpIsReplaced(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	asked := false
	w.mishap = func(operation string, after bool) {
		if r := w.repair(first); r.Step != pool.StepSeat {
			delete(w.fail, "Describe")
		} else if after && operation == "Update" { // nobody sees what comes of it
			asked = true
			w.fail["Describe"] = errNotNow
		}
	}
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	bare := w.machine(first)
	root := bare.disks[rootDevice].volume
	if r := w.repair(first); !asked || bare == nil || r.Next != "" || w.stack(first).outputs["MachineId"] != bare.id || !strings.Contains(r.Tried[2].Came, "step seat") {
		t.Fatalf("%+v; %v", r, w.center)
	}
	w.mishap = nil
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(3 * time.Hour)
	if w.inService(first); w.machine(first) == bare || !w.repair(first).Keeps(root) {
		t.Errorf("it is on machine %s, and %+v is kept", w.machine(first).id, w.repair(first).Kept)
	}
}
