package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/bays"
	"headroom/internal/copytask"
	"headroom/internal/pool"
)

const (
	// bayWait is the time between two looks for a bay.
	bayWait = time.Minute
	// roomLooks is how often room is asked for again after an earlier attempt, at least: what was freed then may not be
	// measured yet, and whoever freed it may have been killed since. With their waits, these looks take longer than that.
	roomLooks = 6
)

// bayOf is the bay that a restoration has use of.
func bayOf(r pool.Restoration) pool.Bay {
	return pool.Bay{Owner: string(r.ID()), Host: r.Database.Host, To: r.Target.Host}
}

func (h *Handler) bays() bays.Bays { return bays.Bays{Ledger: h.Ledger, AtOnce: h.AtOnce} }

// attempt begins an attempt, or looks after the one that is under way. What a task comes to is in its report. prepare does
// what the task needs, and words its job.
func (h *Handler) attempt(
	ctx context.Context, r pool.Restoration, job string, prepare func(context.Context, pool.Restoration) (events.ArchivistJob, error),
) (restoring, error) {
	if r.Attempt.Task != "" {
		return h.lookAfter(ctx, r)
	}
	// Commit point: the attempt is nobody else's. Killed after this, there is another one: what this one has prepared is not
	// touched again, and its task, if there is one, is not heard.
	opened, err := h.Ledger.SaveRestoration(ctx, r, r.Opened(h.Now()))
	if err != nil {
		return restoring{}, fmt.Errorf("open an attempt of restoration %s: %w", r.ID(), err)
	}
	order, err := h.order(ctx, opened, job, prepare)
	if err != nil {
		return h.notBegun(ctx, opened, err)
	}
	task, err := h.Tasks.Run(ctx, order)
	if err != nil {
		return h.notBegun(ctx, opened, err)
	}
	saved, err := h.Ledger.SaveRestoration(ctx, opened, opened.Begun(task, h.Now()))
	if err != nil {
		return restoring{}, fmt.Errorf("record the task of restoration %s: %w", r.ID(), err)
	}
	return restoring{Leave: true}, h.goOnLater(ctx, saved, copytask.LookWait)
}

// notBegun has an attempt that could not be begun made again, in a while: it was none. For one that has no room none will be,
// unless an earlier one took it.
func (h *Handler) notBegun(ctx context.Context, r pool.Restoration, why error) (restoring, error) {
	if ctx.Err() != nil {
		return restoring{}, why // with its time over, nothing can be saved or sent
	}
	h.Log.WarnContext(ctx, "attempt could not be begun", "restoration", r.ID(), "step", r.Step, "attempt", r.Attempt.Number, "error", why)
	after, wait := r.Clone(), min(retryWait<<min(r.Count, 5), retryWaitMost)
	after.Progress = r.Progress.Failed(why)
	if errors.Is(why, errNoRoom) && (r.Attempt.Number == 1 || r.Count >= roomLooks) {
		var err error
		if after, err = r.Withdraw(why.Error(), true, h.Now()); err != nil {
			return restoring{}, err
		}
		wait = 0
	}
	saved, err := h.Ledger.SaveRestoration(ctx, r, after)
	if err != nil {
		return restoring{}, errors.Join(why, err)
	}
	return restoring{Leave: true}, h.goOnLater(ctx, saved, wait)
}

// goOnLater has a restoration that was recorded gone on with by a message.
func (h *Handler) goOnLater(ctx context.Context, r pool.Restoration, wait time.Duration) error {
	return h.later(ctx, string(r.Tenant), afterNow(r), wait)
}

// order is what the task of an attempt is run with.
func (h *Handler) order(
	ctx context.Context, r pool.Restoration, job string, prepare func(context.Context, pool.Restoration) (events.ArchivistJob, error),
) (pool.TaskOrder, error) {
	out, err := prepare(ctx, r)
	if err != nil {
		return pool.TaskOrder{}, err
	}
	out.Version, out.Type, out.Job, out.Of, out.ID = events.Version, events.TypeArchivistJob, job, events.OfRestoration, string(r.ID())
	out.Attempt, out.TenantID = r.Attempt.Number, string(r.Tenant)
	out.CorrelationID = pool.Thread(r.History)
	body, err := json.Marshal(out)
	if err != nil {
		return pool.TaskOrder{}, fmt.Errorf("encode the job of restoration %s: %w", r.ID(), err)
	}
	return copytask.Order(h.Stage, string(r.ID()), r.Tenant, job, r.Attempt.Number, body), nil
}

// lookAfter looks at the task of an attempt that was not heard of lately, or that ECS says has ended.
func (h *Handler) lookAfter(ctx context.Context, r pool.Restoration) (restoring, error) {
	silent := h.Now().Sub(r.Attempt.Heard)
	why, ended, err := copytask.Ended(ctx, h.Tasks, r.Attempt.Task, silent)
	if err != nil {
		return restoring{}, err
	}
	if copytask.Awaited(ended, silent, pool.Deadline(r.Step)) {
		return restoring{Record: r, Wait: copytask.LookWait}, nil
	}
	if !ended {
		why = fmt.Sprintf("its task was not heard of for %s", silent.Round(time.Second))
	}
	return h.attemptFailed(ctx, r, why)
}

// attemptFailed ends an attempt that came to nothing.
func (h *Handler) attemptFailed(ctx context.Context, r pool.Restoration, why string) (restoring, error) {
	h.Log.WarnContext(ctx, "attempt failed", "restoration", r.ID(), "step", r.Step, "attempt", r.Attempt.Number, "reason", why)
	if err := copytask.Stop(ctx, h.Tasks, r.Attempt.Task, why); err != nil {
		return restoring{}, err
	}
	after, err := r.AttemptFailed(why, h.Now())
	return restoring{Record: after, Wait: retryWait << min(after.Attempt.Failed, 5)}, err
}
