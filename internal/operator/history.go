package operator

import (
	"context"
	"slices"
	"time"

	"headroom/internal/pool"
)

// Past is what a tier has seen, for a simulation of it. It names nobody.
type Past struct {
	Tier    pool.Tier
	Until   time.Time // now
	Signups []time.Time
	Leads   map[pool.Kind][]time.Duration // that were measured last, some thirty
	Policy  pool.Document                 // in force
}

// Past reads when tenants signed up for a tier, those who left included, and how long its hosts took. An empty tier is the
// only one of the policy document. The whole table is read.
func (o *Operator) Past(ctx context.Context, tier pool.Tier) (Past, error) {
	stands, err := o.Policy(ctx)
	if err != nil {
		return Past{}, err
	}
	if err := stands.oneInForce(); err != nil {
		return Past{}, err
	}
	if tiers := stands.Document.Pools.Tiers(); tier == "" && len(tiers) == 1 {
		tier = tiers[0]
	} else if tier == "" {
		return Past{}, refused("Name it with --tier.", "which tier of %v?", tiers)
	}
	past := Past{Tier: tier, Until: o.Now().UTC(), Leads: map[pool.Kind][]time.Duration{}, Policy: stands.Document}
	err = o.Ledger.EachSignup(ctx, tier, func(at time.Time) error {
		past.Signups = append(past.Signups, at.UTC())
		return nil
	})
	if err != nil {
		return Past{}, err
	}
	if len(past.Signups) == 0 {
		return Past{}, missing("headroom pool list names the tiers there are.", "nobody signed up for tier %s yet", tier)
	}
	slices.SortFunc(past.Signups, time.Time.Compare)
	for _, kind := range pool.Kinds {
		record, err := o.Ledger.Pool(ctx, pool.Key{Kind: kind, Tier: tier})
		if err != nil {
			return Past{}, err
		}
		for _, lead := range record.Leads {
			past.Leads[kind] = append(past.Leads[kind], lead.Took)
		}
	}
	return past, nil
}
