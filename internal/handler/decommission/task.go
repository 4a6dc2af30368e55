package decommission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// startTime is how long a task that was just run may not be known yet.
const startTime = 2 * time.Minute

// order is what a task is run with. The same attempt again is the same order, so that a task whose start was not recorded
// is found again.
func (h *Handler) order(owner string, tenant pool.TenantID, job string, attempt int, body []byte) pool.TaskOrder {
	return pool.TaskOrder{
		Token: fmt.Sprintf("%s %s %s %d", h.Stage, owner, job, attempt), Owner: owner, Job: string(body),
		Tags: map[string]string{"headroom:stage": h.Stage, "headroom:tenant": string(tenant), "headroom:job": job},
	}
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

// stop stops a task. One that is not known has ended.
func (h *Handler) stop(ctx context.Context, arn, why string) error {
	if err := h.Tasks.Stop(ctx, arn, why); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	return nil
}
