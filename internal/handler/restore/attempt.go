package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/bays"
	"headroom/internal/pool"
)

const (
	// lookWait is the time between two looks at a task; its end is an event, so a look only finds what was lost.
	lookWait = 5 * time.Minute
	// bayWait is the time between two looks for a bay.
	bayWait = time.Minute
	// roleTerm is how long the roles of an attempt may log in at most, whatever becomes of its task.
	roleTerm = 24 * time.Hour
	// reportTime is how long the report of a task that has ended may be on its way. One that could not be recorded comes
	// again after six minutes, which is for how long its queue hides it.
	reportTime = 7 * time.Minute
	// startTime is how long a task that was just run may not be known yet.
	startTime = 2 * time.Minute
)

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
	return restoring{Leave: true}, h.goOnLater(ctx, saved, lookWait)
}

// notBegun has an attempt that could not be begun made again, in a while: it was none. For one that has no room none will be.
func (h *Handler) notBegun(ctx context.Context, r pool.Restoration, why error) (restoring, error) {
	if ctx.Err() != nil {
		return restoring{}, why // with its time over, nothing can be saved or sent
	}
	h.Log.WarnContext(ctx, "attempt could not be begun", "restoration", r.ID(), "step", r.Step, "attempt", r.Attempt.Number, "error", why)
	after, wait := r.Clone(), min(retryWait<<min(r.Count, 5), retryWaitMost)
	after.Progress = r.Progress.Failed(why)
	if errors.Is(why, errNoRoom) {
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
	body, err := json.Marshal(out)
	if err != nil {
		return pool.TaskOrder{}, fmt.Errorf("encode the job of restoration %s: %w", r.ID(), err)
	}
	return pool.TaskOrder{
		Token: fmt.Sprintf("%s %s %s %d", h.Stage, r.ID(), job, r.Attempt.Number), Owner: string(r.ID()), Job: string(body),
		Tags: map[string]string{"headroom:stage": h.Stage, "headroom:tenant": string(r.Tenant), "headroom:job": job},
	}, nil
}

// lookAfter looks at the task of an attempt that was not heard of lately, or that ECS says has ended.
func (h *Handler) lookAfter(ctx context.Context, r pool.Restoration) (restoring, error) {
	silent := h.Now().Sub(r.Attempt.Heard)
	why, ended, err := h.ended(ctx, r.Attempt.Task, silent)
	if err != nil {
		return restoring{}, err
	}
	if ended && silent < reportTime || !ended && silent < pool.Deadline(r.Step) {
		return restoring{Record: r, Wait: lookWait}, nil
	}
	if !ended {
		why = fmt.Sprintf("its task was not heard of for %s", silent.Round(time.Second))
	}
	return h.attemptFailed(ctx, r, why)
}

// attemptFailed ends an attempt that came to nothing.
func (h *Handler) attemptFailed(ctx context.Context, r pool.Restoration, why string) (restoring, error) {
	h.Log.WarnContext(ctx, "attempt failed", "restoration", r.ID(), "step", r.Step, "attempt", r.Attempt.Number, "reason", why)
	if err := h.stop(ctx, r, why); err != nil {
		return restoring{}, err
	}
	after, err := r.AttemptFailed(why, h.Now())
	return restoring{Record: after, Wait: retryWait << min(after.Attempt.Failed, 5)}, err
}

// ended reports whether a task has ended that was not heard of for a time, and why.
func (h *Handler) ended(ctx context.Context, arn string, silent time.Duration) (why string, ended bool, err error) {
	task, err := h.Tasks.Describe(ctx, arn)
	if errors.Is(err, pool.ErrNotFound) {
		return "its task is not known any more", silent >= startTime, nil
	}
	if err != nil || !task.Ended() {
		return "", false, err
	}
	why = "its task ended without a report"
	if task.Reason != "" {
		why += ": " + task.Reason
	}
	if task.Exit != nil {
		why += fmt.Sprintf(" (exit code %d)", *task.Exit)
	}
	return why, true, nil
}

// stop stops the task of an attempt, if it has one. One that is not known has ended.
func (h *Handler) stop(ctx context.Context, r pool.Restoration, why string) error {
	if r.Attempt.Task == "" {
		return nil
	}
	if err := h.Tasks.Stop(ctx, r.Attempt.Task, why); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	return nil
}
