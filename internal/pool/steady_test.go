package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

// A host that is cordoned for the second time within an hour goes back only once its alarm is steadily over.
func TestAHostThatGoesInAndOutGoesBackOnceItIsSteady(t *testing.T) {
	begun := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	h, now := pool.Host{ID: "database-standard-1", State: pool.HostInService}, begun
	set := func(on bool, at time.Time) {
		t.Helper()
		now = at
		h = h.Clone()
		h.Alarms = map[string]pool.AlarmMark{"cpu": {On: on, At: at}}
		var err error
		if h, err = pool.Reconsider(h, at, "test"); err != nil {
			t.Fatal(err)
		}
	}
	minute := func(n int) time.Time { return begun.Add(time.Duration(n) * time.Minute) }
	set(true, minute(0))
	set(false, minute(5))
	if h.State != pool.HostInService {
		t.Fatalf("after its first alarm it is %s", h.State)
	}
	set(true, minute(10))
	set(false, minute(20))
	if h.State != pool.HostCordoned {
		t.Fatalf("after its second alarm it is %s at once", h.State)
	}
	for _, test := range []struct {
		minute int
		want   pool.HostState
	}{{30, pool.HostCordoned}, {34, pool.HostCordoned}, {35, pool.HostInService}} {
		after, changed, err := pool.Steady(h, minute(test.minute))
		if err != nil || after.State != test.want || changed != (test.want == pool.HostInService) {
			t.Errorf("after %d minutes it is %s: %v", test.minute, after.State, err)
		}
	}
	set(true, minute(32)) // it rings again before that
	if after, changed, _ := pool.Steady(h, minute(60)); changed {
		t.Errorf("with its alarm on it is %s", after.State)
	}
	set(false, minute(100))
	if h.State != pool.HostInService {
		t.Errorf("after more than an hour it is %s", h.State)
	}
	if _, changed, err := pool.Steady(h, now); changed || err != nil {
		t.Errorf("one in service is changed: %v", err)
	}
}
