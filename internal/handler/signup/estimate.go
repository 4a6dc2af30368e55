package signup

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// estimate is how long the tenant at a place of a tier's waiting list waits. It looks at what the next pool check looks
// at, and so knows what that one orders.
func (h *Handler) estimate(ctx context.Context, tier pool.Tier, position int) (pool.Estimate, error) {
	seen, err := h.see(ctx, tier, position)
	if err != nil {
		return pool.Estimate{}, fmt.Errorf("estimate how long the tenant at place %d of tier %s waits: %w", position, tier, err)
	}
	return seen.EstimateWait(position, h.Now()), nil
}

func (h *Handler) see(ctx context.Context, tier pool.Tier, waiting int) (pool.TierSeen, error) {
	seen := pool.TierSeen{Pools: map[pool.Kind]pool.Observed{}, Policies: map[pool.Kind]pool.Policy{}, Limits: map[pool.Kind][]pool.Limit{}}
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return seen, fmt.Errorf("load the policies: %w", err)
	}
	outlook, err := h.Ledger.Outlook(ctx, tier)
	if err != nil {
		return seen, err
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return seen, err
	}
	if seen.Budget.Cap = doc.Cap(); seen.Budget.Cap > 0 {
		if seen.Budget.Spent, err = h.Ledger.Spent(ctx); err != nil {
			return seen, err
		}
	}
	for _, kind := range pool.Kinds {
		key := pool.Key{Kind: kind, Tier: tier}
		record, err := h.Ledger.Pool(ctx, key)
		if err != nil {
			return seen, fmt.Errorf("read pool %s: %w", key, err)
		}
		p := doc.PolicyOf(record)
		if stops.Order {
			seen.Limits[kind] = []pool.Limit{pool.StopOf(stops)}
		}
		seen.Policies[kind] = p
		seen.Pools[kind] = pool.Observed{Record: record, Waiting: waiting, Demand: outlook.Demand, CoolDown: time.Duration(doc.Terms.CoolDown)}
	}
	// The shelf is read after the hosts' counters, which its slots come from: what moves is seen twice rather than not at all.
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return seen, fmt.Errorf("read the shelf: %w", err)
	}
	for kind, o := range seen.Pools {
		o.OnShelf = shelf.SetOut(kind)
		seen.Pools[kind] = o
	}
	return seen, nil
}
