package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/pool"
)

// Move asks that a tenant's database moves to another host, empty: any that has room; most is how long it may be shut out,
// empty: as long as it takes; an empty grace is the policy's.
func (o *Operator) Move(ctx context.Context, tenant, to, most, reason, grace string) (Request, error) {
	body := events.NewMoveRequest(tenant, reason, o.Caller.ARN)
	body.To, body.Most, body.Grace = to, most, grace
	if err := valid(body, func(text []byte) error { _, err := events.ParseMoveRequest(text); return err }); err != nil {
		return Request{}, err
	}
	t, err := o.readTenant(ctx, tenant)
	if err != nil {
		return Request{}, err
	}
	if t.State != pool.TenantReady {
		return Request{}, refused("headroom tenant explain "+tenant+" says how it is.", "tenant %s has no database to move: it is %s", tenant, t.State)
	}
	last, underWay, err := o.restoration(ctx, t.ID)
	if err != nil {
		return Request{}, err
	}
	if underWay && !last.State.Ended() {
		return Request{}, refused("headroom tenant explain "+tenant+" says how it goes.", "tenant %s is in %s already", tenant, last.ID())
	}
	if err := o.graceWithin(ctx, grace); err != nil {
		return Request{}, err
	}
	says, err := o.landing(ctx, t, pool.HostID(to))
	if err != nil {
		return Request{}, err
	}
	return Request{
		Output: "RestoreQueueUrl", Body: body, Says: says,
		Next: []string{"headroom tenant explain " + tenant, "headroom restore " + tenant + " --undo --reason …"},
		Done: func(ctx context.Context) (string, bool, error) {
			r, err := o.Ledger.Restoration(ctx, t.ID)
			switch {
			case errors.Is(err, pool.ErrNotFound) || err == nil && r.Number <= last.Number:
				return "not heard of yet", false, nil
			case err != nil:
				return "", false, err
			case r.State == pool.RestorationWithdrawn:
				came := "it came to nothing, and the tenant is where it was: " + r.Why
				return came, true, nothing("headroom tenant explain "+tenant+" says how it went.", "%s", came)
			case !r.Swapped.IsZero():
				return fmt.Sprintf("its database is on %s; it was shut out for %s", r.Target.Host, r.Refused.Round(1e9)), true, nil
			}
			return fmt.Sprintf("%s is at step %s", r.ID(), r.Step), false, nil
		},
	}, nil
}

// landing says where a tenant would move, as the records are now.
func (o *Operator) landing(ctx context.Context, t pool.Tenant, to pool.HostID) (string, error) {
	if to != "" {
		if _, err := o.readHost(ctx, string(to)); err != nil {
			return "", err
		}
	}
	hosts, err := o.hosts(ctx, string(pool.Database)+"/"+string(t.Tier))
	if err != nil {
		return "", err
	}
	hosts = slices.DeleteFunc(hosts, func(h pool.Host) bool { return !h.State.Live() })
	shelf, err := o.Ledger.Shelf(ctx, t.Tier)
	if err != nil {
		return "", err
	}
	policy, err := o.Policy(ctx)
	if err != nil {
		return "", err
	}
	limit := pool.Policy{}.Limit()
	if p, ok := policy.Document.Pools.Of(pool.Key{Kind: pool.Database, Tier: t.Tier}); ok {
		limit = p.Limit()
	}
	landings, why := pool.Landings(t.Database.Host, to, hosts, shelf, limit)
	if len(landings) == 0 {
		return "", refused("headroom host list --pool database/"+string(t.Tier)+" shows them.", "tenant %s can't move: %s", t.ID, joined("", why))
	}
	return fmt.Sprintf("move the database of tenant %s from %s to %s, as things are now, if there is room for it", t.ID, t.Database.Host, landings[0].Holding.Host), nil
}
