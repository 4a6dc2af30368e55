package operator

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// appServer says whose an address is to be.
const appServer = "It is the address of the tenant's application server."

// ChangeAddresses asks that other addresses are let in to a tenant's share.
func (o *Operator) ChangeAddresses(ctx context.Context, tenant string, add, remove []string, reason string) (Request, error) {
	body := events.InstanceChangeRequested{
		Version: events.Version, Type: events.TypeInstanceChangeRequested, TenantID: tenant, Add: add, Remove: remove, Reason: reason, RequestedBy: o.Caller.ARN,
	}
	if err := valid(body, func(text []byte) error { _, err := events.ParseInstanceChangeRequested(text); return err }); err != nil {
		return Request{}, err
	}
	t, err := o.readTenant(ctx, tenant)
	if err != nil {
		return Request{}, err
	}
	if t.State == pool.TenantLeft {
		return Request{}, refused("headroom undo "+tenant+" has it stay, while its grace lasts.", "tenant %s has left", tenant)
	}
	wanted, err := pool.ChangeAddresses(t, pool.AddressChange{Add: add, Remove: remove, At: o.Now()}, 0, o.Now())
	if err != nil {
		return Request{}, refused("headroom tenant show "+tenant+" has its addresses.", "%v", err)
	}
	for _, address := range add {
		if !t.Gets(address, wanted) {
			continue
		}
		why, err := o.addressRefusal(ctx, address, t.ID)
		if err != nil {
			return Request{}, err
		}
		if why != "" {
			return Request{}, refused(appServer, "address %s %s", address, why)
		}
	}
	return Request{
		Output: "InstanceChangeQueueUrl", Body: body, Says: "change the addresses of tenant " + tenant, Next: []string{"headroom tenant show " + tenant},
		Done: func(ctx context.Context) (string, bool, error) {
			t, err := o.Ledger.Tenant(ctx, pool.TenantID(tenant))
			added := !slices.ContainsFunc(add, func(a string) bool { return !slices.Contains(t.Addresses, a) })
			removed := !slices.ContainsFunc(remove, func(a string) bool { return slices.Contains(t.Reached(), a) })
			return "its addresses are " + strings.Join(t.Addresses, ", "), added && removed, err
		},
	}, nil
}

// addressRefusal is why a tenant does not get an address that is not its own, as the functions would say now; "" if it does.
// A stack that does not say where instances may live leaves that to them.
func (o *Operator) addressRefusal(ctx context.Context, text string, tenant pool.TenantID) (string, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return "", fmt.Errorf("read the address %q: %w", text, err)
	}
	if o.Outputs["SignupNetworks"] != "" {
		var networks pool.Networks
		if networks.Instances, err = pool.ParseNetworks(o.Outputs["SignupNetworks"]); err != nil {
			return "", fmt.Errorf("read output SignupNetworks: %w", err)
		}
		if networks.Hosts, err = pool.ParseNetworks(o.Outputs["SignupNetworksNot"]); err != nil {
			return "", fmt.Errorf("read output SignupNetworksNot: %w", err)
		}
		if why := networks.Refusal(address); why != "" {
			return why, nil
		}
	}
	switch owner, err := o.Ledger.Owner(ctx, text); {
	case errors.Is(err, pool.ErrNotFound) || err == nil && owner == tenant:
		return "", nil
	case err != nil:
		return "", err
	}
	return "belongs to another tenant", nil
}
