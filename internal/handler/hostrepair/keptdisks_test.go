package hostrepair

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

func TestANewGatewayWhoseMachineIsGoneIsAbandonedForAnother(t *testing.T) {
	for _, step := range []pool.Step{pool.StepAttach, pool.StepActivate, pool.StepStabilize, pool.StepAvailable, pool.StepAlarms, pool.StepMove} {
		w := newWorld(t, 1)
		before := w.host(first)
		w.beyond(first)
		ended := false
		w.mishap = func(operation string, after bool) {
			if r := w.repair(first); after && operation == "SaveRepair" && r.Step == step && !ended {
				ended = true
				w.center.terminate(w.machine(first), false)
			}
		}
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(12 * time.Hour)
		if w.sound(); !ended {
			t.Fatalf("%s: it was never there", step)
		}
		w.asks(first, pool.WayGateway)
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(4 * time.Hour)
		w.renewed(first, before)
		if side := w.stack(first).parameters["Side"]; side != pool.SideA {
			t.Errorf("%s: the stack is on side %s", step, side)
		}
		old := before.Access.GatewayID()
		abandoned := slices.DeleteFunc(slices.Clone(w.repair(first).Kept), func(k pool.KeptDisk) bool { return k.Gateway == old })
		if len(w.repair(first).KeepsOf(old)) != 2 || len(abandoned) != 2 || slices.ContainsFunc(abandoned, func(k pool.KeptDisk) bool { return k.Dirty || k.Gateway == "" }) {
			t.Errorf("%s: kept %+v", step, w.repair(first).Kept)
		}
		w.skip(20 * 24 * time.Hour)
		w.run(time.Hour)
		if w.sound(); len(w.center.deleted) != 2 {
			t.Errorf("%s: deleted %v, without a word", step, w.center.deleted)
		}
		w.discards(first, before)
		w.run(time.Hour)
		if all := w.center.findVolumes(nil); len(w.center.deleted) != 4 || len(all) != 2 {
			t.Errorf("%s: deleted %v, left %v", step, w.center.deleted, all)
		}
		w.inService(first)
	}
}

// TestADiskThatAnUpdateLeftIsKept has updates that make a machine be rolled back: its root disk outlives it.
func TestADiskThatAnUpdateLeftIsKept(t *testing.T) {
	for _, way := range []pool.Way{pool.WayMachine, pool.WayGateway} {
		w := newWorld(t, 1)
		w.beyond(first)
		failed := 0
		w.mishap = func(operation string, after bool) {
			if s := w.repair(first).Step; !after && operation == "Update" && (s == pool.StepSeat || s == pool.StepRefit) && failed < 2 && w.center.failing == 0 {
				failed++
				w.center.failing = 1
			}
		}
		w.must(w.request(first, events.RepairProceed, string(way)))
		w.run(4 * time.Hour)
		if w.inService(first); failed != 2 {
			t.Errorf("%s: %d updates failed", way, failed)
		}
	}
}

// TestTheDisksOfAMachineThatIsBeingEndedAreKept has the word for another be given while a new machine has its disks still.
func TestTheDisksOfAMachineThatIsBeingEndedAreKept(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.center.weak = true
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(12 * time.Hour)
	w.asks(first, pool.WayGateway)
	w.center.weak = false
	w.center.terminate(w.machine(first), false)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(4 * time.Hour)
	w.renewed(first, before)
	if kept, old := w.repair(first).Kept, before.Access.GatewayID(); len(kept) != 4 || slices.ContainsFunc(kept, func(k pool.KeptDisk) bool { return k.Dirty != (k.Gateway == old) }) {
		t.Errorf("kept are %+v", kept)
	}
}

