package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestWhatARepairMayMend(t *testing.T) {
	const alarm = "headroom-dev-share-standard-1"
	on := func(names ...string) func(*pool.Host) {
		return func(h *pool.Host) {
			h.Alarms = map[string]pool.AlarmMark{}
			for _, name := range names {
				h.Alarms[name] = pool.AlarmMark{On: true, At: time.Unix(1, 0)}
			}
		}
	}
	for name, test := range map[string]struct {
		change func(*pool.Host)
		want   string
	}{
		"nothing":                   {func(*pool.Host) {}, ""},
		"its machine":               {on(alarm + "-status"), "alarm " + alarm + "-status is on"},
		"its gateway is away":       {on(alarm + "-availability"), "alarm " + alarm + "-availability is on"},
		"its gateway is not well":   {on(alarm + "-health"), "alarm " + alarm + "-health is on"},
		"its cache is dirty":        {on(alarm + "-dirty"), ""},
		"it waits for its disks":    {on(alarm + "-iowait"), ""},
		"files fail to upload":      {on(alarm + "-uploads"), ""},
		"an alarm made by hand":     {on(alarm + "-made-by-hand"), ""},
		"another host's alarm":      {on("headroom-dev-share-standard-2-status"), ""},
		"several":                   {on(alarm+"-status", alarm+"-dirty", alarm+"-health"), "alarm " + alarm + "-health is on; alarm " + alarm + "-status is on"},
		"an alarm that is over":     {func(h *pool.Host) { h.Alarms = map[string]pool.AlarmMark{alarm + "-status": {At: time.Unix(1, 0)}} }, ""},
		"signups failed against it": {func(h *pool.Host) { h.Doubt = "5 signups failed" }, "5 signups failed"},
		"it is in repair":           {func(h *pool.Host) { h.Doubt, h.Repair = "5 signups failed", 1 }, ""},
		"it is in service":          {func(h *pool.Host) { h.Doubt, h.State = "5 signups failed", pool.HostInService }, ""},
		"it is being deleted":       {func(h *pool.Host) { h.Doubt, h.State = "5 signups failed", pool.HostDeleting }, ""},
		"it is a database host":     {func(h *pool.Host) { h.Doubt, h.Kind = "5 signups failed", pool.Database }, ""},
	} {
		h := pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: "standard", State: pool.HostCordoned}
		test.change(&h)
		if got, ailing := pool.Ailing(h); got != test.want || ailing != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, ailing, test.want)
		}
	}
}

func TestTheFirstSignOfWhatAilsAHost(t *testing.T) {
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	status, dirty := "headroom-dev-share-standard-1-status", "headroom-dev-share-standard-1-dirty"
	on := func(minutes int) pool.AlarmMark { return pool.AlarmMark{On: true, At: at(minutes)} }
	for name, test := range map[string]struct {
		host pool.Host
		want time.Time
	}{
		"nothing":                            {pool.Host{}, time.Time{}},
		"an alarm":                           {pool.Host{Alarms: map[string]pool.AlarmMark{status: on(1)}}, at(1)},
		"an alarm that is off":               {pool.Host{Alarms: map[string]pool.AlarmMark{status: {At: at(1)}}}, time.Time{}},
		"one that no repair ends":            {pool.Host{Alarms: map[string]pool.AlarmMark{dirty: on(1)}}, time.Time{}},
		"doubt":                              {pool.Host{Doubt: "silent", Rang: []time.Time{at(1), at(2)}}, at(2)},
		"doubt long over":                    {pool.Host{Rang: []time.Time{at(1), at(2)}}, time.Time{}},
		"doubt, then an alarm":               {pool.Host{Doubt: "silent", Rang: []time.Time{at(2)}, Alarms: map[string]pool.AlarmMark{status: on(3)}}, at(2)},
		"an alarm, and doubt it rang before": {pool.Host{Doubt: "silent", Rang: []time.Time{at(1)}, Alarms: map[string]pool.AlarmMark{status: on(3), dirty: on(1)}}, at(3)},
	} {
		test.host.ID, test.host.Kind, test.host.State = "share-standard-1", pool.Share, pool.HostCordoned
		if got := test.host.FirstSign(); !got.Equal(test.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestARepairCountsFromTheFirstSign wants it to count from when tenants were last known to write, where that is later.
func TestARepairCountsFromTheFirstSign(t *testing.T) {
	h := pool.Host{ID: "share-standard-1", Kind: pool.Share, State: pool.HostCordoned, Doubt: "silent", Rang: []time.Time{now.Add(-5 * time.Minute)}}
	silent := pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning}, Silent: "no answer"}
	well := pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning}}
	r, _ := pool.BeginRepair(pool.Repair{}, h, "silent", pool.Wanted{}, now)
	if got := r.Saw(silent, now).Quiet; !got.Equal(now.Add(-5 * time.Minute)) {
		t.Errorf("since %s", got)
	}
	if got := r.Saw(well, now).Saw(silent, now.Add(time.Minute)).Quiet; !got.Equal(now.Add(time.Minute)) {
		t.Errorf("after a good look, since %s", got)
	}
	passed := pool.Repair{Number: 1, State: pool.RepairPassed, History: []pool.Entry{{At: now.Add(-time.Minute)}}}
	r, fresh := pool.BeginRepair(passed, h, "silent", pool.Wanted{By: "jo"}, now)
	if got := r.Saw(silent, now).Quiet; !fresh || !got.Equal(now) {
		t.Errorf("after it had passed, since %s", got)
	}
}
