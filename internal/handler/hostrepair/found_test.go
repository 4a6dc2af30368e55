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

// TestWhatRanBeforeTheFenceDoesNotRunBehindIt has a gateway be given up that had taken its new machine over before, and then the
// machine of the new gateway be gone: no gateway of the host has run there.
func TestWhatRanBeforeTheFenceDoesNotRunBehindIt(t *testing.T) {
	w := newWorld(t, 1)
	w.gateway(first).unavailable[w.gateway(first).shares[0]] = true // so that it is not proven, and asked about
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(12 * time.Hour)
	moved := w.repair(first)
	if moved.State != pool.RepairAsking || !moved.TookOver() {
		t.Fatalf("%+v", moved)
	}
	second := w.machine(first).id
	w.machine(first).hangs = "nothing"
	w.run(6 * time.Hour)
	ended := false
	w.mishap = func(operation string, after bool) {
		if r := w.repair(first); after && operation == "SaveRepair" && r.Step == pool.StepBoot && !ended {
			ended = true
			if r.TookOver() {
				t.Errorf("the gateway has run on machine %s, which was made just now", r.Next)
			}
			w.center.terminate(w.machine(first), false)
		}
	}
	for range 6 {
		if r := w.repair(first); r.State == pool.RepairAsking {
			word := string(r.Way) // a restart comes first
			if r.Way == pool.WayMachine {
				word = string(pool.WayGateway)
			}
			w.must(w.request(first, events.RepairProceed, word))
		}
		w.run(6 * time.Hour)
	}
	h := w.host(first)
	if w.sound(); !ended || h.Gateways != 1 || h.Access.Machine != w.machine(first).id || h.Access.Machine == second {
		t.Errorf("it is on machine %s, of gateway %s; its repair is %s at %q: %s", h.Access.Machine, h.Access.GatewayID(), w.repair(first).State, w.repair(first).Step, w.repair(first).Error)
	}
	w.inService(first)
}
