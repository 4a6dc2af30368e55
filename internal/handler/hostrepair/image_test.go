package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// age has an image be so much older than the one that hosts are made from.
func (w *world) age(id string, by time.Duration) {
	w.images[id] = pool.Image{ID: id, Name: "withdrawn", Made: w.images[oldImage].Made.Add(-by)}
}

func TestAnOlderImageIsRefused(t *testing.T) {
	w := newWorld(t, 1)
	w.age(wanted, 24*time.Hour)
	m := w.machine(first)
	err := w.request(first, events.RepairReplace, wanted)
	if err == nil || !strings.Contains(err.Error(), wanted+" (withdrawn, of 2026-05-01)") || !strings.Contains(err.Error(), oldImage+" (appliance-0, of 2026-05-02)") {
		t.Errorf("it says %v", err)
	}
	delete(w.images, wanted)
	if err := w.request(first, events.RepairReplace, wanted); err == nil || !strings.Contains(err.Error(), "EC2 knows no image "+wanted) {
		t.Errorf("of an image that is not there: %v", err)
	}
	w.run(time.Hour)
	if w.inService(first); w.machine(first) != m || w.made() != "" {
		t.Errorf("calls %s", w.made())
	}
}

// What nobody can tell a person has to answer for, who is told so.
func TestTheAgeOfAnImageThatIsGoneIsUnknown(t *testing.T) {
	w := newWorld(t, 2)
	second := w.ids[1]
	delete(w.images, oldImage)
	const says = "EC2 does not know image " + oldImage + " any more"
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(time.Hour)
	w.inService(first)
	if r := w.repair(first); w.machine(first).image != wanted || !strings.Contains(r.Cause, says) {
		t.Errorf("on %s, for %s", w.machine(first).image, r.Cause)
	}
	w.drills = nil
	w.breaks(second, "nothing")
	w.run(2 * time.Hour)
	if r := w.repair(second); r.State != pool.RepairAsking || r.Way != pool.WayMachine || !strings.Contains(r.Asked, says) {
		t.Errorf("it is %s, and asks %q", r.State, r.Asked)
	}
	w.must(w.request(second, events.RepairProceed, "machine"))
	w.run(time.Hour)
	if w.inService(second); w.machine(second).image != newest {
		t.Errorf("on %s", w.machine(second).image)
	}
}

// When AWS has withdrawn a release, the newest image that it names is an older one: not even a drill on record has it chosen.
func TestAnOlderImageIsNeverChosen(t *testing.T) {
	w := newWorld(t, 1)
	w.age(newest, time.Second)
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	if r := w.repair(first); r.State != pool.RepairAsking || r.Way != pool.WayMachine || r.To != oldImage {
		t.Fatalf("it is %s, way %s, to %s", r.State, r.Way, r.To)
	}
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(time.Hour)
	if w.inService(first); w.machine(first).image != oldImage || w.tried(first) != "reboot restart machine" {
		t.Errorf("on %s, tried %s", w.machine(first).image, w.tried(first))
	}
}
