package hostrepair

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A person may go on with a move by AWS's guide where Headroom has given it up.
func TestAMoveThatAPersonWentOnWithIsKnown(t *testing.T) {
	w := newWorld(t, 1)
	root := w.machine(first).disks[rootDevice].volume
	w.center.deaf = true
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	w.center.deaf = false
	next := w.machine(first)
	h := w.host(first)
	w.must(w.center.take(h.Access.Appliance, h.Access.GatewayID()))
	w.run(time.Hour)
	w.must(w.center.stop(next.id))
	w.run(time.Hour)
	w.must(w.center.detach(root, next.id))
	w.must(w.center.start(next.id))
	w.run(6 * time.Hour)
	w.inService(first)
	if h := w.host(first); h.Access.Machine != next.id || h.Image != wanted {
		t.Errorf("by the books its machine is %s of image %s, and not %s", h.Access.Machine, h.Image, next.id)
	}
	if r := w.repair(first); !r.Keeps(root) {
		t.Errorf("kept are %v, and not %s", r.Kept, root)
	}
}

// What a gateway needs next time is the root disk of the machine that it ran on last.
func TestAMachineThatIsGoneAfterItsGatewayRanThereIsReplacedFromItsOwnRoot(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first).disks[rootDevice].volume
	share := w.gateway(first).shares[0]
	w.gateway(first).unavailable[share] = true // so that it is not proven, and asked about
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(12 * time.Hour)
	if r := w.repair(first); r.State != pool.RepairAsking || !r.TookOver() {
		t.Fatalf("%+v", r)
	}
	second := w.machine(first)
	root := second.disks[rootDevice].volume
	w.gateway(first).unavailable[share] = false
	w.writes(first, "written on the second machine")
	w.center.terminate(second, false)
	for range 3 { // of what is asked for, the last is another machine
		w.run(time.Hour)
		if r := w.repair(first); r.State == pool.RepairAsking {
			w.must(w.request(first, events.RepairProceed, string(r.Way)))
		}
		w.run(6 * time.Hour)
	}
	w.inService(first)
	r := w.repair(first)
	if r.Root != root || r.Machine != second.id || !r.Keeps(old) || !r.Keeps(root) {
		t.Errorf("it was replaced from root %s of machine %s, and not from %s of %s; kept are %v", r.Root, r.Machine, root, second.id, r.Kept)
	}
}
