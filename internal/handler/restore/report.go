package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/copytask"
	"headroom/internal/pool"
)

// rounds bounds how often a report is recorded again because its restoration's record changed meanwhile.
const rounds = 5

// stepOf is the step at which a job is done.
var stepOf = map[string]pool.Step{events.JobRestoreFiles: pool.StepFiles, events.JobRestoreDatabase: pool.StepCopy}

// report hears from a task. One of an attempt that is over is late.
func (h *Handler) report(ctx context.Context, t events.TaskReport) error {
	tenant, number, ok := pool.RestorationID(t.ID).Parse()
	if t.Of != events.OfRestoration || !ok {
		h.Log.InfoContext(ctx, "report about what is not known", "of", t.Of, "id", t.ID)
		return nil
	}
	for range rounds {
		r, err := h.Ledger.Restoration(ctx, tenant)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return err
		}
		if r.Number != number || r.Step != stepOf[t.Job] || r.Attempt.Number != t.Attempt || r.Attempt.Task == "" {
			if t.Done && r.Number == number && r.Attempt.Number == t.Attempt && r.Attempt.Task == "" && r.Count == 0 && !r.State.Ended() {
				return h.machine().Go(ctx, string(tenant), r) // an earlier delivery was heard, and may have been cut short
			}
			h.Log.InfoContext(ctx, "late report of a task", "restoration", t.ID, "job", t.Job, "attempt", t.Attempt)
			return nil
		}
		next := restoring{Record: r.Clone().Heard(t.Bytes, t.Entries, t.Total, h.Now())}
		if t.Done {
			if next, err = h.attemptEnded(ctx, next.Record, t); err != nil {
				return err
			}
		}
		// Commit point: what the task came to is known.
		saved, err := h.Ledger.SaveRestoration(ctx, r, next.Record)
		if errors.Is(err, pool.ErrConflict) {
			continue
		}
		if err != nil || !t.Done {
			return err
		}
		h.moved(ctx, r, saved)
		if next.Wait > 0 {
			return h.goOnLater(ctx, saved, next.Wait)
		}
		return h.machine().Go(ctx, string(tenant), saved)
	}
	return fmt.Errorf("record the report of a task of restoration %s: %w", t.ID, pool.ErrConflict)
}

// attemptEnded decides what a restoration comes to by the report of a task that has done its job, or failed.
func (h *Handler) attemptEnded(ctx context.Context, r pool.Restoration, t events.TaskReport) (restoring, error) {
	switch {
	case t.Failure != "":
		return h.attemptFailed(ctx, r, t.Failure)
	case len(t.Found) > 0:
		return h.attemptFailed(ctx, r, strings.Join(t.Found, "; "))
	case t.Proof == "":
		return h.attemptFailed(ctx, r, "its report has no proof")
	}
	if t.Job == events.JobRestoreFiles {
		r.Files, r.FilesBytes = t.Entries, t.Bytes
	} else {
		r.Came = t.Proof
	}
	return restoring{Record: r.AttemptDone(h.Now(), t.Proof)}, nil
}

// taskChanged hears from ECS that a task has ended. Its report may still be on its way: so there is a look at it a little
// later.
func (h *Handler) taskChanged(ctx context.Context, event events.TaskStateChange) error {
	ended := pool.TaskOf(event)
	tenant, number, ok := pool.RestorationID(ended.Owner).Parse()
	if !ended.Ended() || !ok {
		return nil
	}
	r, err := h.Ledger.Restoration(ctx, tenant)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	if err != nil || r.Number != number || r.Attempt.Task == "" || r.Attempt.Task != ended.ARN {
		return nil // it has reported, or is another attempt's
	}
	return h.goOnLater(ctx, r, copytask.ReportTime+time.Second)
}