// TestWhatAGatewayLeftIsDeletedByWordAndTermAlone has the old disks be kept for as long as nobody says that they may go.
func TestWhatAGatewayLeftIsDeletedByWordAndTermAlone(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	old := w.machine(first).disks[rootDevice].volume
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(time.Hour)
	w.renewed(first, before)
	if r := w.repair(first); r.Step != "" {
		t.Fatalf("nothing may be deleted, and its step is %s", r.Step)
	}
	w.skip(60 * 24 * time.Hour)
	w.run(time.Hour)
	if len(w.center.deleted) > 0 {
		t.Fatalf("deleted %v", w.center.deleted)
	}
	w.discards(first, before)
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Destroy: true, By: "ops"}))
	w.run(time.Hour)
	if len(w.center.deleted) > 0 {
		t.Fatalf("deleted %v, while that is stopped", w.center.deleted)
	}
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
	w.run(time.Hour)
	want := []string{old, before.Access.Cache}
	if !slices.Equal(w.center.deleted, want) {
		t.Errorf("deleted %v, and not %v", w.center.deleted, want)
	}
	lines, err := w.ledger.Audits(t.Context(), w.now)
	w.must(err)
	of := map[string]string{}
	for _, line := range lines {
		of[line.Of] = line.What + ": " + line.Why
	}
	for _, volume := range want {
		if got := of[volume]; !strings.Contains(got, "destroyed disk: it was kept for host "+string(first)) || !strings.Contains(got, "of gateway "+before.Access.GatewayID()) || !strings.Contains(got, "the word was given by ops: because") {
			t.Errorf("of the disk %s it is on record: %q", volume, got)
		}
	}
	if err := w.request(first, events.RepairDiscard, ""); err == nil {
		t.Error("there is nothing to be discarded any more")
	}
	w.inService(first)
}

// discards has a person give up what a host's old gateway promised and did not upload.
func (w *world) discards(id pool.HostID, before pool.Host) {
	w.t.Helper()
	w.must(w.request(id, events.RepairDiscard, ""))
	w.center.gateways[before.Access.GatewayID()].promised = nil
}

func TestAWordBeforeTheTermDeletesNothing(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(time.Hour)
	w.discards(first, before)
	w.run(10 * 24 * time.Hour)
	if len(w.center.deleted) > 0 {
		t.Fatalf("deleted %v", w.center.deleted)
	}
	w.run(5 * 24 * time.Hour)
	if w.sound(); len(w.center.deleted) != 2 {
		t.Errorf("deleted %v", w.center.deleted)
	}
}

// TestAnOlderRootDiskIsOfTheGatewayThatItWasOf has a root disk that was kept before be found by its marks once its gateway is
// given up.
func TestAnOlderRootDiskIsOfTheGatewayThatItWasOf(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.keeps("vol-old")
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(time.Hour)
	w.renewed(first, before)
	w.run(5 * 24 * time.Hour)
	if !slices.Equal(w.center.deleted, []string{"vol-old"}) {
		t.Errorf("deleted %v", w.center.deleted)
	}
}

// TestAnOldDiskThatAListLacksIsNotForgotten has a list by tags lack an old disk for a while, as AWS's may: nobody else would ever
// delete it.
func TestAnOldDiskThatAListLacksIsNotForgotten(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first).disks[rootDevice].volume
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(2 * time.Hour)
	w.inService(first)
	w.center.unlisted = map[string]int{old: 1}
	w.skip(15 * 24 * time.Hour)
	w.run(time.Hour)
	if r := w.repair(first); r.Keeps(old) || !slices.Equal(w.center.deleted, []string{old}) {
		t.Errorf("kept are %+v, deleted %v", r.Kept, w.center.deleted)
	}
}

// TestAnOldDiskThatIsGoneIsForgotten has somebody delete an old disk themselves.
func TestAnOldDiskThatIsGoneIsForgotten(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first).disks[rootDevice].volume
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(2 * time.Hour)
	w.center.acts()
	w.center.lose(old)
	w.skip(15 * 24 * time.Hour)
	w.run(20 * time.Minute)
	if r := w.repair(first); r.Keeps(old) || len(w.center.deleted) > 0 {
		t.Errorf("kept are %+v, deleted %v", r.Kept, w.center.deleted)
	}
}

// TestADiskIsOnRecordBeforeItIsDeleted has the record fail: nothing is destroyed that is not on it.
func TestADiskIsOnRecordBeforeItIsDeleted(t *testing.T) {
	w := newWorld(t, 1)
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(2 * time.Hour)
	w.fail["Audit"] = errNotNow
	w.skip(15 * 24 * time.Hour)
	w.run(time.Hour)
	if len(w.center.deleted) > 0 {
		t.Fatalf("deleted %v", w.center.deleted)
	}
	delete(w.fail, "Audit")
	w.run(time.Hour)
	if len(w.center.deleted) != 1 {
		t.Errorf("deleted %v", w.center.deleted)
	}
}
