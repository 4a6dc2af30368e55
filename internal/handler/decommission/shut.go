package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/access"
	"headroom/internal/pool"
)

const (
	// serveWait is how long to wait for a share whose client list has changed.
	serveWait = time.Second
	// settleWait is how long to wait for one that is to be changed at once again: it refuses that while it is being changed.
	settleWait = 5 * time.Second
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
	// A database that does not answer does not keep the share open: an address of the tenant may be another's by then.
	closed := h.asMaster(ctx, database, func(login pool.Login) error { return h.Databases.Close(ctx, login, d.Tenant.Database.Name) })
	ref, err := shareRef(share, d.Tenant.Share)
	if err != nil {
		return leaving{}, err
	}
	if err := h.evict(ctx, d, share); err != nil {
		return leaving{}, err
	}
	open, err := h.shutShare(ctx, ref, d.Count)
	if closed != nil {
		// Told as the database's failure, for which no repair of the gateway is waited.
		return leaving{}, fmt.Errorf("keep tenant %s from logging in: %w (of its share: %v)", d.Tenant.ID, closed, errors.Join(open, err))
	}
	if open != nil || err != nil {
		return leaving{Record: d, Wait: serveWait, Because: open}, err
	}
	if open, err := h.stillOpen(ctx, d, database); open != nil || err != nil {
		return leaving{Record: d, Wait: serveWait, Because: open}, err
	}
	// A move that comes to its end may let the tenant in once more: it is shut again then.
	if waits, err := h.endMove(ctx, d); waits != nil || err != nil {
		d.Due = h.Now().Add(pool.Deadline(d.Step)) // it has deadlines of its own
		return leaving{Record: d, Wait: moveWait, Because: waits}, err
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

// evict takes the rules away that let a tenant in to its gateway. An address that its next life has at the same gateway, or another
// tenant that got it since, stays in: that may begin between the look and the call, and then the rule is put back.
func (h *Handler) evict(ctx context.Context, d pool.Departure, share pool.Host) error {
	group := share.Access.SecurityGroup
	for _, address := range d.Tenant.Reached() {
		by, err := h.neededBy(ctx, d, share.ID, address)
		if err != nil {
			return err
		}
		if by == "" {
			if err := h.Firewall.Evict(ctx, group, address); err != nil {
				return fmt.Errorf("put %s of tenant %s out: %w", address, d.Tenant.ID, err)
			}
			if by, err = h.neededBy(ctx, d, share.ID, address); err != nil {
				return err
			}
		}
		// Also where it was not put out now: an earlier try may have been killed after it was.
		if by != "" {
			if err := h.Firewall.Admit(ctx, group, address, "tenant "+string(by)); err != nil {
				return fmt.Errorf("let %s of tenant %s in again: %w", address, by, err)
			}
		}
	}
	return nil
}

// neededBy returns who has, or may get, an address at a gateway at which a departure puts it out: a later life of the tenant, or
// another tenant, for the address was freed if that later life gave it up. "": nobody.
func (h *Handler) neededBy(ctx context.Context, d pool.Departure, at pool.HostID, address string) (pool.TenantID, error) {
	t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
	if err != nil {
		return "", fmt.Errorf("look whether tenant %s has signed up again: %w", d.Tenant.ID, err)
	}
	if needs(t, d.Tenant.Share.Host, address) {
		return t.ID, nil
	}
	owner, err := h.Ledger.Owner(ctx, address)
	if errors.Is(err, pool.ErrNotFound) || owner == d.Tenant.ID {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look whose %s is by now: %w", address, err)
	}
	t, err = h.Ledger.Tenant(ctx, owner)
	if errors.Is(err, pool.ErrNotFound) {
		return "", nil // it has just registered it, and is let in nowhere yet
	}
	if err != nil {
		return "", fmt.Errorf("look where tenant %s has %s: %w", owner, address, err)
	}
	if needs(t, at, address) {
		return owner, nil
	}
	return "", nil
}

// needs reports whether a tenant has, or may get, an address at a gateway.
func needs(t pool.Tenant, at pool.HostID, address string) bool {
	here := t.State != pool.TenantLeft && t.State != pool.TenantWaiting // one that waits holds nothing
	return here && (!t.Named() || t.Share.Host == at) && slices.Contains(t.Reached(), address)
}
