package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/copytask"
	"headroom/internal/master"
	"headroom/internal/pool"
)

const (
	// closeWait is the time between two looks whether nobody is in a database any more.
	closeWait = 2 * time.Second
	// lockedLooks is how often letting a tenant in again may fail before people are told, and lockedWait is the time between
	// two tries from then on.
	lockedLooks = 3
	lockedWait  = 30 * time.Second
)

// shut shuts the tenant out of its database: what it wrote while that is copied would be lost. From here on a stop switch
// does not keep it waiting.
func (h *Handler) shut(ctx context.Context, r pool.Restoration) (restoring, error) {
	if r.Shut.IsZero() {
		if why, err := h.stopped(ctx, pool.StopRepair); why != nil || err != nil {
			if err != nil {
				return restoring{}, err
			}
			return h.wait(ctx, r, why, copytask.LookWait)
		}
		// Before it is shut out, so that killed after this it is said again.
		if err := h.Announce.TenantMoves(ctx, r); err != nil {
			return restoring{}, err
		}
		// Commit point: from here on it may be shut out, and is let in again whatever becomes of the move.
		r.Shut = h.Now().UTC()
		return restoring{Record: r}, nil
	}
	host, err := h.host(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		if err := h.Databases.Close(ctx, login, r.Database.Name); err != nil {
			return err
		}
		return h.Databases.Closed(ctx, login, r.Database.Name)
	})
	if errors.Is(err, pool.ErrDatabaseOpen) {
		return restoring{Record: r, Wait: closeWait, Because: err}, nil
	}
	if err != nil {
		return restoring{}, fmt.Errorf("shut tenant %s out: %w", r.Tenant, err)
	}
	return restoring{Record: r.Proven(h.Now(), fmt.Sprintf("nobody is in database %s, and its tenant can't log in", pool.DatabaseName(r.Database.Name)))}, nil
}

// prepareMove lets a role in that reads the tenant's database, which is shut, and makes the stand-in on the other host.
func (h *Handler) prepareMove(ctx context.Context, r pool.Restoration) (events.ArchivistJob, error) {
	from, to, slot, target, err := h.slotsOf(ctx, r)
	if err != nil {
		return events.ArchivistJob{}, err
	}
	source := events.JobDatabase{
		Host: from.Access.Address, Port: from.Access.Port, Name: pool.DatabaseName(slot.Name), Username: pool.CopierName(slot.Name), Tenant: pool.RoleName(slot.Name), Mark: slot.Mark,
	}
	var size int64
	if source.SecretARN, err = h.letIn(ctx, r, "source", source, master.Of(from), func(login pool.Login, password string) (err error) {
		if size, err = h.Databases.Size(ctx, login, slot); err != nil {
			return err
		}
		return h.Databases.GrantCopier(ctx, login, slot, password, h.Now().Add(copytask.RoleTerm))
	}); err != nil {
		return events.ArchivistJob{}, err
	}
	return h.prepareStandIn(ctx, r, source, to, target.Mark, size)
}

// letBack lets a tenant that does not move into its database again, as it was before. One that leaves stays out.
func (h *Handler) letBack(ctx context.Context, r pool.Restoration) error {
	if r.Shut.IsZero() {
		return nil
	}
	host, err := h.host(ctx, r)
	if err != nil {
		return err
	}
	t, err := h.Ledger.Tenant(ctx, r.Tenant)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	stays := err == nil && t.State == pool.TenantReady && t.Mark == r.Mark && t.Database.Same(r.Database)
	slot := pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)}
	err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		if !stays {
			return nil // whoever has it leave ends its copiers, and may have one of its own by now
		}
		if err := h.Databases.RevokeCopier(ctx, login, slot); err != nil {
			return err
		}
		return h.Databases.Reopen(ctx, login, slot)
	})
	if err != nil {
		return fmt.Errorf("let tenant %s in again: %w", r.Tenant, err)
	}
	return nil
}

