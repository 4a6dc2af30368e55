package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

func TestOneHostOfASmallPoolIsMendedAtATime(t *testing.T) {
	w := newWorld(t, 10)
	zones := map[string]int{}
	for n, id := range w.ids { // in several zones, so that none seems to fail
		before := w.host(id)
		after := before.Clone()
		after.Zone = string(rune('a' + n))
		zones[after.Zone]++
		w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
		w.breaks(id, "reboot")
	}
	most := 0
	w.mishap = func(string, bool) {
		n := 0
		for _, id := range w.ids {
			if w.repair(id).State == pool.RepairMending {
				n++
			}
		}
		most = max(most, n)
	}
	w.run(50 * time.Minute)
	if begun := len(w.ward().Begun); begun > 6 || most != 1 {
		t.Errorf("%d were begun within an hour, %d at once", begun, most)
	}
	w.run(5 * time.Hour)
	for _, id := range w.ids {
		w.inService(id)
	}
	waits := 0
	for _, s := range w.said {
		if strings.Contains(s, "waits: ") {
			waits++
		}
	}
	if waits != 9 || most != 1 {
		t.Errorf("%d were told to wait, %d were mended at once: %q", waits, most, w.said)
	}
}

func TestHostsOfAZoneThatFailsAreLeftAlone(t *testing.T) {
	w := newWorld(t, 10)
	for _, id := range w.ids {
		w.breaks(id, "reboot")
	}
	w.run(45 * time.Minute)
	if w.made() != "" {
		t.Errorf("calls %s", w.made())
	}
	if len(w.said) != 10 || !strings.Contains(w.said[9], "zone "+zone+" seems to fail") {
		t.Errorf("said %q", w.said)
	}
	for _, id := range w.ids[:9] { // the zone is back
		w.machine(id).hangs = ""
	}
	w.run(6 * time.Hour)
	for _, id := range w.ids {
		w.inService(id)
	}
	if w.made() != "Reboot" || w.tried(w.ids[9]) != "reboot" || w.tried(w.ids[0]) != "" {
		t.Errorf("calls %s", w.made())
	}
}

func TestNoneIsBegunForAWhileAfterOneWasGivenUp(t *testing.T) {
	w := newWorld(t, 2)
	w.drills = nil
	w.breaks("share-standard-2", "nothing")
	w.run(5 * time.Minute)
	w.breaks(first, "reboot")
	for w.repair("share-standard-2").State != pool.RepairAsking {
		w.run(time.Minute)
	}
	w.run(12 * time.Minute)
	if w.tried(first) != "" || w.repair(first).State != pool.RepairWaiting {
		t.Errorf("%+v", w.repair(first))
	}
	w.run(20 * time.Minute)
	w.inService(first)
	w.asks("share-standard-2", pool.WayMachine)
}

func TestWhoIsOffTheWardIsMadePlaceFor(t *testing.T) {
	w := newWorld(t, 2)
	w.breaks(first, "nothing")
	w.run(10 * time.Minute)
	w.breaks("share-standard-2", "reboot")
	if r := w.repair(first); r.State != pool.RepairMending {
		t.Fatalf("%+v", r)
	}
	w.loses(first) // while it is being mended
	w.run(30 * time.Minute)
	w.inService("share-standard-2")
	r := w.repair(first)
	if r.State != pool.RepairDropped || r.Step != "" || r.History[len(r.History)-1].Why != "its host is lost" {
		t.Errorf("%+v", r)
	}
	if h := w.host(first); h.State != pool.HostLost {
		t.Errorf("the host is %s", h.State)
	}
}

func TestAStopBetweenAnyTwoStepsIsHeeded(t *testing.T) {
	steps := []pool.Step{
		pool.StepChoose, pool.StepReboot, pool.StepStop, pool.StepStart, pool.StepDetach, pool.StepUnseat, pool.StepSeat, pool.StepReunite, pool.StepImport, pool.StepPart,
	}
	for _, step := range steps {
		w := newWorld(t, 1)
		w.breaks(first, "nothing")
		stopped := time.Time{}
		calls := 0
		w.mishap = func(operation string, after bool) {
			if stopped.IsZero() && after && operation == "SaveRepair" && w.repair(first).Step == step {
				stopped, calls = w.now, len(w.calls)
				w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Repair: true, By: "ops", Why: "drill"}))
			}
		}
		w.run(5 * time.Hour)
		w.sound()
		if stopped.IsZero() {
			t.Fatalf("step %s never came", step)
		}
		for _, c := range w.calls[calls:] {
			switch c {
			case "Reboot", "Stop", "Start", "Keep", "Attach", "Detach", "TagVolume", "DeleteVolume", "Update", "Import":
				t.Errorf("stopped before step %s, and calls %s", step, c)
			}
		}
		if r := w.repair(first); r.Step != step || !strings.Contains(r.Error, "the stop switch is on (ops: drill)") || r.Tries != 0 {
			t.Errorf("%+v", r)
		}
		w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
		w.run(5 * time.Hour)
		w.inService(first)
	}
}

