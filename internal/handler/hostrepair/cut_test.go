package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// cuts has a host's gateway be cut off from its region, for so long that the region knows.
func (w *world) cuts(id pool.HostID) {
	w.t.Helper()
	w.machine(id).cut = true
	w.skip(2 * time.Hour)
	w.writes(id, "written while it is cut off")
}

// TestAGatewayThatIsCutOffServesOn has a gateway reach nothing of its region: its tenants write on to its cache, and whatever is done
// to its machine would only take that from them.
func TestAGatewayThatIsCutOffServesOn(t *testing.T) {
	w := newWorld(t, 2)
	w.cuts(first)
	w.put(events.NewHostRound(string(first), 1))
	w.run(12 * time.Hour)
	h, r := w.host(first), w.repair(first)
	if w.sound(); h.State != pool.HostCordoned || w.made() != "" || r.State != pool.RepairLooking || !r.Quiet.IsZero() {
		t.Fatalf("host is %s (%s), its repair %+v, calls %s", h.State, h.Barriers(), r, w.made())
	}
	if len(w.said) != 1 || !strings.Contains(w.said[0], "it serves its clients, and uploads nothing: the region does not see it") {
		t.Errorf("said %q", w.said)
	}
	w.breaks("share-standard-2", "reboot") // which is in nobody's way
	w.run(30 * time.Minute)
	w.inService("share-standard-2")
	w.machine(first).cut = false
	w.run(30 * time.Minute)
	w.inService(first)
	if r := w.repair(first); r.State != pool.RepairPassed {
		t.Errorf("%+v", r)
	}
}

func TestAGatewayThatIsCutOffAndHangsThenIsMended(t *testing.T) {
	w := newWorld(t, 1)
	w.cuts(first)
	w.doubt(first)
	w.run(time.Hour)
	w.machine(first).hangs, w.machine(first).cut = "reboot", false
	w.run(time.Hour)
	w.inService(first)
	if got := w.tried(first); got != "reboot" {
		t.Errorf("tried %s", got)
	}
}

// TestAWayThatLeavesAGatewayCutOffIsTheLast has a gateway hang that is cut off when it has been rebooted.
func TestAWayThatLeavesAGatewayCutOffIsTheLast(t *testing.T) {
	w := newWorld(t, 2)
	w.breaks(first, "reboot")
	w.mishap = func(operation string, after bool) {
		if m := w.machine(first); after && operation == "Reboot" && !m.cut {
			m.cut = true
			w.gateway(first).seen = w.now.Add(-2 * time.Hour)
		}
	}
	w.run(3 * time.Hour)
	h, r := w.host(first), w.repair(first)
	if w.sound(); h.State != pool.HostCordoned || w.made() != "Reboot" || r.Step != pool.StepEnter || w.ward().Admitted(first) {
		t.Fatalf("host is %s, its repair %+v, calls %s", h.State, r, w.made())
	}
	w.machine(first).cut = false
	w.run(time.Hour)
	w.inService(first)
	if w.made() != "Reboot" {
		t.Errorf("calls %s", w.made())
	}
}

// TestAWishForOneThatIsCutOffWaits has a person want another machine for a gateway that can't take it over, and an update, which
// leaves it alone.
func TestAWishForOneThatIsCutOffWaits(t *testing.T) {
	w := newWorld(t, 1)
	w.cuts(first)
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(3 * time.Hour)
	if r := w.repair(first); w.made() != "" || r.State.Ended() {
		t.Fatalf("calls %s, %+v", w.made(), r)
	}
	w.must(w.request(first, events.RepairDrop, ""))
	w.must(w.request(first, events.RepairUpdate, ""))
	w.run(3 * time.Hour)
	if w.sound(); w.made() != "Execute" {
		t.Errorf("calls %s, %+v", w.made(), w.repair(first))
	}
}
