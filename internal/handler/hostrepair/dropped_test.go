package hostrepair

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

func TestAMoveThatWasDroppedIsGoneOnWithByTheNextRepair(t *testing.T) {
	for name, test := range map[string]struct{ deaf, weak bool }{"before the import": {deaf: true}, "after it": {weak: true}} {
		w := newWorld(t, 1)
		w.center.deaf, w.center.weak = test.deaf, test.weak
		root := w.machine(first).disks[rootDevice].volume
		w.breaks(first, "nothing")
		w.run(24 * time.Hour)
		w.asks(first, pool.WayMachine)
		w.must(w.request(first, events.RepairDrop, ""))
		if h, r := w.host(first), w.repair(first); h.Repair != 0 || len(r.Kept) > 0 {
			t.Fatalf("%s: kept %v", name, r.Kept)
		}
		w.skip(20 * 24 * time.Hour)
		w.run(6 * time.Hour)
		if w.sound(); w.center.volumes[root] == nil {
			t.Fatalf("%s: the root is gone that the gateway is on", name)
		}
		w.asks(first, pool.WayMachine) // of the next repair
		w.center.deaf, w.center.weak = false, false
		w.machine(first).hangs = ""
		w.must(w.request(first, events.RepairProceed, "machine"))
		w.run(3 * time.Hour)
		w.inService(first)
		if r := w.repair(first); r.Number < 2 || r.Root != root || !r.Keeps(root) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAHostWhoseRepairWasDroppedAfterItsMoveIsOnItsNewMachine(t *testing.T) {
	w := newWorld(t, 1)
	w.gateway(first).unavailable[w.gateway(first).shares[0]] = true
	root := w.machine(first).disks[rootDevice].volume
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(12 * time.Hour)
	if r := w.repair(first); r.State != pool.RepairAsking {
		t.Fatalf("%+v", r)
	}
	w.must(w.request(first, events.RepairDrop, ""))
	if r := w.repair(first); !r.Keeps(root) {
		t.Errorf("kept: %v", r.Kept)
	}
	w.run(time.Minute)
	w.inService(first)
}