func TestAStopJustBeforeTheMachineIsTakenAwayIsHeeded(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	looks := 0
	w.mishap = func(operation string, after bool) {
		if w.repair(first).Step != pool.StepUnseat || !after || operation != "Stops" {
			return
		}
		if looks++; looks == 1 { // the step may begin, and then it is on
			w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Repair: true, By: "ops", Why: "drill"}))
		}
	}
	w.run(3 * time.Hour)
	if strings.Contains(w.made(), "Update") {
		t.Errorf("calls %s", w.made())
	}
}

func TestSharesThatAreNotAsTheyWereAreAskedAbout(t *testing.T) {
	for name, breaks := range map[string]func(g *gateway){
		"unavailable": func(g *gateway) { g.unavailable[g.shares[1]] = true },
		"not there":   func(g *gateway) { g.shares = g.shares[:1] },
	} {
		w := newWorld(t, 1)
		breaks(w.gateway(first))
		w.breaks(first, "reboot")
		w.silent = false
		w.run(3 * time.Hour)
		r := w.repair(first)
		if w.sound(); r.State != pool.RepairAsking || r.Way != pool.WayRestart || w.made() != "Reboot" {
			t.Fatalf("%s: %+v, calls %s", name, r, w.made())
		}
		if len(w.said) == 0 || !strings.Contains(w.said[0], "its gateway answers, and its shares are not as they were") || !strings.Contains(w.said[0], "share-00000066") {
			t.Errorf("%s: said %q", name, w.said)
		}
	}
	w := newWorld(t, 1)
	w.gateway(first).unavailable[w.gateway(first).shares[0]] = true
	w.breaks(first, "reboot")
	w.run(3 * time.Hour)
	w.must(w.request(first, events.RepairProceed, "restart"))
	w.run(30 * time.Minute)
	if r := w.repair(first); w.tried(first) != "reboot restart" || w.host(first).State != pool.HostCordoned {
		t.Fatalf("%+v", r)
	}
	w.run(3 * time.Hour)
	w.asks(first, pool.WayMachine)
	w.gateway(first).unavailable = map[string]bool{}
	w.run(20 * time.Minute)
	w.inService(first)
	if got := w.tried(first); got != "reboot restart" {
		t.Errorf("tried %s", got)
	}
}

func TestAnAlarmThatIsOnKeepsARepairedHostOut(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	before := w.host(first)
	after := before.Clone()
	after.Alarms = map[string]pool.AlarmMark{"dirty": {On: true, At: w.now}}
	w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
	w.run(20 * time.Minute)
	h := w.host(first)
	if h.State != pool.HostCordoned || h.Repair != 0 || h.Doubt != "" || w.made() != "Reboot" || len(w.said) != 1 {
		t.Errorf("%s, %s, calls %s, said %q", h.State, h.Barriers(), w.made(), w.said)
	}
}

func TestAMessageAboutNothingDoesNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.ails(first) // it is in service
	w.ails("share-standard-9")
	w.ails("database-standard-1")
	w.put(events.NewStep(events.OfRepair, first, "reboot", 1))
	w.put(events.NewStep(events.OfRepair, "share-standard-9", "reboot", 1))
	w.put(events.NewStep(events.OfHost, first, "reboot", 1))
	w.put(map[string]string{"version": "1", "type": "Signup"})
	w.run(10 * time.Minute)
	if w.made() != "" || w.repair(first).Number != 0 || len(w.repairs.Messages()) > 0 {
		t.Errorf("calls %s, left %v", w.made(), w.repairs.Messages())
	}
}

func TestManyWordsThatAHostAilsAreOneRepairAndNoMoreLooks(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	for range 20 {
		w.ails(first)
	}
	looks := 0
	w.mishap = func(operation string, after bool) {
		if after && operation == "Look" {
			looks++
		}
	}
	w.run(time.Minute)
	if r := w.repair(first); r.Number != 1 || looks > 6 {
		t.Errorf("%d looks within a minute: %+v", looks, r)
	}
	w.run(20 * time.Minute)
	w.inService(first)
}