// lockedOut has a tenant let in again later that can't be let in now. What lasts is told to people, once, for it waits outside.
func (h *Handler) lockedOut(ctx context.Context, r pool.Restoration, why error) (restoring, error) {
	if r.Count < lockedLooks {
		return restoring{}, why
	}
	const says = "the tenant is shut out of its database, or may be"
	why = fmt.Errorf("%s: %w", says, why)
	if !strings.HasPrefix(r.Told, says) { // the same failure may be worded otherwise at each look
		if err := h.Announce.RestoreWaits(ctx, r, why.Error()); err != nil {
			return restoring{}, err
		}
		r.Told = why.Error()
	}
	r.Due = h.Now().Add(pool.Deadline(r.Step))
	return restoring{Record: r, Wait: lockedWait, Because: why}, nil
}

// stayPut takes back what was made for a move that comes to nothing: the tenant is let in again first.
func (h *Handler) stayPut(ctx context.Context, r pool.Restoration) (restoring, error) {
	if err := copytask.Stop(ctx, h.Tasks, r.Attempt.Task, r.Why); err != nil {
		return restoring{}, err
	}
	has, err := h.hasMoved(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	if has {
		return restoring{Record: r.ProvenTo(pool.StepTell, h.Now(), "the tenant has what it was to move to: nothing is taken back")}, nil
	}
	if err := h.letBack(ctx, r); err != nil {
		return h.lockedOut(ctx, r, err)
	}
	if left := r.Since().Add(stalled).Sub(h.Now()); left > 0 { // somebody may be about shutting it out still, or making some of it
		return restoring{Record: r, Wait: left}, nil
	}
	if err := h.liftOff(ctx, r); err != nil {
		return h.persist(ctx, r, err)
	}
	if err := h.giveBack(ctx, r); err != nil {
		return restoring{}, err
	}
	return restoring{Record: r.ProvenTo(pool.StepTell, h.Now(), "its task, its roles and what they filled are gone, and the tenant has what it had")}, nil
}

// hasMoved reports whether the tenant has what a move was to bring it to, or left with that, though the move's own record does not know
// it: so it is when the table was put back to a time in the midst of the move, and made true again.
func (h *Handler) hasMoved(ctx context.Context, r pool.Restoration) (bool, error) {
	t, err := h.tenant(ctx, r)
	if errors.Is(err, pool.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look what tenant %s has: %w", r.Tenant, err)
	}
	return r.Target.Host != "" && t.Database.Same(r.Target), nil
}

// landsOn reports whether the slot that a tenant moves to is its by the record of the slot's host. It may be another's: a table
// that was put back knows moves that were called off since.
func landsOn(to pool.Host, r pool.Restoration) bool {
	slot := to.Slot(r.Target.Index)
	return slot != nil && slot.Generation == r.Target.Generation && slot.Tenant == r.Tenant && (slot.State == pool.SlotAssigned || slot.State == pool.SlotLeaving)
}

// liftOff takes away what came onto the other host.
func (h *Handler) liftOff(ctx context.Context, r pool.Restoration) error {
	if r.Target.Host == "" || r.Attempt.Number == 0 {
		return nil
	}
	to, err := h.Ledger.Host(ctx, r.Target.Host)
	if errors.Is(err, pool.ErrNotFound) || err == nil && !to.State.Live() {
		return nil // it went with it
	}
	if err != nil {
		return err
	}
	if !landsOn(to, r) {
		return nil // nothing came, or it was taken away already, and the slot may be another's
	}
	target := pool.MarkedSlot{Name: r.Target.Name, Mark: to.HeldMark(r.Target)}
	err = h.asMaster(ctx, master.Of(to), func(login pool.Login) error {
		err := h.Databases.SwapBack(ctx, login, target, r.StandInSlot(target.Mark), r.OldSlot(target.Mark))
		if errors.Is(err, pool.ErrNoDatabase) {
			return nil // nothing has changed places
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("empty the slot again that it was to move to: %w", err)
	}
	return h.dropStandIns(ctx, r)
}
