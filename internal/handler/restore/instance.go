package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/copytask"
	"headroom/internal/master"
	"headroom/internal/pool"
)

const (
	// instanceWait is the time between two looks at a temporary instance: it takes RDS minutes to make one.
	instanceWait = 30 * time.Second
	// masterWait is the time between two looks at its master user's secret.
	masterWait = 15 * time.Second
	// quotaWait is the time between two tries while the account has no room for another instance.
	quotaWait = 10 * time.Minute
)

// host reads the host of the database that goes back.
func (h *Handler) host(ctx context.Context, r pool.Restoration) (pool.Host, error) {
	host, err := h.Ledger.Host(ctx, r.Database.Host)
	if err != nil {
		return host, fmt.Errorf("read the database host of restoration %s: %w", r.ID(), err)
	}
	return host, nil
}

// asMaster does something as the master user of an instance.
func (h *Handler) asMaster(ctx context.Context, on master.Instance, do func(pool.Login) error) error {
	return master.Do(ctx, h.Vault, on, do)
}

// instance has RDS make a temporary instance of the host as it was, and waits for it.
func (h *Handler) instance(ctx context.Context, r pool.Restoration) (restoring, error) {
	if !r.Ordered {
		// Commit point: from here on there may be an instance, and it is removed whatever becomes of the restoration.
		r.Ordered = true
		return restoring{Record: r}, nil
	}
	found, err := h.Instances.Look(ctx, r.Instance)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return h.orderInstance(ctx, r)
	case err != nil:
		return restoring{}, err
	case found.Mark != string(r.ID()):
		return h.failed(ctx, r, fmt.Sprintf("there is an instance %s already, which is not of this restoration", r.Instance))
	case found.Failed():
		return h.failed(ctx, r, fmt.Sprintf("RDS says that the temporary instance %s is %q", r.Instance, found.Status))
	case !found.Available():
		return restoring{Record: r, Wait: instanceWait, Because: fmt.Errorf("instance %s is %q", r.Instance, found.Status)}, nil
	}
	return restoring{Record: r.Proven(h.Now(), fmt.Sprintf("instance %s is what %s was at %s", r.Instance, r.Database.Host, r.To.UTC().Format(time.RFC3339)))}, nil
}

