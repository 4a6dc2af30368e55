package hostrepair

import (
	"testing"
	"time"
)

const first = "share-standard-1"

func TestWhatPassesByItselfIsLeftAlone(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	w.run(90 * time.Second)
	w.machine(first).hangs = ""
	w.run(5 * time.Minute)
	w.inService(first)
	if r := w.repair(first); r.State != "passed" || w.made() != "" || len(w.said) > 0 {
		t.Errorf("repair %+v, calls %s, said %q", r, w.made(), w.said)
	}
}

func TestAHangingMachineIsRebooted(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "reboot")
	w.mishap = func(operation string, _ bool) {
		if h := w.host(first); operation == "HostRepaired" && (h.Calm.IsZero() || h.Doubt != "" || h.Repair != 0) {
			t.Errorf("it is said, and the host is %s: %s", h.State, h.Barriers())
		}
	}
	w.run(20 * time.Minute)
	w.inService(first)
	if w.tried(first) != "reboot" || w.made() != "Reboot" || len(w.said) != 1 {
		t.Errorf("tried %s, calls %s, said %q", w.tried(first), w.made(), w.said)
	}
}

func TestAMachineThatARebootDoesNotHelpIsStoppedAndStarted(t *testing.T) {
	w := newWorld(t, 1)
	w.breaks(first, "restart")
	w.run(time.Hour)
	w.inService(first)
	if w.tried(first) != "reboot restart" || w.made() != "Reboot Stop Start" || len(w.said) != 1 {
		t.Errorf("tried %s, calls %s, said %q", w.tried(first), w.made(), w.said)
	}
}

func TestAGatewayGoesOnOnANewMachine(t *testing.T) {
	w := newWorld(t, 1)
	old := w.machine(first)
	w.breaks(first, "nothing")
	w.run(2 * time.Hour)
	w.inService(first)
	const calls = "Reboot Stop Start Stop Detach TagVolume Update Attach Import Stop Detach Start"
	if w.tried(first) != "reboot restart machine" || w.made() != calls || len(w.said) != 1 {
		t.Errorf("tried %s, calls %s, said %q", w.tried(first), w.made(), w.said)
	}
	if m := w.machine(first); m == old || m.image != newest {
		t.Errorf("it is on %s of %s", m.id, m.image)
	}
}
