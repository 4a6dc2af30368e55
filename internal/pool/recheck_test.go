package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

const term = 5 * time.Minute

// B3: a mark is compared with what alarms there are.
func TestAMarkWithoutItsAlarmLetsGo(t *testing.T) {
	rang := now.Add(-time.Hour)
	for _, test := range []struct {
		name    string
		looks   map[string]pool.AlarmLook
		after   time.Duration // since it rang
		changed bool
	}{
		{"it rings still", map[string]pool.AlarmLook{"cpu": {On: true, At: rang}}, time.Hour, false},
		{"it has too little data", map[string]pool.AlarmLook{"cpu": {At: rang.Add(time.Minute)}}, time.Hour, false},
		{"it is gone", nil, time.Hour, true},
		{"it rang a moment ago, and is not listed yet", nil, time.Minute, false},
		{"it said OK, and nobody heard", map[string]pool.AlarmLook{"cpu": {OK: true, At: rang.Add(time.Minute)}}, time.Hour, true},
		{"the list lags behind its ringing", map[string]pool.AlarmLook{"cpu": {OK: true, At: rang.Add(-time.Minute)}}, time.Hour, false},
	} {
		h := host(1, "ff")
		h.State = pool.HostCordoned
		h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: rang}, "disk": {At: rang}}
		after, changed, err := pool.Recheck(h, test.looks, term, rang.Add(test.after))
		if err != nil || changed != test.changed || after.State != pool.HostCordoned || (len(after.Alarmed()) == 0) != test.changed {
			t.Errorf("%s: changed %v, host is %s with %v on, %v", test.name, changed, after.State, after.Alarmed(), err)
		}
		if !test.changed {
			continue
		}
		calm := rang.Add(test.after)
		if early, changed, err := pool.Recheck(after, nil, term, calm.Add(term-1)); err != nil || changed || early.State != pool.HostCordoned {
			t.Errorf("%s: before it has lasted, host is %s, %v", test.name, early.State, err)
		}
		back, changed, err := pool.Recheck(after, nil, term, calm.Add(term))
		if err != nil || !changed || back.State != pool.HostInService || !strings.Contains(back.Why, "over for 5m0s") {
			t.Errorf("%s: once it has lasted, host is %s because %s, %v", test.name, back.State, back.Why, err)
		}
	}
}

func TestAHostIsNotLetInForOneOfTwoAlarms(t *testing.T) {
	h := host(1, "ff")
	h.State = pool.HostCordoned
	h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: now}, "disk": {On: true, At: now}}
	after, changed, err := pool.Recheck(h, map[string]pool.AlarmLook{"disk": {On: true, At: now}}, term, now.Add(time.Hour))
	if err != nil || !changed || after.State != pool.HostCordoned || len(after.Alarmed()) != 1 || !after.Calm.IsZero() {
		t.Errorf("host is %s, alarms %v, %v", after.State, after.Alarmed(), err)
	}
}

func TestAHostIsNotLetInWhileAnAlarmRingsThatWasNotHeard(t *testing.T) {
	h := host(1, "ff")
	h.State = pool.HostCordoned
	h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: now}, "disk": {At: now}}
	h = pool.Marked(h, "cpu", pool.AlarmMark{At: now.Add(time.Minute)}, now.Add(time.Minute))
	due := h.SteadyAt(term, now)
	diff(t, "before it is due it looks at", len(pool.Rechecks(h, term, due.Add(-1))), 0)
	diff(t, "when it is due it looks at", pool.Rechecks(h, term, due), []string{"cpu", "disk"})
	for name, look := range map[string]pool.AlarmLook{
		"it rings":                    {On: true, At: due},
		"it rings, and the list lags": {On: true, At: now.Add(-time.Minute)},
	} {
		after, _, err := pool.Recheck(h, map[string]pool.AlarmLook{"cpu": {OK: true}, "disk": look}, term, due)
		if err != nil || after.State != pool.HostCordoned {
			t.Errorf("%s: host is %s, %v", name, after.State, err)
		}
	}
	after, _, err := pool.Recheck(h, map[string]pool.AlarmLook{"cpu": {OK: true}, "disk": {}}, term, due)
	if err != nil || after.State != pool.HostInService {
		t.Errorf("with an alarm that has too little data, host is %s, %v", after.State, err)
	}
}
