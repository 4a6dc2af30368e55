package decommission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

// refusedWait is how long to wait after the guard has refused a call.
const refusedWait = 5 * time.Minute

// errRefused is a call that the guard refused.
var errRefused = errors.New("the guard refuses it")

// allow reads all that a call which destroys something depends on, consistently, and has the guard decide. It stands
// directly before each such call. target names what the call is about to destroy, as it was observed just now.
func (h *Handler) allow(ctx context.Context, c pool.Clearance, target pool.Target) error {
	if move, ok := c.ID().OfMove(); ok {
		return h.allowMoved(ctx, c, move, target)
	}
	d, err := h.Ledger.Departure(ctx, c.Departure)
	if err != nil {
		return fmt.Errorf("read departure %s before %s %q is destroyed: %w", c.Departure, target.What, target.Name, err)
	}
	host, err := h.Ledger.Host(ctx, c.Holding.Host)
	if err != nil {
		return fmt.Errorf("read host %s before %s %q is destroyed: %w", c.Holding.Host, target.What, target.Name, err)
	}
	t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
	if err != nil {
		return fmt.Errorf("read tenant %s before %s %q is destroyed: %w", d.Tenant.ID, target.What, target.Name, err)
	}
	if target.Clearance, err = h.unchanged(ctx, c); err != nil {
		return err
	}
	if target.Stops, err = h.Ledger.Stops(ctx); err != nil {
		return fmt.Errorf("read the stop switch before %s %q is destroyed: %w", target.What, target.Name, err)
	}
	target.Departure = d
	if slot := host.Slot(c.Holding.Index); slot != nil {
		target.Slot = *slot
	}
	if t.Database.Same(c.Holding) || t.Share.Same(c.Holding) || target.What == secretTarget && t.Secret == target.Name {
		target.Holders = append(target.Holders, t.ID)
	}
	if reasons := pool.Guard(target, h.Now()); len(reasons) > 0 {
		return fmt.Errorf("destroy %s %q: %w: %s", target.What, target.Name, errRefused, strings.Join(reasons, "; "))
	}
	// Commit point: it is on record before it is destroyed, and again when that is tried again.
	return h.Ledger.Audit(ctx, pool.Audit{
		At: h.Now().UTC(), Message: string(c.ID()), What: "destroyed " + target.What, Of: target.Name,
		Why: fmt.Sprintf("step %s; %s wanted the tenant to leave: %s", c.Step, d.RequestedBy, d.Reason),
	})
}

// allowMoved is allow for a slot that a tenant moved away from.
func (h *Handler) allowMoved(ctx context.Context, c pool.Clearance, move pool.RestorationID, target pool.Target) error {
	tenant, _, _ := move.Parse()
	r, err := h.Ledger.Restoration(ctx, tenant)
	if err != nil {
		return fmt.Errorf("read the moves of tenant %s before %s %q is destroyed: %w", tenant, target.What, target.Name, err)
	}
	t, err := h.Ledger.Tenant(ctx, tenant)
	if err != nil {
		return fmt.Errorf("read tenant %s before %s %q is destroyed: %w", tenant, target.What, target.Name, err)
	}
	left, err := h.Ledger.Departures(ctx, tenant)
	if err != nil {
		return fmt.Errorf("read how tenant %s left before %s %q is destroyed: %w", tenant, target.What, target.Name, err)
	}
	host, err := h.Ledger.Host(ctx, c.Holding.Host)
	if err != nil {
		return fmt.Errorf("read host %s before %s %q is destroyed: %w", c.Holding.Host, target.What, target.Name, err)
	}
	if target.Clearance, err = h.unchanged(ctx, c); err != nil {
		return err
	}
	if target.Stops, err = h.Ledger.Stops(ctx); err != nil {
		return fmt.Errorf("read the stop switch before %s %q is destroyed: %w", target.What, target.Name, err)
	}
	if slot := host.Slot(c.Holding.Index); slot != nil {
		target.Slot = *slot
	}
	if reasons := pool.GuardMoved(target, r, t, left, h.Now()); len(reasons) > 0 {
		return fmt.Errorf("destroy %s %q: %w: %s", target.What, target.Name, errRefused, strings.Join(reasons, "; "))
	}
	// Commit point: it is on record before it is destroyed, and again when that is tried again.
	return h.Ledger.Audit(ctx, pool.Audit{
		At: h.Now().UTC(), Message: string(c.ID()), What: "destroyed " + target.What, Of: target.Name,
		Why: fmt.Sprintf("step %s; tenant %s moved away from it by %s", c.Step, tenant, move),
	})
}

