package hostrepair

import (
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// leftOpen has a gateway fail, so that it can't be told anything, while a task is let in to a share of it, and its repair be dropped.
// The gateway is well then.
func leftOpen(t *testing.T) (w *world, open string) {
	t.Helper()
	w = newWorld(t, 1)
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
	r := w.repair(first)
	if open = r.Probe.Share; !r.Probe.Open() || !slices.Equal(w.list(open), []string{r.Probe.Address + "/32"}) {
		t.Fatalf("share %s is open to %v: %+v", open, w.list(open), r.Probe)
	}
	w.must(w.request(first, events.RepairDrop, ""))
	w.machine(first).hangs, w.doors.deaf = "", false
	return w, open
}

func TestAShareThatIsLeftOpenRestsAndIsNobodysUntilItIsClosed(t *testing.T) {
	w, open := leftOpen(t)
	h, s := w.slotOf(open)
	if h.Repair != 0 || s.State != pool.SlotReturned || !s.Since.Equal(w.now) {
		t.Errorf("let go from repair %d, slot %d is %s since %s", h.Repair, s.Index, s.State, s.Since)
	}
	for _, other := range h.Slots {
		if other.Index != s.Index && other.State == pool.SlotReturned {
			t.Errorf("slot %d is %s", other.Index, other.State)
		}
	}
}

// TestWhatARepairSweepsLaterClosesNobodysShare has a tenant get a share that the repair before left open, and the repair's old
// disks be swept then.
func TestWhatARepairSweepsLaterClosesNobodysShare(t *testing.T) {
	w, open := leftOpen(t)
	_, _, err := ledger.UpdateHost(t.Context(), w.ledger, first, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		for i := range h.Slots {
			if h.Slots[i].Share == open {
				h.Slots[i].State, h.Slots[i].Tenant = pool.SlotAssigned, "bolt"
			}
		}
		return h, pool.Neutral, nil
	})
	w.must(err)
	w.doors.lists[open] = []string{"10.0.0.7/32"}
	_, _, err = ledger.UpdateRepair(t.Context(), w.ledger, first, func(r pool.Repair) (pool.Repair, error) {
		r.Kept = append(r.Kept, pool.KeptDisk{Volume: "vol-gone", Until: w.now.Add(time.Hour), Repair: r.Number})
		return r.Rest(w.now), nil
	})
	w.must(err)
	w.run(3 * time.Hour)
	if r := w.repair(first); len(r.Kept) > 0 || !slices.Equal(w.list(open), []string{"10.0.0.7/32"}) {
		t.Errorf("the share is open to %v; kept %v", w.list(open), r.Kept)
	}
}
