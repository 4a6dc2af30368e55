package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

func TestAMachineIsReplacedAsWanted(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil // it is a person's word
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(time.Hour)
	w.inService(first)
	r := w.repair(first)
	if w.machine(first).image != wanted || w.tried(first) != "machine" || r.Image != oldImage || len(w.said) != 1 || len(w.center.gateways) != 1 {
		t.Errorf("on %s, tried %s, said %q", w.machine(first).image, w.tried(first), w.said)
	}
	if strings.Contains(w.made(), "Reboot") {
		t.Errorf("calls %s", w.made())
	}
}

func TestAMachineIsGivenAnotherSize(t *testing.T) {
	w := newWorld(t, 1)
	m := w.machine(first)
	w.must(w.request(first, events.RepairResize, "m6i.2xlarge"))
	w.run(time.Hour)
	w.inService(first)
	if w.machine(first) != m || m.kind != "m6i.2xlarge" || w.made() != "Update" || w.said[0] != "share-standard-1 is repaired by way resize" {
		t.Errorf("it is %s, calls %s, said %q", m.kind, w.made(), w.said)
	}
}

func TestAStackIsUpdatedAsWanted(t *testing.T) {
	w := newWorld(t, 1)
	w.must(w.request(first, events.RepairUpdate, ""))
	w.run(time.Hour)
	w.inService(first)
	if got := w.stack(first).parameters["GatewayId"]; got != "sgw-00000001" || w.made() != "Execute" {
		t.Errorf("gateway %q, calls %s", got, w.made())
	}
}

// TestTenantsCouldNotWrite holds what is said of how long tenants could not write to what they came to.
func TestTenantsCouldNotWrite(t *testing.T) {
	hangs := func(w *world) { w.machine(first).hangs = "reboot" }
	for name, begin := range map[string]func(w *world){
		"signups that failed": func(w *world) {
			hangs(w)
			for range pool.StrikesMost {
				w.run(30 * time.Second)
				w.strikes(first)
			}
		},
		"its turn": func(w *world) {
			hangs(w)
			w.put(events.NewHostRound(string(first), 1))
		},
		"an alarm that is heard late": func(w *world) {
			hangs(w)
			at := w.now
			w.run(4 * time.Minute)
			w.rings(first, at)
		},
		"reboot":  func(w *world) { w.breaks(first, "reboot") },
		"restart": func(w *world) { w.breaks(first, "restart") },
		"machine": func(w *world) { w.breaks(first, "nothing") },
		"replace": func(w *world) { w.must(w.request(first, events.RepairReplace, wanted)) },
		"resize":  func(w *world) { w.must(w.request(first, events.RepairResize, "m6i.2xlarge")) },
	} {
		w := newWorld(t, 1)
		var from, until time.Time
		began := w.now
		if begin(w); !w.serves(first) {
			from = began
		}
		for range 8000 {
			w.run(time.Second)
			if w.serves(first) {
				continue
			}
			if from.IsZero() {
				from = w.now
			}
			until = w.now
		}
		w.stills(first)
		w.inService(first)
		if len(w.unwritable) != 1 {
			t.Fatalf("%s: said %v", name, w.unwritable)
		}
		was, said := until.Sub(from), w.unwritable[0]
		if said < was-35*time.Second || said > was+2*time.Minute || was < 30*time.Second {
			t.Errorf("%s: they could not for %v, and it was said %v", name, was, said)
		}
	}
}

func TestACopyOfAWishThatIsDoneDoesNothing(t *testing.T) {
	w := newWorld(t, 1)
	q := events.RepairRequest{HostID: first, Action: events.RepairReplace, Image: wanted, RequestedBy: "ops", Reason: "because"}
	sent := w.now
	h := w.handler(undisturbed)
	w.must(h.request(t.Context(), q, sent, false))
	w.run(30 * time.Second)
	w.must(h.request(t.Context(), q, sent, false)) // while it is done
	w.run(time.Hour)
	w.inService(first)
	m := w.machine(first)
	w.must(h.request(t.Context(), q, sent, false))
	w.run(time.Hour)
	if w.inService(first); w.machine(first) != m || w.repair(first).Number != 1 {
		t.Error("it was replaced twice")
	}
	w.must(h.request(t.Context(), q, w.now, false)) // another wish
	w.run(time.Hour)
	if w.inService(first); w.machine(first) == m || w.repair(first).Number != 2 {
		t.Error("it was not replaced again")
	}
}

func TestAWishOfAHostInRepairIsRefused(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	w.run(5 * time.Minute)
	for _, action := range []string{events.RepairReplace, events.RepairResize} {
		word := map[string]string{events.RepairReplace: wanted, events.RepairResize: "m6i.2xlarge"}[action]
		if err := w.request(first, action, word); err == nil || !strings.Contains(err.Error(), "in repair share-standard-1.1 already") {
			t.Errorf("%s: %v", action, err)
		}
	}
	w.run(2 * time.Hour)
	w.inService(first)
	if w.machine(first).image != newest {
		t.Error("the wish was fulfilled by the way")
	}
}

