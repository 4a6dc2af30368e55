package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestADatabaseHostIsDownWhenItsTenantsCantComeBackByThemselves(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	on := func(name string) map[string]pool.AlarmMark {
		return map[string]pool.AlarmMark{"headroom-dev-database-standard-1-" + name: {On: true, At: now}}
	}
	down := func(change func(h *pool.Host)) bool {
		h := pool.Host{
			ID: "database-standard-1", Kind: pool.Database, State: pool.HostCordoned, Since: now.Add(-time.Minute), Alarms: on("silence"),
			Slots: []pool.Slot{{Index: 1, State: pool.SlotAssigned, Tenant: "acme"}},
		}
		change(&h)
		return h.OutOfReach(now)
	}
	for name, test := range map[string]struct {
		change func(h *pool.Host)
		want   bool
	}{
		"it is silent":                {func(*pool.Host) {}, true},
		"it is overworked":            {func(h *pool.Host) { h.Alarms = on("cpu") }, false},
		"it has failed for long":      {func(h *pool.Host) { h.Alarms, h.Trouble, h.Since = nil, "RDS says failed", now.Add(-5*time.Minute) }, true},
		"it does not answer":          {func(h *pool.Host) { h.Alarms, h.Doubt, h.Since = nil, "it does not answer", now.Add(-5*time.Minute) }, true},
		"RDS restarts it":             {func(h *pool.Host) { h.Alarms, h.Trouble = nil, "RDS says rebooting" }, false},
		"it was cordoned by hand":     {func(h *pool.Host) { h.Alarms, h.Since = nil, now.Add(-time.Hour) }, false},
		"nobody is on it":             {func(h *pool.Host) { h.Slots[0].State = pool.SlotFree }, false},
		"it is a share host":          {func(h *pool.Host) { h.Kind = pool.Share }, false},
		"it is in service once again": {func(h *pool.Host) { h.State = pool.HostInService }, false},
	} {
		if got := down(test.change); got != test.want {
			t.Errorf("%s: out of reach is %v", name, got)
		}
	}
}
