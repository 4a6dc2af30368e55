package hostrepair

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// loses has somebody delete a host's stack.
func (w *world) loses(id pool.HostID) {
	w.t.Helper()
	before := w.host(id)
	lost, err := pool.Lose(before, w.now, "its stack was deleted")
	w.must(err)
	w.must(w.ledger.SaveHost(w.t.(*testing.T).Context(), before, lost, pool.Neutral, w.now))
}

func TestAMachineThatSomebodyEndedIsReplaced(t *testing.T) {
	w := newWorld(t, 1)
	w.center.terminate(w.machine(first), false)
	w.doubt(first)
	w.run(2 * time.Hour)
	w.inService(first)
	if w.tried(first) != "machine" {
		t.Errorf("tried %s", w.tried(first))
	}
}

func TestARootDiskIsFoundByItsMarks(t *testing.T) {
	for name, test := range map[string]struct {
		before func(w *world, root string)
		found  bool
	}{
		"one":                   {func(*world, string) {}, true},
		"one beside an old one": {func(w *world, _ string) { w.keeps("vol-old") }, true},
		"one beside some that repairs took off, which are on no record": {func(w *world, root string) {
			for _, id := range []string{"vol-x", "vol-y"} {
				w.center.volumes[id] = &volume{tags: maps.Clone(w.center.volumes[root].tags)}
				w.center.volumes[id].tags["headroom:root-of"] = "sgw-1"
			}
		}, true},
		"two that repairs took off": {func(w *world, root string) {
			w.center.volumes[root].tags["headroom:root-of"] = "sgw-1"
			w.center.volumes["vol-x"] = &volume{tags: w.center.volumes[root].tags}
		}, false},
		"two":                      {func(w *world, root string) { w.center.volumes["vol-x"] = &volume{tags: w.center.volumes[root].tags} }, false},
		"none, for it was deleted": {func(w *world, root string) { w.center.lose(root) }, false},
		"none of its order":        {func(w *world, root string) { w.center.volumes[root].tags["headroom:order"] = "mark9" }, false},
		"none of its host":         {func(w *world, root string) { w.center.volumes[root].tags["headroom:host"] = "share-standard-10" }, false},
	} {
		w := newWorld(t, 1)
		root := w.machine(first).disks[rootDevice].volume
		w.center.terminate(w.machine(first), false)
		w.run(5 * time.Hour) // so long ago that EC2 does not tell of it any more
		test.before(w, root)
		w.doubt(first)
		w.run(5 * time.Hour)
		if test.found {
			w.inService(first)
			if r := w.repair(first); r.Root != root {
				t.Errorf("%s: root %s", name, r.Root)
			}
			continue
		}
		w.asks(first, pool.WayMachine)
		if strings.Contains(w.made(), "Update") || strings.Contains(w.made(), "Attach") {
			t.Errorf("%s: calls %s", name, w.made())
		}
	}
}

// keeps has a host keep an old root disk, of an earlier repair.
func (w *world) keeps(id string) {
	h := w.host(first)
	w.center.volumes[id] = &volume{tags: map[string]string{"headroom:host": string(h.ID), "headroom:order": h.Mark, "headroom:root-of": h.Access.GatewayID()}}
	last, _ := pool.BeginRepair(pool.Repair{}, h, "earlier", pool.Wanted{}, w.now)
	last.State, last.Kept = pool.RepairMended, []pool.KeptDisk{{Volume: id, Until: w.now.Add(100 * time.Hour)}}
	_, err := w.ledger.SaveRepair(w.t.(*testing.T).Context(), pool.Repair{}, last.Rest(w.now))
	w.must(err)
}

func TestDisksThatWouldDieWithTheirMachineAreKept(t *testing.T) {
	for _, late := range []time.Duration{0, 7 * time.Second} {
		w := newWorld(t, 1)
		w.center.late = late
		for _, d := range w.machine(first).disks {
			d.dies = true
		}
		read := 0
		w.mishap = func(operation string, after bool) {
			switch {
			case after && operation == "Keep":
				read = len(w.calls)
			case !after && operation == "Detach" && read == 0:
				t.Error("a disk is taken off that would die")
			case !after && operation == "Detach" && !slices.Contains(w.calls[read:], "Look"):
				t.Error("it was not read back")
			}
		}
		w.breaks(first, "nothing")
		w.run(2 * time.Hour)
		if w.inService(first); read == 0 {
			t.Error("nothing was kept")
		}
	}
}

