package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/access"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	// serveWait is how long to wait for a share whose client list has changed.
	serveWait = time.Second
	// looksARound is how many looks at a share there are before it is closed again.
	looksARound = 5
	// stalled is how long somebody who was at work on a tenant when it left, or when that was undone, may go on: longer
	// than an invocation of any function lasts.
	stalled = 70 * time.Second
)

// shut takes a tenant's access away. Its data, its share, its password and its secret stay.
func (h *Handler) shut(ctx context.Context, d pool.Departure) (leaving, error) {
	if !d.Handed() {
		return h.takeBack(ctx, d)
	}
	for _, has := range []pool.Holding{d.Tenant.Database, d.Tenant.Share} {
		if err := h.markSlot(ctx, has, d.Tenant.ID, pool.LeaveSlot); err != nil {
			return leaving{}, err
		}
	}
	database, share, err := h.hosts(ctx, d)
	if err != nil {
		return leaving{}, err
	}
	if err := h.asMaster(ctx, database, func(login pool.Login) error { return h.Databases.Close(ctx, login, d.Tenant.Database.Name) }); err != nil {
		return leaving{}, fmt.Errorf("keep tenant %s from logging in: %w", d.Tenant.ID, err)
	}
	ref, err := shareRef(share, d.Tenant.Share)
	if err != nil {
		return leaving{}, err
	}
	if err := h.evict(ctx, d, share); err != nil {
		return leaving{}, err
	}
	if open, err := h.shutShare(ctx, ref, d.Count); open != nil || err != nil {
		return leaving{Record: d, Wait: serveWait, Because: open}, err
	}
	if open, err := h.stillOpen(ctx, d, database); open != nil || err != nil {
		return leaving{Record: d, Wait: serveWait, Because: open}, err
	}
	if err := h.Announce.TenantClosed(ctx, d); err != nil {
		return leaving{}, err
	}
	return leaving{Record: d.Proven(pool.StepUpload, h.Now(), fmt.Sprintf(
		"login of %s on %s is off and its sessions are ended, share %s of %s serves nobody, and no rule of its group lets %s in",
		pool.RoleName(d.Tenant.Database.Name), database.ID, ref.ID, share.ID, d.Tenant.Reached()))}, nil
}

// othersMayBeAt is for how long somebody may be at work still who was when the tenant left, and may let it in again.
func (h *Handler) othersMayBeAt(d pool.Departure) time.Duration {
	return d.History[0].At.Add(stalled).Sub(h.Now())
}

// shutShare closes a share to everybody, unless it is closed. It says why it is open still; nil when it isn't. A share
// shows its old list for a moment, and a change that is made at each look would never be in force: so it is made at the
// first of looksARound.
func (h *Handler) shutShare(ctx context.Context, share pool.ShareRef, look int) (open, err error) {
	err = h.Access.Served(ctx, share, []string{h.Nobody})
	if !errors.Is(err, access.ErrNotServing) {
		return nil, err
	}
	if look%looksARound > 0 {
		return fmt.Errorf("share %s is not closed yet", share.ID), nil
	}
	shut := h.Access.Shut(ctx, share, h.Nobody)
	if shut != nil { // it may be being updated; but what does not pass must not stay unseen
		h.Log.WarnContext(ctx, "share can't be closed now", "share", share.ID, "error", shut)
	}
	return errors.Join(fmt.Errorf("share %s is not closed yet", share.ID), shut), nil
}

// stillOpen says why a tenant that was shut out may log in to its database still; nil when it can't.
func (h *Handler) stillOpen(ctx context.Context, d pool.Departure, database pool.Host) (open, err error) {
	err = h.asMaster(ctx, database, func(login pool.Login) error { return h.Databases.Closed(ctx, login, d.Tenant.Database.Name) })
	if errors.Is(err, pool.ErrDatabaseOpen) {
		return fmt.Errorf("database %s is not closed yet", pool.DatabaseName(d.Tenant.Database.Name)), nil
	}
	return nil, err
}

