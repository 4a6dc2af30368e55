package endtoend

import (
	"slices"
	"testing"

	"headroom/events"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/pool"
)

// cordoned has a host cordoned, by one of its alarms, while f runs.
func (s *system) cordoned(t *testing.T, host pool.HostID, f func()) {
	t.Helper()
	back := func() int {
		return len(slices.DeleteFunc(slices.Clone(heard[events.HostInService](s.watch)), func(e events.HostInService) bool { return e.HostID != string(host) }))
	}
	cordons, returns := len(heard[events.HostCordoned](s.watch)), back()
	alarm := s.alarms(host)[0]
	s.setAlarm(t, alarm, cloudwatch.Alarming, "threshold crossed")
	s.await(t, string(host)+" is cordoned", func() bool { return len(heard[events.HostCordoned](s.watch)) > cordons })
	f()
	s.setAlarm(t, alarm, cloudwatch.OK, "below the threshold")
	// Not before its alarm was over for a while, longer each time, and only by a pool check that nobody kills.
	s.awaitFor(t, 3*patience, string(host)+" is back in service", func() bool { return back() > returns })
}

// alarms names the alarms of a host, which its stack brings.
func (s *system) alarms(host pool.HostID) (names []string) {
	for _, r := range s.Stacks.Resources(stackOf(host)) {
		if r.Type == "AWS::CloudWatch::Alarm" {
			names = append(names, r.PhysicalID)
		}
	}
	return names
}

// stackOf names the stack of a host.
func stackOf(host pool.HostID) string { return "headroom-" + stage + "-" + string(host) }

// setAlarm rings an alarm as if its metric had come to that, or ends that: then it says again what its metric is.
func (s *system) setAlarm(t *testing.T, name, state, reason string) {
	t.Helper()
	set := s.Alarms.SetState
	if state == cloudwatch.Alarming {
		set = s.Alarms.Hold
	}
	must(t, set(t.Context(), name, state, reason))
}
