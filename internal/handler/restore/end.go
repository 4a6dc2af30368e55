package restore

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// retract takes away what was made for a restoration that comes to nothing. The guard has no part in it: nothing of it is
// the tenant's, and it must go also when a stop switch is on.
func (h *Handler) retract(ctx context.Context, r pool.Restoration) (restoring, error) {
	if err := h.stop(ctx, r, r.Why); err != nil {
		return restoring{}, err
	}
	if left := r.Since().Add(stalled).Sub(h.Now()); left > 0 { // somebody may be about making some of it still
		return restoring{Record: r, Wait: left}, nil
	}
	if err := h.dropStandIns(ctx, r); err != nil {
		return h.persist(ctx, r, err)
	}
	return restoring{Record: r.ProvenTo(pool.StepTell, h.Now(), "its task, its roles and what they filled are gone")}, nil
}

// dropStandIns drops what attempts have filled, but for what took the database's place or is kept for a while.
func (h *Handler) dropStandIns(ctx context.Context, r pool.Restoration) error {
	if !r.OfDatabase() || r.Attempt.Number == 0 {
		return nil
	}
	host, err := h.Ledger.Host(ctx, r.Database.Host)
	if errors.Is(err, pool.ErrNotFound) || err == nil && !host.State.Live() {
		return nil // they went with it
	}
	if err != nil {
		return err
	}
	mark := host.HeldMark(r.Database)
	return h.asMaster(ctx, host.Access.Address, host.Access.Port, host.Access.MasterSecret, func(login pool.Login) error {
		for attempt := 1; attempt <= r.Attempt.Number; attempt++ {
			standIn := r.StandInOf(mark, attempt)
			if attempt == r.Attempt.Number && r.State != pool.RestorationWithdrawing {
				continue // it is the tenant's now, or kept
			}
			if err := h.Databases.Drop(ctx, login, standIn); err != nil {
				return fmt.Errorf("drop what attempt %d of restoration %s filled: %w", attempt, r.ID(), err)
			}
		}
		return nil
	})
}

// forgetRoles deletes the secrets of all roles that a restoration ever had.
func (h *Handler) forgetRoles(ctx context.Context, r pool.Restoration) error {
	for attempt := 1; attempt <= r.Attempt.Number; attempt++ {
		for _, role := range []string{"source", "target"} {
			if err := h.Vault.DeleteCopier(ctx, secretOf(r, attempt, role)); err != nil {
				return fmt.Errorf("delete the secret of a role of restoration %s: %w", r.ID(), err)
			}
		}
	}
	return nil
}

// tell says what a restoration has come to, once the place among those that are copied is another's.
func (h *Handler) tell(ctx context.Context, r pool.Restoration) (restoring, error) {
	if err := h.bays().Leave(ctx, string(r.ID())); err != nil {
		return restoring{}, err
	}
	if err := h.forgetRoles(ctx, r); err != nil {
		return restoring{}, err
	}
	if err := h.announce(ctx, r); err != nil {
		return restoring{}, err
	}
	if r.Ordered {
		return restoring{Record: r.ProvenTo(pool.StepRemove, h.Now(), "it is told")}, nil
	}
	return h.end(r)
}

func (h *Handler) announce(ctx context.Context, r pool.Restoration) error {
	if r.State == pool.RestorationRestoring {
		return h.Announce.TenantRestored(ctx, r)
	}
	if r.State == pool.RestorationUndoing {
		if err := h.Announce.RestoreUndone(ctx, r); err != nil {
			return err
		}
	}
	if r.Failed {
		return h.Announce.RestoreFailed(ctx, r)
	}
	return nil
}

// sweep drops databases that were kept, once their time is over.
func (h *Handler) sweep(ctx context.Context, r pool.Restoration) (restoring, error) {
	for _, kept := range r.Kept {
		if kept.Until.After(h.Now()) {
			continue
		}
		if why, err := h.stopped(ctx, destroying); why != nil || err != nil {
			if err != nil {
				return restoring{}, err
			}
			return h.wait(ctx, r, why, lookWait)
		}
		if err := h.dropKept(ctx, r, kept); err != nil {
			return h.persist(ctx, r, err)
		}
		h.Log.InfoContext(ctx, "kept database dropped", "restoration", r.ID(), "database", pool.DatabaseName(kept.Slot.Name), "host", kept.Holding.Host)
		return restoring{Record: r.Swept(kept.Slot, h.Now())}, nil
	}
	return restoring{Leave: true}, nil // its deadline says when
}

// dropKept drops a database that was kept, unless a tenant is in it: then the record is wrong, and is not believed.
func (h *Handler) dropKept(ctx context.Context, r pool.Restoration, kept pool.KeptDatabase) error {
	host, err := h.Ledger.Host(ctx, kept.Holding.Host)
	if errors.Is(err, pool.ErrNotFound) || err == nil && !host.State.Live() {
		return nil // it went with it
	}
	if err != nil {
		return err
	}
	for _, slot := range host.Slots {
		if slot.Name == kept.Slot.Name || host.SlotMark(slot) == kept.Slot.Mark {
			return fmt.Errorf("drop database %s of restoration %s: it is that of slot %s/%d", pool.DatabaseName(kept.Slot.Name), r.ID(), host.ID, slot.Index)
		}
	}
	return h.asMaster(ctx, host.Access.Address, host.Access.Port, host.Access.MasterSecret, func(login pool.Login) error {
		return h.Databases.Drop(ctx, login, kept.Slot)
	})
}
