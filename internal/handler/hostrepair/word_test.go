package hostrepair

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// TestAWordIsObeyedInAZoneThatFails has a person give the word for a host whose zone fails meanwhile: they are not kept waiting
// until the zone is forgotten.
func TestAWordIsObeyedInAZoneThatFails(t *testing.T) {
	w := newWorld(t, 10)
	w.drills = nil
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	w.asks(first, pool.WayMachine)
	for _, id := range w.ids[1:5] {
		w.breaks(id, "nothing")
	}
	w.run(15 * time.Minute)
	if made := w.made(); w.tried(w.ids[1]) != "" {
		t.Fatalf("it is mended into a zone that fails: %s", made)
	}
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(15 * time.Minute)
	if r := w.repair(first); r.State == pool.RepairWaiting || w.tried(first) != "reboot restart machine" {
		t.Errorf("it is %s at %q (%s), and tried %s", r.State, r.Step, r.Error, w.tried(first))
	}
	for _, id := range w.ids[1:5] {
		if w.tried(id) != "" {
			t.Errorf("%s is mended by no word: %s", id, w.tried(id))
		}
	}
}
