package operator

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestAHostThatComesBackByItselfIsNoNeed(t *testing.T) {
	key := pool.Key{Kind: pool.Share, Tier: "standard"}
	cordoned := pool.Host{ID: key.Host(1), Kind: key.Kind, Tier: key.Tier, State: pool.HostCordoned}
	for name, test := range map[string]struct {
		change func(*pool.Host)
		want   int
	}{
		"an alarm of it is on":        {func(*pool.Host) {}, 1},
		"it is being mended":          {func(h *pool.Host) { h.Repair = 3 }, 0},
		"what ailed it is over":       {func(h *pool.Host) { h.Calm = time.Unix(1, 0) }, 0},
		"it is in service":            {func(h *pool.Host) { h.State = pool.HostInService }, 0},
		"it is one of another pool's": {func(h *pool.Host) { h.Tier = "silver" }, 0},
	} {
		h := cordoned
		test.change(&h)
		if got := out([]pool.Host{h}, key.String()); got != test.want {
			t.Errorf("%s: it counts %d, want %d", name, got, test.want)
		}
		needs := Status{Stage: "dev", Pools: []Pool{{Pool: key.String()}}}.needs([]pool.Host{h})
		if len(needs) != test.want {
			t.Errorf("%s: needs are %+v", name, needs)
		}
	}
}
