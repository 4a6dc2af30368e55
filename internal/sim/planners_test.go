package sim

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestPlannersKeepWhatTheyAreToldTo(t *testing.T) {
	o := Options{Demand: counted(t, 3, func(h int) float64 { return float64(h) * 60 }), Leads: DefaultLeads(), Seed: 1}
	p := pool.Policy{Kind: pool.Share, Tier: "standard", SlotsPerHost: 10, Ceiling: 100, MaxOrders: 32}
	seen := pool.Observed{Record: pool.Record{Counters: pool.Counters{Hosts: 21, InService: 20, Provisioning: 1, ProvisioningSlots: 10, Reserve: 5, Used: 195}}, Waiting: 2}
	for name, test := range map[string]struct {
		plan Planner
		hour int
		want int
	}{
		"static":                    {Static(30), 0, 2},     // 30 + 2 − 5 − 10
		"enough":                    {Static(13), 0, 0},     // 13 + 2 − 5 − 10
		"percentage":                {Percentage(20), 0, 3}, // 39 + 2 − 5 − 10
		"nobody comes":              {Known(o, 0.99), 0, 0},
		"sixty an hour are known":   {Known(o, 0.99), 1, 2},
		"twice as many are known":   {Known(o, 0.99), 2, 4},
		"as many as may be ordered": {Static(1000), 0, 31},
	} {
		if got := test.plan.hosts(seen, p, monday.Add(time.Duration(test.hour)*time.Hour+time.Minute)); got != test.want {
			t.Errorf("%s: %d hosts, want %d", name, got, test.want)
		}
	}
}
