package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// B3: a mark is compared with what alarms there are.
func TestAMarkWithoutItsAlarmLetsGo(t *testing.T) {
	rang := now.Add(-time.Hour)
	for _, test := range []struct {
		name    string
		states  map[string]pool.AlarmMark
		after   time.Duration // since it rang
		changed bool
	}{
		{"it rings still", map[string]pool.AlarmMark{"cpu": {On: true, At: rang}}, time.Hour, false},
		{"it is gone", nil, time.Hour, true},
		{"it rang a moment ago, and is not listed yet", nil, time.Minute, false},
		{"it said OK, and nobody heard", map[string]pool.AlarmMark{"cpu": {At: rang.Add(time.Minute)}}, time.Hour, true},
		{"the list lags behind its ringing", map[string]pool.AlarmMark{"cpu": {At: rang.Add(-time.Minute)}}, time.Hour, false},
	} {
		h := host(1, "ff")
		h.State = pool.HostCordoned
		h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: rang}, "disk": {At: rang}}
		after, changed, err := pool.Recheck(h, test.states, rang.Add(test.after))
		want := map[bool]pool.HostState{true: pool.HostInService, false: pool.HostCordoned}[test.changed]
		if err != nil || changed != test.changed || after.State != want {
			t.Errorf("%s: changed %v, host is %s, %v", test.name, changed, after.State, err)
		}
		if changed && !strings.Contains(after.Why, "alarm cpu") {
			t.Errorf("%s: because %q", test.name, after.Why)
		}
	}
}

func TestAHostIsNotLetInForOneOfTwoAlarms(t *testing.T) {
	h := host(1, "ff")
	h.State = pool.HostCordoned
	h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: now}, "disk": {On: true, At: now}}
	after, changed, err := pool.Recheck(h, map[string]pool.AlarmMark{"disk": {On: true, At: now}}, now.Add(time.Hour))
	if err != nil || !changed || after.State != pool.HostCordoned || len(after.Alarmed()) != 1 {
		t.Errorf("host is %s, alarms %v, %v", after.State, after.Alarmed(), err)
	}
}