// evict takes the rules away that let a tenant in to its gateway. An address that its next life has at the same gateway
// stays in: that life may begin between the look and the call, and then the rule is put back.
func (h *Handler) evict(ctx context.Context, d pool.Departure, share pool.Host) error {
	group := share.Access.SecurityGroup
	for _, address := range d.Tenant.Reached() {
		needed, err := h.needed(ctx, d, address)
		if err != nil {
			return err
		}
		if !needed {
			if err := h.Firewall.Evict(ctx, group, address); err != nil {
				return fmt.Errorf("put %s of tenant %s out: %w", address, d.Tenant.ID, err)
			}
			if needed, err = h.needed(ctx, d, address); err != nil {
				return err
			}
		}
		// Also where it was not put out now: an earlier try may have been killed after it was.
		if needed {
			if err := h.Firewall.Admit(ctx, group, address, "tenant "+string(d.Tenant.ID)); err != nil {
				return fmt.Errorf("let %s of tenant %s in again: %w", address, d.Tenant.ID, err)
			}
		}
	}
	return nil
}

// needed reports whether a later life of the tenant has, or may get, an address at the gateway of the departure's share.
func (h *Handler) needed(ctx context.Context, d pool.Departure, address string) (bool, error) {
	t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
	if err != nil {
		return false, fmt.Errorf("look whether tenant %s has signed up again: %w", d.Tenant.ID, err)
	}
	here := t.State != pool.TenantLeft && t.State != pool.TenantWaiting // one that waits holds nothing
	at := !t.Named() || t.Share.Host == d.Tenant.Share.Host
	return here && at && slices.Contains(t.Reached(), address), nil
}

// evictUnhanded takes a tenant's rules away from all gateways at which its signup may have opened a share: of what it
// holds by its record, and by the shelf, which knows that only until it is taken back.
func (h *Handler) evictUnhanded(ctx context.Context, d pool.Departure, holds []pool.Holding) error {
	shelf, err := h.Ledger.Shelf(ctx, d.Tenant.Tier)
	if err != nil {
		return fmt.Errorf("look what tenant %s holds: %w", d.Tenant.ID, err)
	}
	var gateways []pool.HostID
	if claim, held := shelf.Reclaim(d.Tenant.ID); held {
		gateways = append(gateways, claim.Share.Host)
	}
	for _, has := range holds {
		if kind, _, err := has.Host.Parse(); err == nil && kind.Kind == pool.Share {
			gateways = append(gateways, has.Host)
		}
	}
	slices.Sort(gateways)
	for _, id := range slices.Compact(gateways) {
		share, err := h.Ledger.Host(ctx, id)
		if err != nil {
			return fmt.Errorf("read host %s, at which tenant %s may be let in: %w", id, d.Tenant.ID, err)
		}
		if err := h.evict(ctx, d, share); err != nil {
			return err
		}
	}
	return nil
}

// takeBack takes back what was never handed over to a tenant. There is nothing to be archived, and nothing to be undone.
func (h *Handler) takeBack(ctx context.Context, d pool.Departure) (leaving, error) {
	if left := h.othersMayBeAt(d); left > 0 {
		return leaving{Record: d, Wait: left, Because: errors.New("an invocation of its signup may still be going on")}, nil
	}
	t := d.Tenant
	holds := slices.Clone(t.Returning)
	if t.Named() {
		holds = append(holds, t.Database, t.Share)
	}
	if err := h.evictUnhanded(ctx, d, holds); err != nil {
		return leaving{}, err
	}
	if err := h.Shelf.TakeFrom(ctx, t, holds, true); err != nil {
		return leaving{}, err
	}
	if err := h.deleteUnhanded(ctx, d); errors.Is(err, errRefused) {
		return h.refusedLeaving(ctx, d, err)
	} else if err != nil {
		return leaving{}, err
	}
	// Commit point: the name can sign up again.
	_, _, err := ledger.UpdateTenant(ctx, h.Ledger, t.ID, func(now pool.Tenant) (pool.Tenant, error) {
		if now.State != pool.TenantLeft || !now.Held || pool.DepartureIDOf(now) != d.ID() {
			return now, ledger.ErrUnchanged
		}
		now.Held = false
		return now, nil
	})
	if err != nil {
		return leaving{}, fmt.Errorf("let the name of tenant %s sign up again: %w", t.ID, err)
	}
	if err := h.Announce.TenantClosed(ctx, d); err != nil {
		return leaving{}, err
	}
	return leaving{Record: d.Proven(pool.StepCertify, h.Now(), "nothing was handed over to it; what it held is taken back")}, nil
}