func TestAKeepThatDoesNotShowIsNotBelieved(t *testing.T) {
	w := newWorld(t, 1)
	for _, d := range w.machine(first).disks {
		d.dies = true
	}
	w.mishap = func(operation string, after bool) {
		if after && operation == "Keep" { // it is taken, and does nothing
			for _, d := range w.machine(first).disks {
				d.dies = true
			}
		}
	}
	w.breaks(first, "nothing")
	w.run(12 * time.Hour)
	w.asks(first, pool.WayMachine)
	if strings.Contains(w.made(), "Detach") || strings.Contains(w.made(), "Update") {
		t.Errorf("calls %s", w.made())
	}
}

func TestAStopThatNeverEndsIsAskedAbout(t *testing.T) {
	w := newWorld(t, 1)
	w.center.ending = 1000 * time.Hour
	w.breaks(first, "restart")
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	if w.made() != "Reboot Stop" || len(w.said) != 1 {
		t.Fatalf("calls %s, said %q", w.made(), w.said)
	}
	m := w.machine(first) // a person has it stopped by force, and gives the word
	m.state, m.next = pool.MachineStopped, ""
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.center.ending = 0
	w.run(2 * time.Hour)
	w.inService(first)
}

func TestAMachineThatIsStuckOnItsWayIsNoRepairForEver(t *testing.T) {
	for _, state := range []pool.MachineState{pool.MachineStopping, pool.MachinePending} {
		w := newWorld(t, 1)
		w.machine(first).state = state
		w.doubt(first)
		w.run(24 * time.Hour)
		w.asks(first, pool.WayMachine)
		if strings.Contains(w.made(), "Update") || len(w.said) != 1 {
			t.Errorf("%s: calls %s, said %q", state, w.made(), w.said)
		}
	}
}

func TestAnUpdateThatIsRolledBackIsAskedForAgain(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	failed := 0
	w.mishap = func(operation string, after bool) {
		if !after && operation == "Update" && failed < 4 && w.center.failing == 0 {
			failed++
			w.center.failing = 1
		}
	}
	w.run(4 * time.Hour)
	if w.inService(first); failed != 4 || w.tried(first) != "reboot restart machine" {
		t.Errorf("%d updates failed, tried %s", failed, w.tried(first))
	}
}

func TestAStackThatIsNeverUpdatedIsAskedAboutAndGoneOnWithByWord(t *testing.T) {
	for _, step := range []pool.Step{pool.StepUnseat, pool.StepSeat} {
		w := newWorld(t, 1)
		w.breaks(first, "nothing")
		w.mishap = func(string, bool) {
			if w.repair(first).Step == step {
				w.center.failing = 1
			} else {
				w.center.failing = 0
			}
		}
		w.run(24 * time.Hour)
		w.asks(first, pool.WayMachine)
		w.mishap, w.center.failing = nil, 0
		w.must(w.request(first, events.RepairProceed, "machine"))
		w.run(2 * time.Hour)
		w.inService(first)
		if w.tried(first) != "reboot restart machine machine" {
			t.Errorf("tried %s", w.tried(first))
		}
	}
}

func TestAnApplianceThatTakesNothingOverIsAskedAboutAndGoneOnWithByWord(t *testing.T) {
	w := newWorld(t, 1)
	w.center.deaf = true
	w.breaks(first, "nothing")
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	next := w.machine(first)
	if len(next.disks) != 3 || len(w.said) != 1 || !strings.Contains(w.said[0], next.id+" does not go on as the gateway, and its disks are kept") ||
		!strings.Contains(w.said[0], "cache disk count mismatch") {
		t.Fatalf("said %q; %v", w.said, w.center)
	}
	w.center.deaf = false
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(2 * time.Hour)
	if w.inService(first); w.machine(first) != next {
		t.Error("another machine was made")
	}
}

func TestANewMachineThatSomebodyEndedIsReplacedByWord(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	ended := false
	w.mishap = func(string, bool) {
		if r := w.repair(first); r.Step == pool.StepImport && !ended {
			ended = true
			w.center.terminate(w.machine(first), false)
		}
	}
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(3 * time.Hour)
	w.inService(first)
}

