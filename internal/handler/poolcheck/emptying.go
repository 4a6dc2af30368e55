package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// empty has the next tenant of a drained host moved off it, if the policy of its pool has come to that.
func (h *Handler) empty(ctx context.Context, host pool.Host) error {
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return fmt.Errorf("load the policies, by which host %s is emptied: %w", host.ID, err)
	}
	p, ok := doc.Pools.Of(host.Key())
	if !ok || host.MovesNone(p, pool.MoveOff{}, h.Now()) != "" {
		return nil
	}
	known, err := h.Ledger.Outlook(ctx, host.Tier)
	if err != nil || host.MovesNone(p, known.Off, h.Now()) != "" {
		return err
	}
	e, still, err := h.emptying(ctx, host, p, view{Sight: pool.Sight{Tier: host.Tier, Document: doc, Outlook: known}})
	if err != nil {
		return fmt.Errorf("look who is to move off host %s: %w", host.ID, err)
	}
	tenant, why := e.Next(h.Now())
	if tenant == "" || !still {
		h.Log.InfoContext(ctx, "nobody is moved off a drained host", "host", host.ID, "reason", why)
		return nil
	}
	return h.moveOff(ctx, e, tenant, why)
}

// emptying reads all that is looked at before a tenant is moved off a host. still reports whether nothing was being moved to
// or from the tier's shelf: else what is free may have been counted twice.
func (h *Handler) emptying(ctx context.Context, host pool.Host, p pool.Policy, v view) (e pool.Emptying, still bool, err error) {
	if v, still, err = h.lookStill(ctx, v); err != nil {
		return e, false, err
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return e, false, fmt.Errorf("read the stop switch, before which nobody is moved: %w", err)
	}
	v.Outlook = v.Noted(v.Outlook)
	e = pool.Emptying{
		Host: host, Policy: p, Last: v.Outlook.Off, Stops: stops, Shelf: v.Shelf, Seen: v.Observed(host.Kind), Plan: v.Plans()[host.Kind],
		Tenants: map[pool.TenantID]pool.Tenant{}, Moves: map[pool.TenantID]pool.Restoration{},
	}
	if why := e.Full(h.Now()); why != "" {
		return e, still, nil // whoever is on it
	}
	return e, still, ledger.LookAtMoves(ctx, h.Ledger, &e)
}

// moveOff has a tenant moved off a host that is emptied.
func (h *Handler) moveOff(ctx context.Context, e pool.Emptying, tenant pool.TenantID, why string) error {
	next := pool.MoveOff{Host: e.Host.ID, Tenant: tenant, At: h.Now().UTC().Truncate(time.Millisecond)}
	// Commit point: it is on record before it is asked for, so that checks at once ask for one move, and the pace holds
	// whatever becomes of it. Killed after this, it is asked for again once it was not heard of for a while.
	asked := false
	err := ledger.UpdateOutlook(ctx, h.Ledger, e.Host.Tier, func(read pool.Outlook) (pool.Outlook, error) {
		if asked = read.Off.Same(e.Last); !asked {
			return read, ledger.ErrUnchanged // another check was first
		}
		after := read.Clone()
		after.Off = next
		return after, nil
	})
	if errors.Is(err, pool.ErrConflict) || err == nil && !asked {
		return nil
	}
	if err != nil {
		return fmt.Errorf("note that tenant %s is to move off host %s: %w", tenant, e.Host.ID, err)
	}
	h.Log.InfoContext(ctx, "tenant is moved off a drained host", "tenant", tenant, "host", e.Host.ID, "reason", why)
	most := ""
	if e.Policy.DrainMost > 0 {
		most = time.Duration(e.Policy.DrainMost).String()
	}
	off := events.NewMoveOff(string(tenant), string(e.Host.ID), events.At(next.At), most, fmt.Sprintf("host %s is drained, by %s", e.Host.ID, e.Host.Drained))
	if err := h.Restores.Send(ctx, off, 0); err != nil {
		return fmt.Errorf("have tenant %s moved off host %s: %w", tenant, e.Host.ID, err)
	}
	return nil
}
