package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// view is what one check sees of a tier, and what is wanted of it.
type view struct {
	tier    pool.Tier
	at      time.Time
	doc     pool.Document
	records map[pool.Kind]pool.Record
	shelf   pool.Shelf
	waiting int // tenants that wait and hold nothing
	spent   pool.Cents
	outlook pool.Outlook
	limits  map[pool.Kind][]pool.Limit // that more than a pool has to keep; asked for when something is to be ordered
}

// policy is the policy of a kind; of a tier that has none any more, the one for those who wait.
func (v view) policy(kind pool.Kind) pool.Policy {
	return v.doc.PolicyOf(v.records[kind])
}

// observed is what a plan of a kind is made from.
func (v view) observed(kind pool.Kind) pool.Observed {
	return pool.Observed{
		Record: v.records[kind], OnShelf: v.shelf.SetOut(kind), Waiting: v.waiting,
		Demand: v.outlook.Demand, Pairs: v.pairs(), CoolDown: time.Duration(v.doc.Terms.CoolDown),
	}
}

// pairs is how many tenants can be served from what is free of both kinds.
func (v view) pairs() int {
	free := func(kind pool.Kind) int {
		return pool.Observed{Record: v.records[kind], OnShelf: v.shelf.SetOut(kind)}.Free(v.policy(kind))
	}
	return min(free(pool.Database), free(pool.Share))
}

// plans plans both pools.
func (v view) plans() map[pool.Kind]pool.Plan { return pool.DecideTier(v.seen(), v.at) }

// seen is what plans of both pools are made from.
func (v view) seen() pool.TierSeen {
	t := pool.TierSeen{
		Pools: map[pool.Kind]pool.Observed{}, Policies: map[pool.Kind]pool.Policy{}, Limits: v.limits,
		Budget: pool.Budget{Cap: v.doc.Cap(), Spent: v.spent},
	}
	for _, kind := range pool.Kinds {
		t.Pools[kind], t.Policies[kind] = v.observed(kind), v.policy(kind)
	}
	return t
}

// look reads what plans are made from, while others move slots. The order makes slots that move
// count twice rather than not at all, because too few orders are made up for by the next check and
// too many by nobody: slots move from the making into the reserve and from there onto the shelf, and
// are given to those who wait. So what they move to is read after what they move from.
func (h *Handler) look(ctx context.Context, tier pool.Tier, doc pool.Document) (view, error) {
	v := view{tier: tier, at: h.Now(), doc: doc, records: map[pool.Kind]pool.Record{}}
	var err error
	for _, kind := range pool.Kinds {
		if v.records[kind], err = h.Ledger.Pool(ctx, pool.Key{Kind: kind, Tier: tier}); err != nil {
			return v, fmt.Errorf("read the pool: %w", err)
		}
	}
	if v.shelf, err = h.Ledger.Shelf(ctx, tier); err != nil {
		return v, fmt.Errorf("read the shelf: %w", err)
	}
	waiters, err := h.Ledger.Waiting(ctx, tier, waitingSeen)
	if err != nil {
		return v, fmt.Errorf("read the waiting list: %w", err)
	}
	for _, w := range waiters {
		if _, held := v.shelf.Held[w.Tenant]; !held { // those who hold something want no more
			v.waiting++
		}
	}
	v.spent, err = h.Ledger.Spent(ctx)
	return v, err
}

// decide plans both pools. Where something is to be ordered it asks first what keeps orders from being made at all, and
// plans under that.
func (h *Handler) decide(ctx context.Context, v *view) (map[pool.Kind]pool.Plan, error) {
	plans := v.plans()
	if v.limits != nil || len(plans[pool.Database].Actions)+len(plans[pool.Share].Actions) == 0 {
		return plans, nil
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the stop switch, before which nothing is ordered: %w", err)
	}
	v.limits = map[pool.Kind][]pool.Limit{}
	for _, kind := range pool.Kinds {
		if stops.Order {
			v.limits[kind] = append(v.limits[kind], pool.StopOf(stops))
		}
	}
	return v.plans(), nil
}

// note notes in the tier's outlook who came since it was written, and what is planned for that. Of checks at once one
// notes it, and the others plan with what that one saw. The view goes on with the outlook, written or not: an outlook that
// can't be written keeps no host from being ordered.
func (h *Handler) note(ctx context.Context, v *view) (plans map[pool.Kind]pool.Plan, err error) {
	v.outlook = pool.Outlook{Tier: v.tier}
	noted := ledger.UpdateOutlook(ctx, h.Ledger, v.tier, func(read pool.Outlook) (pool.Outlook, error) {
		databases := v.records[pool.Database].LeadTimes(v.policy(pool.Database), v.at)
		v.outlook = read.Noted(v.shelf.Signups, databases, v.at)
		if plans, err = h.decide(ctx, v); err != nil {
			return read, ledger.ErrUnchanged
		}
		after := v.outlook
		for _, kind := range pool.Kinds {
			after = after.Planned(kind, plans[kind], time.Duration(v.policy(kind).KeepEmpty), v.at)
		}
		if !after.News(read) {
			return read, ledger.ErrUnchanged
		}
		v.outlook = after
		return after, nil
	})
	if err != nil {
		return nil, err
	}
	if noted != nil {
		noted = fmt.Errorf("note who came to tier %s: %w", v.tier, noted)
	}
	if plans == nil { // it could not be read either
		plans, err = h.decide(ctx, v)
	}
	return plans, errors.Join(noted, err)
}
