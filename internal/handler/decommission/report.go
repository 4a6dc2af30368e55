package decommission

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

// report hears from a task. One of an attempt that is over is late.
func (h *Handler) report(ctx context.Context, r events.TaskReport) error {
	var err error
	switch r.Of {
	case events.OfDeparture:
		err = h.reportOfDeparture(ctx, r)
	case events.OfClearance:
		err = h.reportOfClearance(ctx, r)
	default:
		err = pool.ErrNotFound
	}
	if errors.Is(err, pool.ErrNotFound) {
		h.Log.InfoContext(ctx, "report about what is not known", "of", r.Of, "id", r.ID)
		return nil
	}
	return err
}

// stepOf is the step at which a job is done.
var stepOf = map[string]pool.Step{events.JobArchive: pool.StepArchive, events.JobVerify: pool.StepVerify, events.JobProbe: pool.StepProve}

func (h *Handler) reportOfDeparture(ctx context.Context, r events.TaskReport) error {
	for range rounds {
		d, err := h.Ledger.Departure(ctx, pool.DepartureID(r.ID))
		if err != nil {
			return err
		}
		if d.Step != stepOf[r.Job] || d.Attempt.Number != r.Attempt || d.Attempt.Task == "" {
			if r.Done && d.Attempt.Number == r.Attempt && d.Attempt.Task == "" && d.Count == 0 && (d.Copying() || d.Step == pool.StepLock) {
				return h.departures().Go(ctx, r.ID, d) // an earlier delivery was heard, and may have been cut short
			}
			h.Log.InfoContext(ctx, "late report of a task", "departure", r.ID, "job", r.Job, "attempt", r.Attempt)
			return nil
		}
		next := leaving{Record: d.Clone().Heard(r.Bytes, r.Entries, r.Total, h.Now())}
		if r.Done {
			if next, err = h.attemptEnded(ctx, next.Record, r); err != nil {
				return err
			}
		}
		// Commit point: what the task came to is known.
		saved, err := h.Ledger.SaveDeparture(ctx, d, next.Record)
		if errors.Is(err, pool.ErrConflict) {
			continue
		}
		if err != nil || !r.Done {
			return err
		}
		h.moved(ctx, "departure", r.ID, string(saved.State), d.Progress, saved.Progress)
		if next.Wait > 0 {
			return h.Steps.Send(ctx, events.NewStep(events.OfDeparture, r.ID, string(saved.Step), saved.Count+1), next.Wait)
		}
		return h.departures().Go(ctx, r.ID, saved)
	}
	return fmt.Errorf("record the report of a task of departure %s: %w", r.ID, pool.ErrConflict)
}

// attemptEnded decides what a departure comes to by the report of a task that has done its job, or failed.
func (h *Handler) attemptEnded(ctx context.Context, d pool.Departure, r events.TaskReport) (leaving, error) {
	if err := h.endAttempt(ctx, d, "it has reported"); err != nil {
		return leaving{}, err
	}
	switch {
	case r.Failure != "":
		return h.failed(ctx, d, r.Failure, false)
	case len(r.Found) > 0: // what is archived is not what there is: another archive is needed
		return h.failed(ctx, d, strings.Join(r.Found, "; "), true)
	}
	if r.Job == events.JobArchive {
		if !h.archived(d.ID(), r) {
			return h.failed(ctx, d, "its report does not name the archive that it was to write", true)
		}
		d = d.Proven(pool.StepVerify, h.Now(), fmt.Sprintf("attempt %d wrote %d entries, %d bytes, SHA-256 %s", r.Attempt, r.Archive.Entries, r.Archive.Bytes, r.Archive.SHA256))
		d.Attempt.Task, d.Attempt.Archived = "", readArchive(*r.Archive)
		return leaving{Record: d}, nil
	}
	if r.Proof == "" {
		return h.failed(ctx, d, "its report has no proof", false)
	}
	if err := h.bays().Leave(ctx, string(d.ID())); err != nil {
		return leaving{}, err
	}
	d = d.Proven(pool.StepLock, h.Now(), r.Proof)
	d.Attempt.Task, d.Attempt.Failed = "", 0
	d.Archive = d.Attempt.Archived
	return leaving{Record: d}, nil
}

// archived reports whether a report names the archive of its attempt, with all that makes it known again.
func (h *Handler) archived(id pool.DepartureID, r events.TaskReport) bool {
	a, want := r.Archive, h.archiveOf(id, r.Attempt)
	return a != nil && a.Bucket == want.Bucket && a.Key == want.Key && a.ManifestKey == want.ManifestKey &&
		a.VersionID != "" && a.SHA256 != "" && a.ManifestVersionID != "" && a.ManifestSHA256 != ""
}

// taskChanged hears from ECS that a task has ended. Its report may still be on its way: so there is a look at it a little
// later.
func (h *Handler) taskChanged(ctx context.Context, event events.TaskStateChange) error {
	ended := pool.TaskOf(event)
	if !ended.Ended() {
		return nil
	}
	of, progress, task := events.OfDeparture, pool.Progress{}, ""
	if strings.Contains(ended.Owner, "/") {
		c, err := h.Ledger.Clearance(ctx, pool.ClearanceID(ended.Owner))
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return err
		}
		of, progress, task = events.OfClearance, c.Progress, c.Task
	} else {
		d, err := h.Ledger.Departure(ctx, pool.DepartureID(ended.Owner))
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return err
		}
		progress, task = d.Progress, d.Attempt.Task
	}
	if task == "" || task != ended.ARN {
		return nil // it has reported, or is another attempt's
	}
	if err := h.Steps.Send(ctx, events.NewStep(of, ended.Owner, string(progress.Step), progress.Count+1), copytask.ReportTime+time.Second); err != nil {
		return fmt.Errorf("have a task looked at that has ended: %w", err)
	}
	return nil
}
