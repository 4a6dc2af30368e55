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
