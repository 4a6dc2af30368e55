package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A stack that can't be updated so would leave a machine without disks behind.
func TestAMachineIsNotStrippedWhoseStackCanNotBeUpdatedSo(t *testing.T) {
	for name, spoil := range map[string]func(*stack){
		"an earlier template": func(s *stack) { delete(s.parameters, "HasMachine") },
		"a failed update":     func(s *stack) { s.status = "UPDATE_ROLLBACK_FAILED" },
	} {
		w := newWorld(t, 1)
		m := w.machine(first)
		spoil(w.stack(first))
		w.must(w.request(first, events.RepairReplace, wanted))
		w.run(3 * time.Hour)
		if w.machine(first) != m || m.state != pool.MachineRunning || strings.Contains(w.made(), "Detach") || strings.Contains(w.made(), "Stop") {
			t.Errorf("%s: the machine is %s, calls %s", name, m.state, w.made())
		}
		if r := w.repair(first); r.Next != "" || r.State == pool.RepairMended {
			t.Errorf("%s: the repair is %s", name, r.State)
		}
	}
}

func TestAHostWhoseMoveWasDroppedHalfWayTakesNoTenants(t *testing.T) {
	w := newWorld(t, 1)
	w.center.deaf = true // the new appliance imports nothing
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	w.must(w.request(first, events.RepairDrop, ""))
	if h := w.host(first); h.State != pool.HostCordoned || !strings.Contains(h.Doubt, "in the midst of a move") {
		t.Errorf("host is %s: %q", h.State, h.Doubt)
	}
}
