package pool_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

// letters writes the slots of a host as host reads them.
func letters(used, free int) string { return strings.Repeat("a", used) + strings.Repeat("f", free) }

// observed is a pool of share hosts, of slots used and free.
func observed(hosts ...[2]int) pool.Observed {
	o := pool.Observed{Record: pool.Record{Key: shares}}
	for i, h := range hosts {
		o.Record.Counters = o.Record.Counters.Add(pool.Contribution(host(i+1, letters(h[0], h[1]))))
	}
	return o
}

func TestAHostOverTheLimitTakesNothingFromAnother(t *testing.T) {
	full, empty := [2]int{20, 0}, [2]int{0, 20}
	lowered := observed(full, full, full, full, empty, empty, empty)
	shelved := lowered
	shelved.OnShelf = 2
	tests := []struct {
		name   string
		seen   pool.Observed
		limit  int
		free   int
		buffer int
		orders int
	}{
		{"no limit", lowered, 0, 60, 60, 0},
		{"a limit that is lowered", lowered, 10, 30, 30, 0},
		{"a limit that is lowered, and reached", lowered, 10, 30, 31, 1},
		{"a limit that is raised", lowered, 15, 45, 45, 0},
		{"a limit above all that there is", lowered, 200, 60, 60, 0},
		{"slots on the shelf are free besides", shelved, 10, 32, 32, 0},
		{"hosts at the limit have nothing to give", observed([2]int{10, 10}, [2]int{10, 10}), 10, 0, 1, 1},
		{"nor have hosts over it", observed([2]int{15, 5}, [2]int{12, 8}), 10, 0, 1, 1},
		{"a small host that is full gives nothing for one that is large", observed([2]int{5, 0}, [2]int{10, 10}), 10, 0, 1, 1},
		{"hosts of different sizes", observed([2]int{3, 2}, [2]int{7, 13}), 10, 5, 5, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := buffered(test.buffer, 0)
			p.TenantsPerHost = test.limit
			diff(t, "free", test.seen.Free(p), test.free)
			plan := pool.Decide(test.seen, p, nil, now)
			if len(plan.Actions) != test.orders || plan.Missing() != 0 {
				t.Errorf("%+v, want %d orders", plan, test.orders)
			}
		})
	}
}

// TestWhatIsFreeIsWhatCanBeSetOut holds the counters and the refill together: they know the limit of
// tenants each in its own way.
func TestWhatIsFreeIsWhatCanBeSetOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var hosts []pool.Host
		var c pool.Counters
		for seq := range rapid.IntRange(0, pool.ShelfHosts).Draw(t, "hosts") {
			slots := rapid.StringMatching(`[foa]{0,20}`).Draw(t, "slots")
			h := host(seq+1, slots)
			h.State = rapid.SampledFrom([]pool.HostState{pool.HostInService, pool.HostInService, pool.HostCordoned, pool.HostQuarantined}).Draw(t, "state")
			hosts, c = append(hosts, h), c.Add(pool.Contribution(h))
		}
		p := policy(rapid.SampledFrom([]pool.Placement{pool.Pack, pool.Spread}).Draw(t, "placement"), rapid.IntRange(0, 25).Draw(t, "limit"))
		can := len(pool.Choose(pool.NewShelf(standard), hosts, p, 1000))
		if free := (pool.Observed{Record: pool.Record{Counters: c}}).Free(p); free != can {
			t.Fatalf("%d slots count as free, and %d can be set out", free, can)
		}
	})
}
