package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/master"
	"headroom/internal/pool"
)

// clearWait is the time between two looks at the clearance of a slot that a tenant moved away from. Its end is a message.
const clearWait = 10 * time.Minute

// land puts what was copied into the slot that was taken for it. Nobody can log in to it yet.
func (h *Handler) land(ctx context.Context, r pool.Restoration) (restoring, error) {
	from, to, source, target, err := h.slotsOf(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	if !landsOn(to, r) {
		return h.failed(ctx, r, "the slot that it was to move to is not its by the record of "+string(to.ID))
	}
	err = h.asMaster(ctx, master.Of(to), func(login pool.Login) error {
		return h.Databases.Swap(ctx, login, target, r.StandInSlot(target.Mark), r.OldSlot(target.Mark))
	})
	if errors.Is(err, pool.ErrNoDatabase) {
		return h.failed(ctx, r, "the database that was filled is not there: "+err.Error())
	}
	if err != nil {
		return restoring{}, err
	}
	return restoring{Record: r.Proven(h.Now(), fmt.Sprintf("database %s of %s is what %s of %s is", pool.DatabaseName(target.Name), to.ID, pool.DatabaseName(source.Name), from.ID))}, nil
}

// settle makes the database on the other host the tenant's: from when its record says so there is no way back, and this is
// done until all of it is done.
func (h *Handler) settle(ctx context.Context, r pool.Restoration) (restoring, error) {
	t, err := h.tenant(ctx, r)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return restoring{}, fmt.Errorf("look whether tenant %s stays: %w", r.Tenant, err)
	}
	if err != nil || t.Mark != r.Mark || !t.Database.Same(r.Target) && !holds(t, r) {
		return withdrawn(r.Withdraw("the tenant leaves", false, h.Now()))
	}
	if !t.Database.Same(r.Target) {
		moved, err := r.Settled(t, h.Now())
		if err != nil {
			return restoring{}, err
		}
		// Commit point: the tenant has the database on the other host, and a departure that begins from here on has it too.
		moved.History = pool.Attributed(ctx, t.History, moved.History)
		if t, err = h.Ledger.SaveTenant(ctx, t, moved); err != nil {
			return restoring{}, err
		}
	}
	if err := h.letInThere(ctx, r, t); err != nil {
		return h.lockedOut(ctx, r, err)
	}
	from, err := h.leaveSlot(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	now := h.Now()
	r = r.KeepMoved(pool.MarkedSlot{Name: r.Database.Name, Mark: from.HeldMark(r.Database)}, now)
	r.Refused, r.Swapped = now.Sub(r.Shut), now.UTC()
	return restoring{Record: r.Proven(now, fmt.Sprintf("tenant %s has database %s of %s; what it had on %s is kept, shut",
		r.Tenant, pool.DatabaseName(r.Target.Name), r.Target.Host, r.Database.Host))}, nil
}

// tenant is the tenant of a move as it is; if it leaves, with what it had then: its departure has that, and its own record is a tombstone.
func (h *Handler) tenant(ctx context.Context, r pool.Restoration) (pool.Tenant, error) {
	t, err := h.Ledger.Tenant(ctx, r.Tenant)
	if err != nil || t.State != pool.TenantLeft || t.Mark != r.Mark {
		return t, err
	}
	d, err := h.Ledger.Departure(ctx, pool.DepartureIDOf(t))
	if errors.Is(err, pool.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("read the departure of tenant %s: %w", t.ID, err)
	}
	t.Database, t.Secret = d.Tenant.Database, d.Tenant.Secret
	return t, nil
}

// letInThere lets the tenant into its database on the other host, once its secret says where that is. One that leaves by now
// is not let in.
//
// The settings of its database and role come along only now: until its record names the slot, that may go back to the pool.
func (h *Handler) letInThere(ctx context.Context, r pool.Restoration, t pool.Tenant) error {
	from, to, source, target, err := h.slotsOf(ctx, r)
	if err != nil {
		return err
	}
	if !landsOn(to, r) {
		return fmt.Errorf("slot %s/%d is not tenant %s's by the record of its host", to.ID, r.Target.Index, r.Tenant)
	}
	var settings []pool.Setting
	if err := h.asMaster(ctx, master.Of(from), func(login pool.Login) (err error) {
		settings, err = h.Databases.Settings(ctx, login, source)
		return err
	}); err != nil {
		return err
	}
	credentials, err := h.Vault.Repoint(ctx, t.Secret, events.Credentials{
		Engine: "postgres", Host: to.Access.Address, Port: to.Access.Port, DBName: pool.DatabaseName(r.Target.Name), Username: pool.RoleName(r.Target.Name),
	})
	if err != nil {
		return err
	}
	old := r.OldSlot(to.HeldMark(r.Target))
	return h.asMaster(ctx, master.Of(to), func(login pool.Login) error {
		if err := h.Databases.Configure(ctx, login, target, settings); err != nil {
			return err
		}
		if t.State == pool.TenantReady {
			// Commit point: the tenant can log in again.
			if err := h.Databases.Open(ctx, login, r.Target.Name, credentials.Password); err != nil {
				return err
			}
		}
		return h.Databases.Drop(ctx, login, old) // the slot's own, which was empty
	})
}

// leaveSlot marks the slot that the tenant moved away from: it is nobody's who could be served from it, and not free.
func (h *Handler) leaveSlot(ctx context.Context, r pool.Restoration) (pool.Host, error) {
	_, from, err := ledger.UpdateHost(ctx, h.Ledger, r.Database.Host, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, changed, err := pool.LeaveSlot(host, r.Database, r.Tenant, h.Now())
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, pool.Neutral, err
	})
	return from, err
}

