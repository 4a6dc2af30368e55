package hostrepair

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// TestADiskOfAMachineThatEndsLastIsNotTakenForALeftOne has the machine of a gateway that was just mended be ended while its repair
// looks for disks that were left behind: the next one finds its root disk, and nothing of it is ever deleted.
func TestADiskOfAMachineThatEndsLastIsNotTakenForALeftOne(t *testing.T) {
	for way, breaks := range map[pool.Way]func(*world){
		pool.WayReboot:  func(w *world) { w.breaks(first, "reboot") },
		pool.WayRestart: func(w *world) { w.breaks(first, "restart") },
		pool.WayMachine: func(w *world) { w.breaks(first, "nothing") },
		pool.WayGateway: func(w *world) {
			w.beyond(first)
			w.must(w.request(first, events.RepairProceed, string(pool.WayGateway)))
		},
	} {
		t.Run(string(way), func(t *testing.T) {
			w := newWorld(t, 1)
			last := ""
			w.mishap = func(operation string, after bool) {
				if r := w.repair(first); last == "" && !after && operation == "FindVolumes" && r.Step == pool.StepDischarge {
					last = w.machine(first).disks[rootDevice].volume
					w.center.terminate(w.machine(first), false)
					w.now = w.now.Add(time.Minute)
					w.center.tick()
				}
			}
			breaks(w)
			w.run(12 * time.Hour)
			if last == "" {
				t.Fatal("no repair looked for disks")
			}
			if w.host(first).State == pool.HostInService { // nobody has seen it yet
				w.doubt(first)
			}
			w.run(12 * time.Hour)
			if w.repair(first).State == pool.RepairAsking { // there is no drill from the image that it has by now
				w.must(w.request(first, events.RepairProceed, string(pool.WayMachine)))
				w.run(12 * time.Hour)
			}
			w.inService(first)
			r := w.repair(first)
			if r.Way != pool.WayMachine || !r.Keeps(last) {
				t.Errorf("it went way %s, and keeps %+v of which it began with %s", r.Way, r.Kept, last)
			}
			w.sound()
		})
	}
}

// TestNothingIsLeftWhereTheRootDiskIsNotKnown has a repair go on whose record is of before the disk was noted.
func TestNothingIsLeftWhereTheRootDiskIsNotKnown(t *testing.T) {
	w := newWorld(t, 1)
	last := ""
	w.mishap = func(operation string, after bool) {
		r := w.repair(first)
		if last != "" || !after || operation != "SaveRepair" || r.Step != pool.StepDischarge {
			return
		}
		last = r.NextRoot
		before := r.Clone()
		before.NextRoot = ""
		_, err := w.ledger.SaveRepair(t.Context(), r, before)
		w.must(err)
		w.center.terminate(w.machine(first), false)
		w.now = w.now.Add(time.Minute)
		w.center.tick()
	}
	w.breaks(first, "nothing")
	w.run(12 * time.Hour)
	if r := w.repair(first); last == "" || r.Number == 1 && r.Keeps(last) {
		t.Errorf("disk %q, of which the gateway is, is kept as one that was left behind: %+v", last, r.Kept)
	}
}
