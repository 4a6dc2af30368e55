package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// ended has a host's machine end, until a person is asked.
func (w *world) ended(id pool.HostID) {
	w.t.Helper()
	w.drills = nil
	w.center.terminate(w.machine(id), false)
	w.doubt(id)
	w.run(15 * time.Minute)
	w.asks(id, pool.WayMachine)
}

// moves has a host moved to a new gateway by word. Something happens at the first look at whom its shares serve.
func (w *world) moves(id pool.HostID, does func()) {
	w.t.Helper()
	w.mishap = func(operation string, after bool) {
		if !after && operation == "Served" && w.repair(id).Step == pool.StepReadmit && does != nil {
			does()
			does = nil
		}
	}
	w.must(w.request(id, events.RepairProceed, "gateway"))
}

func TestWhoHadAShareIsLetInWhateverMendsTheNewGateway(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.ended(first)
	w.moves(first, func() {
		w.breaks(first, "reboot")
		w.fail["Served"], w.fail["Set"] = pool.ErrUnreachable, pool.ErrUnreachable
	})
	w.run(100 * time.Minute) // longer than the step is tried
	delete(w.fail, "Served")
	delete(w.fail, "Set")
	w.run(10 * time.Hour)
	if w.renewed(first, before); w.tried(first) != "gateway reboot" {
		t.Errorf("tried %s", w.tried(first))
	}
}

func TestAHostWhoseNewSharesCantBeOpenedIsAskedAboutAndNotLeftSo(t *testing.T) {
	for name, begins := range map[string]func(*world){
		"one that failed": func(w *world) { w.ended(first) },
		"one whose machine was to be replaced": func(w *world) {
			w.center.deaf = true
			w.must(w.request(first, events.RepairReplace, wanted))
			w.run(24 * time.Hour)
			w.asks(first, pool.WayMachine)
		},
	} {
		w := newWorld(t, 1)
		before := w.host(first)
		begins(w)
		w.moves(first, func() { w.fail["Set"] = errNotNow })
		for range 180 {
			if w.run(time.Minute); w.repair(first).State == pool.RepairAsking {
				break
			}
		}
		if r := w.repair(first); r.State != pool.RepairAsking || !strings.Contains(w.said[len(w.said)-1], "its shares are not as they were") {
			t.Fatalf("%s: %+v; said %q", name, r, w.said)
		}
		if err := w.request(first, events.RepairDrop, ""); err == nil || !strings.Contains(err.Error(), "not opened") {
			t.Errorf("%s: dropped: %v", name, err)
		}
		delete(w.fail, "Set")
		w.run(3 * time.Hour)
		w.renewed(first, before)
	}
}