// tellMoved says where a tenant's database is now. One that leaves by now is told by its departure that it is shut out.
func (h *Handler) tellMoved(ctx context.Context, r pool.Restoration) error {
	t, err := h.Ledger.Tenant(ctx, r.Tenant)
	if err != nil {
		return fmt.Errorf("read tenant %s, which has moved: %w", r.Tenant, err)
	}
	if t.State != pool.TenantReady {
		return nil
	}
	return h.Announce.TenantMoved(ctx, r, t)
}

// clearMoved has a slot cleared that a tenant moved away from, once its grace is over, as that of a tenant that left is: by the
// same guard, the same scrub and the same looks. Until it is free again the database counts as kept.
func (h *Handler) clearMoved(ctx context.Context, r pool.Restoration, kept pool.KeptDatabase) (restoring, error) {
	if expired, changed := r.ExpireBeside(kept, h.Now()); changed {
		return restoring{Record: expired}, nil // in those the same role owns things: they go first
	}
	id := pool.Clearance{Departure: pool.DepartureID(kept.Move), Kind: pool.Database}.ID()
	c, err := h.Ledger.Clearance(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		if c, err = h.beginClearance(ctx, r, kept); errors.Is(err, pool.ErrConflict) {
			return restoring{Record: r, Wait: placeWait}, nil
		}
	}
	if err != nil {
		return restoring{}, err
	}
	if c.State.Ended() {
		h.Log.InfoContext(ctx, "slot of before a move cleared", "move", kept.Move, "host", kept.Holding.Host, "slot", kept.Holding.Index)
		return restoring{Record: r.Swept(kept.Slot, h.Now())}, nil
	}
	if c.Version == 1 { // as it was recorded: whoever did that may have been killed before this
		if err := h.Scrubs.Send(ctx, events.NewStep(events.OfClearance, string(id), string(c.Step), c.Count+1), 0); err != nil {
			return restoring{}, fmt.Errorf("begin clearance %s: %w", id, err)
		}
	}
	r.Due = h.Now().Add(pool.Deadline(r.Step))
	return restoring{Record: r, Wait: clearWait, Because: fmt.Errorf("clearance %s is %s", id, c.State)}, nil
}

func (h *Handler) beginClearance(ctx context.Context, r pool.Restoration, kept pool.KeptDatabase) (pool.Clearance, error) {
	terms, err := h.Terms.Terms(ctx)
	if err != nil {
		return pool.Clearance{}, fmt.Errorf("load the terms: %w", err)
	}
	next, err := h.Name()
	if err != nil {
		return pool.Clearance{}, fmt.Errorf("draw the next name of a slot: %w", err)
	}
	// Commit point: from here on what the tenant had before it moved is destroyed.
	c, err := h.Ledger.SaveClearance(ctx, pool.Clearance{}, pool.ClearMoved(kept, time.Duration(terms.CoolDown), next, h.Now()))
	if err != nil {
		return c, fmt.Errorf("record the clearance of what %s moved away from: %w", r.Tenant, err)
	}
	return c, nil
}