func TestANewMachineThatDoesNotComeUpKeepsAllDisks(t *testing.T) {
	w := newWorld(t, 1)
	w.center.weak = true
	w.breaks(first, "nothing")
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	next := w.machine(first)
	next.hangs = "" // somebody mends it
	w.run(2 * time.Hour)
	if w.repair(first).State != pool.RepairAsking { // with the old root still at it, it is no host as it was
		t.Fatalf("%+v", w.repair(first))
	}
	w.must(w.request(first, events.RepairProceed, "machine"))
	w.run(2 * time.Hour)
	if w.inService(first); w.machine(first) != next {
		t.Error("another machine was made")
	}
}

func TestWhoWasKilledAfterAnImportGoesOn(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	cut := 0
	w.mishap = func(operation string, after bool) {
		if after && operation == "Import" && cut < 3 && w.center.volumes[w.machine(first).disks[rootDevice].volume].serves != "" {
			cut++
			w.fail["SaveRepair"] = errNotNow
		} else if operation == "Host" {
			delete(w.fail, "SaveRepair")
		}
	}
	w.run(3 * time.Hour)
	if w.inService(first); cut == 0 || w.tried(first) != "reboot restart machine" {
		t.Errorf("cut %d times, tried %s", cut, w.tried(first))
	}
}

func TestAllDisksAreTakenOffAMachineThatGoes(t *testing.T) {
	for _, dies := range []bool{false, true} {
		w := newWorld(t, 1)
		w.center.volumes["vol-more"] = &volume{tags: map[string]string{}}
		w.machine(first).disks["/dev/sdc"] = &disk{volume: "vol-more", dies: dies}
		w.breaks(first, "nothing")
		w.run(2 * time.Hour)
		w.inService(first)
		if w.center.volumes["vol-more"] == nil {
			t.Error("a disk died with the machine")
		}
	}
}

func TestADiskThatSomebodyAttachesKeepsTheMachine(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first)
	w.center.volumes["vol-more"] = &volume{tags: map[string]string{}}
	w.breaks(first, "nothing")
	w.mishap = func(operation string, after bool) {
		if after && operation == "SaveRepair" && w.repair(first).Step == pool.StepUnseat && old.disks["/dev/sdx"] == nil {
			w.center.acts()
			old.disks["/dev/sdx"] = &disk{volume: "vol-more"}
		}
	}
	w.run(12 * time.Hour)
	w.asks(first, pool.WayMachine)
	if w.machine(first) != old || !strings.Contains(w.said[len(w.said)-1], "the machine has 1 disks still") {
		t.Errorf("said %q; %v", w.said, w.center)
	}
}

func TestADiskThatIsElsewhereIsNotTaken(t *testing.T) {
	w := newWorld(t, 2)
	cache := w.host(first).Access.Cache
	delete(w.machine(first).disks, "/dev/sdb")
	w.machine("share-standard-2").disks["/dev/sdz"] = &disk{volume: cache}
	w.doubt(first)
	w.run(24 * time.Hour)
	w.asks(first, pool.WayMachine)
	if m, _ := w.center.holder(cache); m != w.machine("share-standard-2") || !strings.Contains(w.repair(first).Tried[2].Came, "is at machine") {
		t.Errorf("it is at %v: %+v", m, w.repair(first).Tried)
	}
}

func TestADiskThatIsTakenAwayMeanwhileIsNotTakenBack(t *testing.T) {
	w := newWorld(t, 2)
	w.breaks(first, "nothing")
	cache := w.host(first).Access.Cache
	w.mishap = func(operation string, after bool) {
		other := w.machine("share-standard-2")
		if after && operation == "SaveRepair" && w.repair(first).Step == pool.StepReunite && other.disks["/dev/sdz"] == nil {
			w.center.acts()
			other.disks["/dev/sdz"] = &disk{volume: cache}
		}
	}
	w.run(12 * time.Hour)
	w.asks(first, pool.WayMachine)
	if r := w.repair(first); !strings.Contains(r.Tried[2].Came, "is at machine") {
		t.Errorf("%+v", r.Tried)
	}
}

func TestNoDiskIsTakenOffAMachineThatSomebodyStarted(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first)
	w.breaks(first, "nothing")
	started := false
	w.mishap = func(operation string, after bool) {
		if after && operation == "SaveRepair" && w.repair(first).Step == pool.StepDetach && !started {
			started = true
			w.must(w.center.start(old.id))
		}
	}
	w.run(12 * time.Hour)
	w.asks(first, pool.WayMachine)
	if len(old.disks) != 2 || !strings.Contains(w.repair(first).Tried[2].Came, "it is running") {
		t.Errorf("%v: %+v", w.center, w.repair(first).Tried)
	}
}