// unchanged reads a clearance anew, just before something is destroyed. pool.ErrConflict when somebody is further on with it: what is
// against the call then was not so when this step was begun, and nobody need be told.
func (h *Handler) unchanged(ctx context.Context, c pool.Clearance) (pool.Clearance, error) {
	now, err := h.Ledger.Clearance(ctx, c.ID())
	if err == nil && now.Version != c.Version {
		err = pool.ErrConflict
	}
	if err != nil {
		return now, fmt.Errorf("read clearance %s before it destroys something: %w", c.ID(), err)
	}
	return now, nil
}

// refused has a clearance wait after the guard has refused it. That is told once; a stop switch may be on for days, so
// its step's deadline moves.
func (h *Handler) refused(ctx context.Context, c pool.Clearance, refusal error) (clearing, error) {
	if c.Failed(refusal).Error != c.Error {
		h.Log.ErrorContext(ctx, "refused to destroy", "clearance", c.ID(), "step", c.Step, "reason", refusal.Error())
		if err := h.Announce.Refused(ctx, c, refusal.Error()); err != nil {
			return clearing{}, err
		}
	}
	c.Due = h.Now().Add(pool.Deadline(c.Step))
	return clearing{Record: c, Wait: refusedWait, Because: refusal}, nil
}

// refusedLeaving is refused for a departure that has nothing to be scrubbed.
func (h *Handler) refusedLeaving(ctx context.Context, d pool.Departure, refusal error) (leaving, error) {
	if d.Failed(refusal).Error != d.Error {
		h.Log.ErrorContext(ctx, "refused to destroy", "departure", d.ID(), "step", d.Step, "reason", refusal.Error())
		if err := h.Announce.LeavingRefused(ctx, d, refusal.Error()); err != nil {
			return leaving{}, err
		}
	}
	d.Due = h.Now().Add(pool.Deadline(d.Step))
	return leaving{Record: d, Wait: refusedWait, Because: refusal}, nil
}

// What a target is.
const (
	shareTarget    = "share"
	objectsTarget  = "objects of bucket"
	databaseTarget = "database"
	secretTarget   = "secret"
)

// deleteUnhanded deletes the secret of a signup that was never handed over. Nobody was told of it; a stop switch forbids
// it all the same.
func (h *Handler) deleteUnhanded(ctx context.Context, d pool.Departure) error {
	if d.Handed() {
		return fmt.Errorf("delete the secret of tenant %s: %w: it was handed over", d.Tenant.ID, errRefused)
	}
	t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
	if err != nil {
		return fmt.Errorf("read tenant %s before its secret is deleted: %w", d.Tenant.ID, err)
	}
	if t.State != pool.TenantLeft && t.Mark == d.Tenant.Mark {
		return fmt.Errorf("delete the secret of tenant %s: %w: it is in use", d.Tenant.ID, errRefused)
	}
	if err := h.deleteSpent(ctx, d); err != nil {
		return err
	}
	return h.deleteMarked(ctx, d, d.Tenant.Mark)
}

// deleteSpent deletes the secrets that a signup left behind when it was given other slots. Nobody was ever told of them,
// and a mark is never drawn twice. It is called where the secret of the signup itself may be deleted.
func (h *Handler) deleteSpent(ctx context.Context, d pool.Departure) error {
	for _, mark := range d.Tenant.Spent {
		if err := h.deleteMarked(ctx, d, mark); err != nil {
			return err
		}
	}
	return nil
}

// deleteMarked deletes the secret of one signup. The stop switch is read for each, so that it is in force at the next call.
func (h *Handler) deleteMarked(ctx context.Context, d pool.Departure, mark string) error {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return fmt.Errorf("read the stop switch before a secret is deleted: %w", err)
	}
	if against := stops.Against(pool.StopDestroy); against != "" {
		return fmt.Errorf("delete the secret of tenant %s: %w: %s", d.Tenant.ID, errRefused, against)
	}
	return h.Vault.DeleteTenant(ctx, string(d.Tenant.ID), mark)
}
