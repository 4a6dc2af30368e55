package poolcheck

import (
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
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
	for _, status := range []string{"storage-full", "failed", "stopped", "rebooting", "inaccessible-encryption-credentials", "incompatible-parameters", "deleting", "of-next-year"} {
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
	for _, status := range []string{"available", "backing-up", "modifying", "storage-optimization", "configuring-log-exports"} {
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

func TestAHostIsLetInAgainOnceRDSSaysThatItServes(t *testing.T) {
	w := withInstance(t, pool.HostInService, "storage-full")
	w.must(w.check())
	w.change(databaseID, func(h pool.Host) pool.Host { return pool.Onward(h, w.now) }) // it was announced
	for _, status := range []string{"storage-full", "modifying"} {
		w.instances[prefix+string(databaseID)] = status
		w.late(databaseID)
		w.must(w.check())
		h, want := w.host(databaseID), pool.HostCordoned
		if status == "modifying" {
			want = pool.HostInService
		}
		if h.State != want || h.Step != map[pool.HostState]pool.Step{pool.HostCordoned: pool.StepWatch, pool.HostInService: pool.StepAnnounce}[want] {
			t.Errorf("%s: host is %s at step %q: %s", status, h.State, h.Step, h.Why)
		}
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
