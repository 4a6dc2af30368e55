package operator

import (
	"context"
	"slices"

	"headroom/internal/pool"
)

// Going is a host that goes, or is to go.
type Going struct {
	Host    pool.HostID `json:"host"`
	Tenants int         `json:"tenants"`        // that it has still
	Next    string      `json:"next,omitempty"` // tenant that moves off it next
	Why     string      `json:"why"`
}

// goings adds to the plans of a tier which hosts go.
func (o *Operator) goings(ctx context.Context, hosts map[pool.Kind][]pool.Host, s pool.Sight, t *TierPlan) error {
	plans := s.Plans()
	for i, k := range pool.Kinds { // as tierPlan has them
		if err := o.goingsOf(ctx, hosts[k], s, plans[k], k, &t.Pools[i]); err != nil {
			return err
		}
	}
	return nil
}

// goingsOf adds to the plan of a pool which of its hosts go, which one would by the next pool check, and why no other does.
func (o *Operator) goingsOf(ctx context.Context, hosts []pool.Host, s pool.Sight, plan pool.Plan, k pool.Kind, one *PoolPlan) error {
	p := s.Policy(k)
	one.After = one.Hosts + one.Orders
	for _, h := range hosts {
		switch {
		case h.State == pool.HostRetiring:
			one.Retiring = append(one.Retiring, Going{Host: h.ID, Why: h.Why})
			one.After--
		case h.Drained != "":
			e, err := o.emptying(ctx, h, s)
			if err != nil {
				return err
			}
			going := Going{Host: h.ID, Tenants: h.Used()}
			next, why := e.Next(s.At)
			going.Next, going.Why = string(next), why
			if going.Tenants == 0 {
				going.Why = orElse(pool.Emptied(h, s.Shelf, s.At), "it is empty: the next pool check retires it")
			}
			one.Drained = append(one.Drained, going)
		}
	}
	spare := pool.Spares(s.Observed(k), p, plan, s.Outlook, s.At)
	chosen := pool.ChooseEmpty(spare, hosts, p, s.Shelf, s.At)
	if why := s.Stops.Against(pool.StopDestroy); why != "" {
		chosen = pool.Retiree{Why: why}
	}
	if one.Retires, one.Spare = string(chosen.Host), chosen.Why; one.Retires != "" {
		one.After--
	}
	if p.Consolidate {
		sparse := pool.ChooseSparse(s.Observed(k), spare, hosts, p, s.Shelf, s.At)
		if why := orElse(s.Stops.Against(pool.StopDestroy), s.Stops.Against(pool.StopRepair)); why != "" {
			sparse = pool.Retiree{Why: why}
		}
		one.Drains, one.Sparse = string(sparse.Host), sparse.Why
	}
	return nil
}

// hostsOf reads the hosts of a pool that exist.
func (o *Operator) hostsOf(ctx context.Context, k pool.Key) ([]pool.Host, error) {
	hosts, err := o.hosts(ctx, k.String())
	return slices.DeleteFunc(hosts, func(h pool.Host) bool { return !h.State.Live() }), err
}
