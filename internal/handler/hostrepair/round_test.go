package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// A gateway that hangs on a machine that is well, and that nobody signs up to, rings no alarm.
func TestAHostThatHangsUnnoticedIsFoundInItsTurn(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) pool.HostState {
		w := newWorld(t, 1)
		w.silent = true // no pool check looks meanwhile
		w.machine(first).hangs = "reboot"
		w.put(events.NewHostRound(string(first), 1))
		w.deliver(life, 30*time.Second)
		if h := w.host(first); h.State != pool.HostInService {
			t.Fatalf("after one look it is %s", h.State)
		}
		w.deliver(life, 5*time.Minute)
		h := w.host(first)
		if h.State != pool.HostCordoned || !strings.Contains(h.Doubt, "silent") {
			t.Errorf("host is %s: %s", h.State, h.Doubt)
		}
		return h.State
	})
}

func TestARoundLeavesHostsAloneThatAreWell(t *testing.T) {
	w := newWorld(t, 2)
	w.silent = true
	version := w.host(first).Version
	w.put(events.NewHostRound(string(first), 1))
	w.put(events.NewHostRound("share-standard-99", 1)) // its number was passed over
	w.machine(w.ids[1]).hangs = "reboot"
	w.doubt(w.ids[1]) // it is looked after already
	cordoned := w.host(w.ids[1]).Version
	w.put(events.NewHostRound(string(w.ids[1]), 2))
	w.run(5 * time.Minute)
	if h := w.host(first); h.Version != version {
		t.Errorf("the record was written: %s", h.State)
	}
	if h := w.host(w.ids[1]); h.Version != cordoned {
		t.Errorf("the record of one in doubt was written: %s", h.Doubt)
	}
}

func TestWhatPassesBetweenTwoLooksIsNoDoubt(t *testing.T) {
	w := newWorld(t, 1)
	w.silent = true
	w.machine(first).hangs = "reboot"
	w.put(events.NewHostRound(string(first), 1))
	w.run(30 * time.Second)
	w.machine(first).hangs = ""
	w.run(5 * time.Minute)
	if h := w.host(first); h.State != pool.HostInService {
		t.Errorf("host is %s: %s", h.State, h.Doubt)
	}
}