func TestAWishThatFailsIsAskedAboutAndTheHostServes(t *testing.T) {
	for action, word := range map[string]string{events.RepairResize: "m6i.2xlarge", events.RepairReplace: wanted} {
		w := newWorld(t, 1)
		if action == events.RepairReplace {
			w.fail["Stop"] = errNotNow
		}
		w.must(w.request(first, action, word))
		w.mishap = func(string, bool) { w.center.failing = 1 }
		w.run(24 * time.Hour)
		w.inService(first)
		r := w.repair(first)
		if r.State != pool.RepairPassed || len(w.said) != 1 || !strings.Contains(w.said[0], "came to nothing") && !strings.Contains(w.said[0], "take the old one's place") || len(r.Tried) != 1 {
			t.Errorf("%s: %+v, said %q", action, r, w.said)
		}
	}
}

func TestManyWishesAreFulfilledOneAfterTheOther(t *testing.T) {
	w := newWorld(t, 4)
	for _, id := range w.ids {
		w.must(w.request(id, events.RepairReplace, wanted))
	}
	w.run(4 * time.Hour)
	for _, id := range w.ids {
		if w.inService(id); w.machine(id).image != wanted {
			t.Errorf("%s is of %s", id, w.machine(id).image)
		}
	}
	for _, s := range w.said {
		if strings.Contains(s, "seems to fail") {
			t.Error(s)
		}
	}
}

func TestAnOldRootDiskIsDeletedAfterItsTerm(t *testing.T) {
	const term = 14 * 24 * time.Hour
	moved := func() (*world, string) {
		w := newWorld(t, 1)
		root := w.machine(first).disks[rootDevice].volume
		w.must(w.request(first, events.RepairReplace, wanted))
		w.run(time.Hour)
		w.inService(first)
		return w, root
	}
	w, root := moved()
	saved := w.repair(first).Version
	w.run(12 * time.Hour)
	w.skip(term - 16*time.Hour)
	w.run(time.Hour)
	if w.center.volumes[root] == nil || w.repair(first).Version > saved {
		t.Fatalf("deleted before its term, or its record written %d times for nothing", w.repair(first).Version-saved)
	}
	w.run(4 * time.Hour)
	if len(w.center.deleted) != 1 || w.center.deleted[0] != root || w.repair(first).Step != "" || len(w.repair(first).Kept) > 0 {
		t.Fatalf("deleted %v: %+v", w.center.deleted, w.repair(first))
	}
	w.inService(first)
	for name, test := range map[string]struct {
		change func(w *world, root string)
		undo   func(w *world, root string)
	}{
		"it bears the mark no more": {func(w *world, root string) { delete(w.center.volumes[root].tags, "headroom:root-of") }, nil},
		"it is another order's":     {func(w *world, root string) { w.center.volumes[root].tags["headroom:order"] = "other" }, nil},
		"it is in use": {
			func(w *world, root string) { w.machine(first).disks["/dev/sdx"] = &disk{volume: root} },
			func(w *world, _ string) { delete(w.machine(first).disks, "/dev/sdx") },
		},
		"the stop switch is on": {
			func(w *world, _ string) { w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Destroy: true})) },
			func(w *world, _ string) { w.must(w.ledger.SaveStops(t.Context(), pool.Stops{})) },
		},
	} {
		w, root := moved()
		test.change(w, root)
		w.skip(term - time.Hour)
		w.run(3 * time.Hour)
		if w.center.volumes[root] == nil {
			t.Errorf("%s: it was deleted", name)
		}
		if test.undo == nil {
			continue
		}
		test.undo(w, root)
		w.run(2 * time.Hour)
		if w.center.volumes[root] != nil {
			t.Errorf("%s: it was not deleted afterwards: %+v", name, w.repair(first))
		}
	}
}

func TestAHostThatFallsIllInTheMidstOfAWishIsMended(t *testing.T) {
	for helps, tried := range map[string]string{"reboot": "resize reboot", "ended": "resize machine"} {
		w := newWorld(t, 1)
		w.must(w.request(first, events.RepairResize, "m6i.2xlarge"))
		step := map[string]pool.Step{"reboot": pool.StepJudge, "ended": pool.StepResize}[helps]
		ill := false
		w.mishap = func(operation string, after bool) {
			if ill || w.repair(first).Step != step {
				return
			}
			if ill = true; helps == "ended" {
				w.center.terminate(w.machine(first), false)
			} else {
				w.machine(first).hangs = helps
			}
		}
		w.run(90 * time.Minute)
		if w.inService(first); w.tried(first) != tried {
			t.Errorf("%s: tried %s", helps, w.tried(first))
		}
	}
}
