package operator

import (
	"context"
	"errors"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// SignUp asks for a database and a share for a tenant.
func (o *Operator) SignUp(ctx context.Context, tenant, tier, address string) (Request, error) {
	body := events.SignupRequested{Version: events.Version, TenantID: tenant, Tier: tier, InstanceIP: address}
	if err := valid(body, func(text []byte) error { _, err := events.ParseSignupRequested(text); return err }); err != nil {
		return Request{}, err
	}
	says, wanted := "sign tenant "+tenant+" up", pool.Signup{Tier: pool.Tier(tier), Address: address}
	known, err := o.Ledger.Tenant(ctx, pool.TenantID(tenant))
	switch {
	case errors.Is(err, pool.ErrNotFound) || err == nil && known.State == pool.TenantLeft:
		if err := o.admits(ctx, pool.TenantID(tenant), wanted); err != nil {
			return Request{}, err
		}
	case err != nil:
		return Request{}, err
	default:
		if bad := wanted.Differs(known); bad != nil {
			return Request{}, wrong("Tenant "+tenant+" has signed up: headroom tenant show "+tenant+" shows it, and headroom address changes its addresses.", bad)
		}
		says += " once more: it is " + string(known.State) + " already"
	}
	return Request{
		Output: "SignupQueueUrl", Body: body, Says: says, Next: []string{"headroom tenant show " + tenant},
		Done: func(ctx context.Context) (string, bool, error) {
			t, err := o.Ledger.Tenant(ctx, pool.TenantID(tenant))
			switch {
			case errors.Is(err, pool.ErrNotFound):
				return "not heard of yet", false, nil
			case t.State == pool.TenantWaiting:
				return "it waits: there are no slots for it yet", false, err
			case t.State == pool.TenantLeft:
				return "not heard of yet: it is as it left", false, err
			}
			return "it is " + string(t.State), t.State == pool.TenantReady, err
		},
	}, nil
}

// admits refuses what the signup of a new tenant would be refused for.
func (o *Operator) admits(ctx context.Context, tenant pool.TenantID, s pool.Signup) error {
	policy, err := o.Policy(ctx)
	if err != nil {
		return err
	}
	if err := policy.oneInForce(); err != nil {
		return err
	}
	ps := policy.Document.Pools
	if !ps.Serves(s.Tier) {
		return refused("The policy has "+strings.Join(texts(ps.Tiers()), ", ")+".", "tier %s can't be signed up for", s.Tier)
	}
	why, err := o.addressRefusal(ctx, s.Address, tenant)
	if err != nil || why == "" {
		return err
	}
	return refused(appServer, "instanceIp %s", why)
}
