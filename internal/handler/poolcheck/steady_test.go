package poolcheck

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// A host that goes in and out of service is kept cordoned when its alarm is over, and put back by a check once that is steady.
func TestACheckPutsAHostBackWhoseAlarmsAreSteadilyOver(t *testing.T) {
	w := newWorld(t)
	id := w.add(databases, 1)
	set := func(on bool) {
		w.change(id, func(h pool.Host) pool.Host {
			h.Alarms = map[string]pool.AlarmMark{"cpu": {On: on, At: w.now}}
			after, err := pool.Reconsider(h, w.now, "test")
			w.must(err)
			if after.State == pool.HostCordoned && after.Step != pool.StepWatch {
				after = pool.Begin(after, pool.StepWatch, w.now)
			}
			return after
		})
	}
	for range 2 {
		set(true)
		w.now = w.now.Add(5 * time.Minute)
		set(false)
		w.now = w.now.Add(time.Minute)
	}
	if state := w.host(id).State; state != pool.HostCordoned {
		t.Fatalf("after its second alarm it is %s at once", state)
	}
	for minute := range 14 {
		w.must(w.check())
		if state := w.host(id).State; state != pool.HostCordoned {
			t.Fatalf("after %d minutes it is %s", minute, state)
		}
		w.now = w.now.Add(time.Minute)
	}
	w.now = w.now.Add(2 * time.Minute)
	w.must(w.check())
	if h := w.host(id); h.State != pool.HostInService || h.Step != pool.StepAnnounce {
		t.Errorf("in the end it is %s at step %q", h.State, h.Step)
	}
	if told := sent(w.steps); len(told) != 1 || !strings.Contains(told[0], `"step":"announce"`) {
		t.Errorf("had %q done", told)
	}
}