func (h *Handler) orderInstance(ctx context.Context, r pool.Restoration) (restoring, error) {
	if why, err := h.stopped(ctx, pool.StopRepair, pool.StopOrder); why != nil || err != nil {
		if err != nil {
			return restoring{}, err
		}
		return h.wait(ctx, r, why, copytask.LookWait)
	}
	host, err := h.host(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	if why, err := h.holdMoney(ctx, r, host); why != nil || err != nil {
		if err != nil {
			return restoring{}, err
		}
		due := r.Due
		next, failure := h.wait(ctx, r, why, quotaWait)
		next.Record.Due = due // people have until then to raise the cap
		return next, failure
	}
	err = h.Instances.Restore(ctx, pool.InstanceOrder{
		Name: r.Instance, Source: host.Stack.Name, At: r.To, Mark: string(r.ID()),
		Tags: map[string]string{"headroom:tenant": string(r.Tenant), "headroom:host": string(host.ID)},
	})
	switch {
	case errors.Is(err, pool.ErrRestoreRange), errors.Is(err, pool.ErrForeignInstance):
		return h.failed(ctx, r, err.Error())
	case errors.Is(err, pool.ErrInstanceQuota), errors.Is(err, pool.ErrNoCapacity):
		due := r.Due
		next, failure := h.wait(ctx, r, err, quotaWait)
		next.Record.Due = due // people have until then to make room
		return next, failure
	case err != nil:
		return restoring{}, err
	}
	h.Log.InfoContext(ctx, "temporary instance ordered", "restoration", r.ID(), "instance", r.Instance, "to", r.To)
	return restoring{Record: r, Wait: instanceWait, Because: fmt.Errorf("instance %s is ordered", r.Instance)}, nil
}

// master has RDS give the instance's master user a password of its own, and waits for it.
func (h *Handler) master(ctx context.Context, r pool.Restoration) (restoring, error) {
	found, err := h.Instances.Look(ctx, r.Instance)
	if errors.Is(err, pool.ErrNotFound) {
		return h.failed(ctx, r, fmt.Sprintf("the temporary instance %s is gone", r.Instance))
	}
	if err != nil {
		return restoring{}, err
	}
	if found.MasterSecret != "" && found.Available() {
		return restoring{Record: r.Proven(h.Now(), "RDS keeps a password of its own for it")}, nil
	}
	if found.MasterSecret == "" {
		if err := h.Instances.ManageMaster(ctx, r.Instance, string(r.ID())); err != nil && !errors.Is(err, pool.ErrInTransit) {
			return restoring{}, err
		}
	}
	return restoring{Record: r, Wait: masterWait, Because: fmt.Errorf("instance %s is %q, and its master's secret is being made", r.Instance, found.Status)}, nil
}

// dismiss has the temporary instance deleted as soon as nothing needs it any more: the databases may have to wait before they
// change places, as for a stop switch, and it holds what others had. remove sees to it that it is gone.
func (h *Handler) dismiss(ctx context.Context, r pool.Restoration) (restoring, error) {
	err := h.deleteInstance(ctx, r)
	if errors.Is(err, pool.ErrInTransit) {
		return restoring{Record: r, Wait: instanceWait, Because: err}, nil
	}
	if err != nil {
		return restoring{}, err
	}
	return restoring{Record: r.Proven(h.Now(), fmt.Sprintf("instance %s is not needed any more, and is being deleted", r.Instance))}, nil
}

// remove deletes the temporary instance, and waits until it is gone. The stop switch does not keep it: what it holds are
// others' data too.
func (h *Handler) remove(ctx context.Context, r pool.Restoration) (restoring, error) {
	err := h.deleteInstance(ctx, r)
	if err != nil && !errors.Is(err, pool.ErrInTransit) && !errors.Is(err, pool.ErrForeignInstance) {
		return h.persist(ctx, r, err)
	}
	if !errors.Is(err, pool.ErrForeignInstance) {
		found, err := h.Instances.Look(ctx, r.Instance)
		if err == nil {
			return h.persist(ctx, r, fmt.Errorf("instance %s is %q", r.Instance, found.Status))
		}
		if !errors.Is(err, pool.ErrNotFound) {
			return restoring{}, err
		}
	}
	if err := h.dropStandIns(ctx, r); err != nil {
		return restoring{}, err
	}
	if err := h.Ledger.FreeMoney(ctx, r.MoneyName()); err != nil {
		return restoring{}, err
	}
	r = r.Clone()
	r.Ordered = false
	return h.end(r)
}

// deleteInstance has the temporary instance deleted, once that is on record: by the first look of the step that has it deleted.
// Errors are those of Instances.Delete.
func (h *Handler) deleteInstance(ctx context.Context, r pool.Restoration) error {
	dismissed := slices.ContainsFunc(r.Proofs, func(p pool.Proof) bool { return p.Step == pool.StepDismiss })
	if dismissed || r.Count > 0 {
		return h.Instances.Delete(ctx, r.Instance, string(r.ID()))
	}
	found, err := h.Instances.Look(ctx, r.Instance)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	if err == nil && found.Mark == string(r.ID()) && found.Status != "deleting" {
		// Commit point: it is on record before it is destroyed, and again when that is tried again.
		if err := h.Ledger.Audit(ctx, pool.Audit{
			At: h.Now().UTC(), Message: string(r.ID()), What: "destroyed instance", Of: r.Instance, Why: "the restoration does not need it any more: it is " + string(r.State),
		}); err != nil {
			return err
		}
	}
	return h.Instances.Delete(ctx, r.Instance, string(r.ID()))
}

// persist has something looked at again that is never given up. People are told once when it lasts.
func (h *Handler) persist(ctx context.Context, r pool.Restoration, why error) (restoring, error) {
	if r.Persistent() && r.Told == "" {
		if err := h.Announce.RestoreWaits(ctx, r, why.Error()); err != nil {
			return restoring{}, err
		}
		r.Told = why.Error()
	}
	return restoring{Record: r, Wait: instanceWait, Because: why}, nil
}

// end brings a restoration to rest, once all is done.
func (h *Handler) end(r pool.Restoration) (restoring, error) {
	to := map[pool.RestorationState]pool.RestorationState{
		pool.RestorationRestoring: pool.RestorationRestored, pool.RestorationWithdrawing: pool.RestorationWithdrawn, pool.RestorationUndoing: pool.RestorationUndone,
	}[r.State]
	why := "nothing is left of what was made for it"
	if len(r.Kept) > 0 {
		why = fmt.Sprintf("of what was made for it, or replaced, %d databases are kept for a while", len(r.Kept))
	}
	ended, err := r.Rest(to, h.Now(), why)
	return restoring{Record: ended}, err
}