func TestNoOtherWayIsBegunInAZoneThatFails(t *testing.T) {
	w := newWorld(t, 30) // three of which may be mended at once
	w.breaks(first, "restart")
	w.run(5 * time.Minute)
	for _, id := range w.ids[1:4] {
		w.breaks(id, "reboot")
	}
	w.run(50 * time.Minute)
	if r := w.repair(first); w.made() != "Reboot" || w.tried(first) != "reboot" || r.State != pool.RepairMending || !strings.Contains(r.Error, "seems to fail") {
		t.Fatalf("calls %s, %+v", w.made(), r)
	}
	for _, id := range w.ids[1:4] {
		w.machine(id).hangs = ""
	}
	w.run(time.Hour)
	for _, id := range w.ids[:4] {
		w.inService(id)
	}
	if w.made() != "Reboot Stop Start" {
		t.Errorf("calls %s", w.made())
	}
}

func TestWhoIsWellAgainWaitsForNoPlace(t *testing.T) {
	w := newWorld(t, 2)
	w.breaks(first, "nothing")
	w.run(5 * time.Minute)
	w.breaks("share-standard-2", "reboot")
	w.run(5 * time.Minute)
	if r := w.repair("share-standard-2"); r.State != pool.RepairWaiting {
		t.Fatalf("%+v", r)
	}
	w.machine("share-standard-2").hangs = ""
	w.run(2 * time.Minute)
	w.inService("share-standard-2")
	if r := w.repair(first); r.State != pool.RepairMending {
		t.Fatalf("%+v", r)
	}
}

// TestTenGatewaysOfAZoneFailInAMinute has half of a pool fail with its zone, and one of the other zone by itself: that is mended
// as ever, and the ten are left alone until the zone is back, or for an hour; then few at a time.
func TestTenGatewaysOfAZoneFailInAMinute(t *testing.T) {
	w := newWorld(t, 20)
	var gone, well []pool.HostID
	for n, id := range w.ids {
		before := w.host(id)
		after := before.Clone()
		after.Zone = string(rune('a' + n%2))
		w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
		if n%2 == 0 {
			gone = append(gone, id)
		} else {
			well = append(well, id)
		}
	}
	most, touched := 0, ""
	back := false
	w.mishap = func(string, bool) {
		n := 0
		for _, id := range w.ids {
			if r := w.repair(id); r.State == pool.RepairMending {
				if n++; !back && w.host(id).Zone == "a" {
					touched = string(id) + " at step " + string(r.Step)
				}
			}
		}
		most = max(most, n)
	}
	for n, id := range gone {
		w.machine(id).hangs = []string{"reboot", "restart", "nothing"}[n%3]
		w.doubt(id)
		w.run(6 * time.Second)
	}
	w.breaks(well[0], "reboot")
	w.run(50 * time.Minute)
	w.inService(well[0])
	if touched != "" {
		t.Fatalf("a host is mended into the zone that fails: %s", touched)
	}
	waits := 0
	for _, s := range w.said {
		if strings.Contains(s, "zone a seems to fail") && strings.Contains(s, "not repaired into it one by one") {
			waits++
		}
	}
	if waits != len(gone) {
		t.Errorf("%d of %d are said to wait for their zone: %q", waits, len(gone), w.said)
	}
	back = true
	for _, id := range gone[:7] { // the zone comes back, with most of its hosts
		w.machine(id).hangs = ""
	}
	w.run(12 * time.Hour)
	for _, id := range w.ids {
		w.inService(id)
	}
	if most > 2 {
		t.Errorf("%d of 20 were mended at once", most)
	}
}

func TestAZoneThatFailsIsSeenBeforeItsFirstHostIsMended(t *testing.T) {
	w := newWorld(t, 5)
	fell := w.ids[:3]
	for _, id := range fell { // all at once, and signups tell of one of them
		w.machine(id).hangs = "reboot"
	}
	w.doubt(w.ids[1])
	w.run(30 * time.Minute)
	if w.made() != "" {
		t.Errorf("calls %s", w.made())
	}
	for _, id := range fell {
		if h := w.host(id); h.State != pool.HostCordoned {
			t.Errorf("host %s is %s", id, h.State)
		}
	}
	for _, id := range w.ids[3:] {
		w.inService(id)
	}
	for _, id := range fell { // the zone is back
		w.machine(id).hangs = ""
	}
	w.run(3 * time.Hour)
	for _, id := range w.ids {
		w.inService(id)
	}
	if w.made() != "" {
		t.Errorf("calls %s", w.made())
	}
}

func TestTwoHostsThatFailAtOnceAreNoZone(t *testing.T) {
	w := newWorld(t, 5)
	w.machine(w.ids[0]).hangs = "reboot" // which nobody tells of
	w.breaks(w.ids[1], "reboot")
	w.run(time.Hour)
	for _, id := range w.ids {
		w.inService(id)
	}
	if w.tried(w.ids[0]) != "reboot" || w.tried(w.ids[1]) != "reboot" {
		t.Errorf("tried %s and %s", w.tried(w.ids[0]), w.tried(w.ids[1]))
	}
}
