package hostrepair

import (
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// late copies of messages are processes that read a repair, stood still, and go on when it is elsewhere.

func TestALateCopyTakesNoHostOutOfService(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	var old pool.Repair
	w.mishap = func(string, bool) {
		if r := w.repair(first); r.Step == pool.StepChoose && old.Number == 0 {
			old = r
		}
	}
	w.run(20 * time.Minute)
	w.inService(first)
	w.mishap = nil
	h := w.handler(undisturbed)
	next, err := h.choose(t.Context(), w.host(first), old)
	w.must(err)
	if !next.Leave {
		t.Errorf("it goes on with %+v", next.Record)
	}
	w.inService(first)
	if next, err = h.enter(t.Context(), w.host(first), old); err != nil || !next.Leave && next.Record.State != pool.RepairPassed {
		t.Errorf("%v, %+v", err, next.Record)
	}
	w.machine(first).hangs = "reboot" // and it is ill once more
	if next, err = h.enter(t.Context(), w.host(first), old); err != nil || !next.Leave {
		t.Errorf("%v, %+v", err, next.Record)
	}
	if len(w.ward().Patients) > 0 {
		t.Errorf("it holds a place: %+v", w.ward())
	}
}

func TestALateCopyLeavesTheNextRepairAlone(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	var old pool.Repair
	w.mishap = func(string, bool) {
		if r := w.repair(first); r.Step == pool.StepChoose && old.Number == 0 {
			old = r
		}
	}
	w.run(20 * time.Minute)
	w.breaks(first, "restart")
	w.run(5 * time.Minute)
	if r := w.repair(first); r.Number != 2 || w.host(first).Repair != 2 {
		t.Fatalf("%+v", r)
	}
	w.mishap = nil
	if _, err := w.handler(undisturbed).choose(t.Context(), w.host(first), old); err != nil {
		t.Fatal(err)
	}
	if got := w.host(first).Repair; got != 2 {
		t.Errorf("the host is in repair %d", got)
	}
	w.run(time.Hour)
	w.inService(first)
}

func TestALateCopyHoldsNoPlaceWhileAPersonIsAsked(t *testing.T) {
	w := newWorld(t, 1)
	w.drills = nil
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	w.asks(first, pool.WayMachine)
	_, err := ledger.UpdateWard(t.Context(), w.ledger, shares, func(ward pool.Ward) (pool.Ward, error) {
		ward, _ = ward.Enter(pool.Patient{Host: first}, 1, w.now)
		return ward, nil
	})
	w.must(err)
	w.run(10 * time.Minute)
	w.asks(first, pool.WayMachine)
}

func TestWhoWasKilledAtItsEndGivesBackWhatItHeld(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	w.run(20 * time.Minute)
	w.inService(first)
	_, _, err := ledger.UpdateHost(t.Context(), w.ledger, first, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		h.Repair = 1 // as a late copy left it that was killed then
		h, err := pool.Reconsider(h, w.now, "late")
		return h, pool.Neutral, err
	})
	w.must(err)
	w.must(w.handler(undisturbed).machine().Go(t.Context(), first, w.repair(first)))
	w.inService(first)
}

func TestALateCopyStopsNoMachineThatWasParted(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "nothing")
	var old pool.Repair
	w.mishap = func(string, bool) {
		if r := w.repair(first); r.Step == pool.StepPart && old.Number == 0 {
			old = r
		}
	}
	w.run(2 * time.Hour)
	w.inService(first)
	if _, err := w.handler(undisturbed).part(t.Context(), w.host(first), old); err != nil {
		t.Fatal(err)
	}
	w.inService(first)
}

func TestALateCopyDischargesNoOtherRepair(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	var old pool.Repair
	w.mishap = func(string, bool) {
		if r := w.repair(first); r.Step == pool.StepDischarge && old.Number == 0 {
			old = r
		}
	}
	w.run(20 * time.Minute)
	w.breaks(first, "restart")
	w.run(5 * time.Minute)
	if _, err := w.handler(undisturbed).discharge(t.Context(), w.host(first), old); err != nil {
		t.Fatal(err)
	}
	if h := w.host(first); h.Repair != 2 || h.State != pool.HostCordoned {
		t.Errorf("the host is %s, and in repair %d", h.State, h.Repair)
	}
}

// TestAGatewayThatComesAndGoesIsNotWell lets a gateway answer now and then: it is well when it answers several times in a row.
func TestAGatewayThatComesAndGoesIsNotWell(t *testing.T) {
	answers := []bool{true, false, true, true, false, true, true, true}
	for _, step := range []pool.Step{pool.StepTakeOver, pool.StepJudge, pool.StepAsk, pool.StepExamine} {
		w := newWorld(t, 1)
		if step == pool.StepAsk {
			w.drills = nil
		}
		helps := map[pool.Step]string{pool.StepTakeOver: "nothing", pool.StepJudge: "reboot", pool.StepAsk: "nothing", pool.StepExamine: "reboot"}[step]
		w.breaks(first, helps)
		asked, over := 0, 0
		w.mishap = func(operation string, after bool) {
			if w.repair(first).Step != step {
				if asked > 0 && over == 0 {
					over = asked
				}
				delete(w.fail, "Null")
				return
			}
			if step == pool.StepAsk || step == pool.StepExamine {
				w.machine(first).hangs = ""
			}
			if operation == "Null" && after && w.serves(first) {
				asked++
			}
			if operation == "Running" && after {
				delete(w.fail, "Null")
				if asked < len(answers) && !answers[asked] {
					w.fail["Null"] = errNotNow
					asked++
				}
			}
		}
		w.run(2 * time.Hour)
		if w.inService(first); over != len(answers) {
			t.Errorf("%s: it is well after %d answers of %v", step, over, answers)
		}
	}
}
