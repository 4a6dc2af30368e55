package demo

import (
	"context"
	"slices"
	"time"

	"headroom/internal/pool"
)

// loneTier has one database and one share: who signs up for it gets what the one before had.
const loneTier = "lone"

// openLoneTier adds the tier to the policy that is in force, and has slots that were scrubbed rest for as short as they
// may, as an operator would.
func openLoneTier(ctx context.Context, cloud Cloud) error {
	return changePolicy(ctx, cloud, withLoneTier)
}

func withLoneTier(d pool.Document) pool.Document {
	d.Terms.CoolDown = pool.Term(time.Minute)
	d.Pools = slices.DeleteFunc(slices.Clone(d.Pools), func(p pool.Policy) bool { return p.Tier == loneTier })
	for _, kind := range pool.Kinds {
		d.Pools = append(d.Pools, pool.Policy{
			Kind: kind, Tier: loneTier, SlotsPerHost: 1, Floor: 1, Ceiling: 1, MaxOrders: 1, Placement: pool.Pack,
		})
	}
	return d
}
