package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/copytask"
	"headroom/internal/master"
	"headroom/internal/pool"
)

// retract takes away what was made for a restoration that comes to nothing. The guard has no part in it: nothing of it is
// the tenant's, and it must go also when a stop switch is on.
func (h *Handler) retract(ctx context.Context, r pool.Restoration) (restoring, error) {
	if r.Move {
		return h.stayPut(ctx, r)
	}
	if err := copytask.Stop(ctx, h.Tasks, r.Attempt.Task, r.Why); err != nil {
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
	has := r.Filled()
	host, err := h.Ledger.Host(ctx, has.Host)
	if errors.Is(err, pool.ErrNotFound) || err == nil && !host.State.Live() {
		return nil // they went with it
	}
	if err != nil {
		return err
	}
	mark := host.HeldMark(has)
	return h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
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
	if r.State == pool.RestorationRestoring && r.Move {
		return h.tellMoved(ctx, r)
	}
	if r.State == pool.RestorationRestoring {
		return h.tellRestored(ctx, r)
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

// tellRestored says what came back. What a gateway had not uploaded that was given up is in no version of the bucket, of whatever time.
func (h *Handler) tellRestored(ctx context.Context, r pool.Restoration) error {
	var missing []pool.Missing
	if r.OfShare() {
		share, err := h.Ledger.Host(ctx, r.Share.Host)
		if err != nil {
			return fmt.Errorf("look which gateways had the share of restoration %s: %w", r.ID(), err)
		}
		missing = share.Missing(r.Share, r.Tenant, "")
	}
	return h.Announce.TenantRestored(ctx, r, missing)
}

// sweep drops databases that were kept, once their time is over.
func (h *Handler) sweep(ctx context.Context, r pool.Restoration) (restoring, error) {
	for _, kept := range r.Kept {
		if kept.Due().After(h.Now()) {
			continue
		}
		if kept.Move != "" {
			return h.clearMoved(ctx, r, kept)
		}
		if why, err := h.stopped(ctx, pool.StopDestroy); why != nil || err != nil {
			if err != nil {
				return restoring{}, err
			}
			return h.wait(ctx, r, why, copytask.LookWait)
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
	// Commit point: it is on record before it is destroyed, and again when that is tried again.
	if err := h.Ledger.Audit(ctx, pool.Audit{
		At: h.Now().UTC(), Message: string(r.ID()), What: "destroyed database", Of: pool.DatabaseName(kept.Slot.Name),
		Why: fmt.Sprintf("tenant %s had it until another took its place, and it was kept until %s", r.Tenant, kept.Until.UTC().Format(time.RFC3339)),
	}); err != nil {
		return err
	}
	return h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		return h.Databases.Drop(ctx, login, kept.Slot)
	})
}
