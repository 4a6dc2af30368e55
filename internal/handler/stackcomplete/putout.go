package stackcomplete

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// putOut puts a tenant that a share of a gateway was taken back from out of the gateway's group, where it was given one of
// another gateway. A rule that stays lets nobody reach a share, and takes the place of another's; so whenever it is not
// certain that a rule is the tenant's and of no use any more, it stays: the tenant may get a share here again, and an
// address of one that left may be somebody else's.
func (h *Handler) putOut(ctx context.Context, host pool.Host, id pool.TenantID) error {
	if id == "" {
		return nil // it was taken back from nobody: a repair's prober was let in, or a recovery did not know whose it is
	}
	t, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("read tenant %s, whose share was returned: %w", id, err)
	}
	if t.State != pool.TenantLeft && !atHome(t, host.ID) {
		if err := h.Access.Evict(ctx, host.Access.SecurityGroup, t.Addresses); err != nil {
			return err
		}
		if t, err = h.Ledger.Tenant(ctx, id); err != nil {
			return fmt.Errorf("read tenant %s, which was put out of %s: %w", id, host.ID, err)
		}
	}
	// It may have come to have a share here between the look and the call, this time or when that was cut short before.
	if t.State != pool.TenantLeft && atHome(t, host.ID) {
		return h.Access.Admit(ctx, t, host.Access.SecurityGroup)
	}
	return nil
}

// atHome reports whether a tenant has, or may get, a share of a gateway.
func atHome(t pool.Tenant, gateway pool.HostID) bool { return !t.Named() || t.Share.Host == gateway }
