package poolcheck

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const databaseID pool.HostID = "database-standard-1"

// withInstance is a world with a database host in a state, of whose instance RDS says a status.
func withInstance(t *testing.T, state pool.HostState, status string) *world {
	t.Helper()
	w := newWorld(t)
	w.add(databases, 2)
	w.change(databaseID, func(h pool.Host) pool.Host {
		h.State, h.Stack.Name = state, prefix+string(databaseID)
		return h
	})
	w.instances = map[string]string{prefix + string(databaseID): status, prefix + "database-standard-99": "failed", prefix + "database-x": "failed"}
	return w
}

func TestAHostIsDoubtedThatRDSSaysDoesNotServe(t *testing.T) {
	for _, status := range []string{"storage-full", "failed", "stopped", "rebooting", "inaccessible-encryption-credentials", "incompatible-parameters", "deleting"} {
		w := withInstance(t, pool.HostInService, status)
		w.must(w.check())
		if h := w.host(databaseID); h.State != pool.HostCordoned || !strings.Contains(h.Trouble, status) {
			t.Errorf("%s: host is %s: %s", status, h.State, h.Trouble)
		}
		version := w.host(databaseID).Version
		w.must(w.check())
		if h := w.host(databaseID); h.Version != version {
			t.Errorf("%s: it is written at every check", status)
		}
	}
	for _, status := range []string{"available", "backing-up", "modifying", "storage-optimization", "configuring-log-exports", "of-next-year"} {
		w := withInstance(t, pool.HostInService, status)
		w.must(w.check())
		if h := w.host(databaseID); h.State != pool.HostInService {
			t.Errorf("%s: host is %s", status, h.State)
		}
	}
	w := withInstance(t, pool.HostPreparing, "creating")
	w.must(w.check())
	if h := w.host(databaseID); h.State != pool.HostPreparing || h.Trouble != "" {
		t.Errorf("one that is being made is %s: %s", h.State, h.Trouble)
	}
}

func TestDoubtIsToldHoweverTheCheckWasKilled(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) pool.HostState {
		w := withInstance(t, pool.HostInService, "storage-full")
		w.deliver(life)
		told := false
		for _, m := range w.steps.Messages() {
			var step events.Step
			told = told || events.Decode([]byte(m.Body), &step) == nil && step.ID == string(databaseID) && step.Step == string(pool.StepAnnounce)
		}
		if !told {
			t.Error("nobody is asked to tell of it")
		}
		return w.host(databaseID).State
	})
}

// says has RDS say a status, and the check look when it does next.
func (w *world) says(status string) pool.Host {
	w.instances[prefix+string(databaseID)] = status
	if h := w.host(databaseID); h.Step == pool.StepWatch {
		w.late(databaseID)
	} else {
		w.now = w.now.Add(time.Minute)
	}
	w.must(w.check())
	if w.host(databaseID).Step == pool.StepAnnounce {
		w.change(databaseID, func(h pool.Host) pool.Host { return pool.Onward(h, w.now) })
	}
	return w.host(databaseID)
}

func TestAHostIsLetInAgainOnceRDSSaysThatItServes(t *testing.T) {
	w := withInstance(t, pool.HostInService, "available")
	for _, said := range []struct {
		status string
		want   pool.HostState
	}{{"storage-full", pool.HostCordoned}, {"storage-full", pool.HostCordoned}, {"modifying", pool.HostInService}} {
		if h := w.says(said.status); h.State != said.want {
			t.Fatalf("%s: host is %s at step %q: %s", said.status, h.State, h.Step, h.Why)
		}
	}
	// It falls again, as one does whose storage fills as fast as it grows: its news would be told each minute.
	fell := w.now
	cordons, came := 0, time.Duration(0)
	for state := pool.HostInService; w.now.Sub(fell) < 2*time.Hour; {
		status := "modifying"
		if w.now.Sub(fell) < 20*time.Minute && (w.host(databaseID).Trouble == "") {
			status = "storage-full"
		}
		h := w.says(status)
		if h.State == pool.HostCordoned && state != h.State {
			cordons++
		}
		if h.State == pool.HostInService && state != h.State {
			came = w.now.Sub(fell)
		}
		state = h.State
	}
	if h := w.host(databaseID); h.State != pool.HostInService || cordons != 1 || came < 20*time.Minute+time.Duration(pool.DefaultTerms.Steady) {
		t.Errorf("host is %s, was cordoned %d times, and let in after %s: %s", h.State, cordons, came, h.Barriers())
	}
}

func TestAHostInTroubleStaysCordonedWhenAnAlarmIsOver(t *testing.T) {
	w := withInstance(t, pool.HostInService, "storage-full")
	w.must(w.check())
	h, err := pool.Reconsider(w.host(databaseID), w.now, "an alarm is over")
	w.must(err)
	if h.State != pool.HostCordoned {
		t.Errorf("host is %s", h.State)
	}
}

// People are woken for as long as it is so, not once.
func TestADatabaseHostThatIsDownIsMeasuredAtEachCheck(t *testing.T) {
	w := withInstance(t, pool.HostInService, "failed")
	w.change(databaseID, func(h pool.Host) pool.Host {
		h.Slots[0].State, h.Slots[0].Tenant = pool.SlotAssigned, "acme"
		return h
	})
	w.must(w.check())
	w.change(databaseID, func(h pool.Host) pool.Host { return pool.Onward(h, w.now) }) // it was announced
	minutes := func(n int) []float64 {
		for range n {
			w.late(databaseID)
			w.must(w.check())
		}
		return w.measured(telemetry.InventoryGrave)
	}
	if got := minutes(4); len(got) != 0 {
		t.Errorf("within four minutes it measures %v", got)
	}
	if got := minutes(2); !slices.Equal(got, []float64{1, 1}) {
		t.Errorf("two checks of a host that is down measure %v", got)
	}
}
