// Package copytask has tasks run that copy tenants' data, and looks after them: what a departure and a restoration need to
// know of a task, whose report may be late or never come.
package copytask

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

const (
	// LookWait is the time between two looks at a task; its end is an event, so a look only finds what was lost.
	LookWait = 5 * time.Minute
	// RoleTerm is how long a role that copies may log in at most, whatever becomes of its task.
	RoleTerm = 24 * time.Hour
	// ReportTime is how long the report of a task that has ended may be on its way. One that could not be recorded comes
	// again after six minutes, which is for how long its queue hides it.
	ReportTime = 7 * time.Minute
	// StartTime is how long a task that was just run may not be known yet.
	StartTime = 2 * time.Minute
)

// Order is what a task is run with. The same attempt again is the same order, so that a task whose start was not recorded is
// found again.
func Order(stage, owner string, tenant pool.TenantID, job string, attempt int, body []byte) pool.TaskOrder {
	return pool.TaskOrder{
		Token: fmt.Sprintf("%s %s %s %d", stage, owner, job, attempt), Owner: owner, Job: string(body),
		Tags: map[string]string{"headroom:stage": stage, "headroom:tenant": string(tenant), "headroom:job": job},
	}
}

type describer interface {
	Describe(ctx context.Context, arn string) (pool.TaskStatus, error)
}

// Ended reports whether a task has ended that was not heard of for a time, and why.
func Ended(ctx context.Context, tasks describer, arn string, silent time.Duration) (why string, ended bool, err error) {
	task, err := tasks.Describe(ctx, arn)
	if errors.Is(err, pool.ErrNotFound) {
		return "its task is not known any more", silent >= StartTime, nil
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

// Awaited reports whether a task that was not heard of for a time is left alone still: one that has ended may have reported,
// and one that runs is given patience.
func Awaited(ended bool, silent, patience time.Duration) bool {
	return ended && silent < ReportTime || !ended && silent < patience
}

type stopper interface {
	Stop(ctx context.Context, arn, why string) error
}

// Stop stops a task, if there is one. One that is not known has ended.
func Stop(ctx context.Context, tasks stopper, arn, why string) error {
	if arn == "" {
		return nil
	}
	if err := tasks.Stop(ctx, arn, why); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	return nil
}
