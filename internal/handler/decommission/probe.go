package decommission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/copytask"
	"headroom/internal/pool"
)

const (
	// probeWait is the time between two looks at a task that looks into a share.
	probeWait = time.Minute
	// probeMost is how long such a task may take.
	probeMost = 10 * time.Minute
)

// lookIntoShare has a task look into the new share, to which alone it is opened, and looks at the bucket itself.
func (h *Handler) lookIntoShare(ctx context.Context, c pool.Clearance) (clearing, error) {
	switch {
	case c.Task != "":
		return h.lookAfterProbe(ctx, c)
	case c.Address != "":
		return h.closeProbed(ctx, c)
	case c.Report != "":
		return h.judge(ctx, c)
	}
	if left := h.tooSoon(c); left > 0 {
		return clearing{Record: c, Wait: left}, nil
	}
	host, _, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	if host.Repair > 0 {
		return clearing{Record: c, Wait: probeWait, Because: fmt.Errorf("host %s is in repair", host.ID)}, nil
	}
	c = c.Clone()
	c.Look++
	body, err := json.Marshal(events.ArchivistJob{
		Version: events.Version, Type: events.TypeArchivistJob, Job: events.JobProbe, Of: events.OfClearance, ID: string(c.ID()), Attempt: c.Look,
		TenantID: string(c.Departure.Tenant()), Share: &events.JobShare{Host: host.Access.Appliance, Path: "/" + c.Next},
		Correlated: events.Correlated{CorrelationID: pool.Thread(c.History)},
	})
	if err != nil {
		return clearing{}, fmt.Errorf("encode the job of clearance %s: %w", c.ID(), err)
	}
	if c.Task, err = h.Tasks.Run(ctx, copytask.Order(h.Stage, string(c.ID()), c.Departure.Tenant(), events.JobProbe, c.Look, body)); err != nil {
		return clearing{}, err
	}
	c.TaskAt, c.Due = h.Now().UTC(), h.Now().Add(pool.Deadline(pool.StepProve))
	return clearing{Record: c, Wait: probeWait}, nil
}

// lookAfterProbe looks at a task that has not reported what it found.
func (h *Handler) lookAfterProbe(ctx context.Context, c pool.Clearance) (clearing, error) {
	since := h.Now().Sub(c.TaskAt)
	why, ended, err := copytask.Ended(ctx, h.Tasks, c.Task, since)
	if err != nil {
		return clearing{}, err
	}
	if copytask.Awaited(ended, since, probeMost) {
		return clearing{Record: c, Wait: probeWait}, nil
	}
	if !ended {
		why = "it does not come to an end"
	}
	return h.probeFailed(ctx, c, why)
}

// probeFailed has another task look.
func (h *Handler) probeFailed(ctx context.Context, c pool.Clearance, why string) (clearing, error) {
	if err := copytask.Stop(ctx, h.Tasks, c.Task, why); err != nil {
		return clearing{}, err
	}
	c = c.Clone()
	c.Task, c.Report = "", ""
	return clearing{Record: c.LookFailed(fmt.Errorf("the task that looks into the share came to nothing: %s", why), h.Now()), Wait: retryWait}, nil
}

// reportOfClearance hears from a task that looks into a share: where it is, so that the share is opened to it, or what it
// found.
func (h *Handler) reportOfClearance(ctx context.Context, r events.TaskReport) error {
	for range rounds {
		c, err := h.Ledger.Clearance(ctx, pool.ClearanceID(r.ID))
		if err != nil {
			return err
		}
		if c.Step != stepOf[r.Job] || c.Look != r.Attempt || c.Task == "" {
			if r.Done && c.Step == stepOf[r.Job] && c.Look == r.Attempt && c.Report != "" {
				return h.clearances().Go(ctx, r.ID, c) // an earlier delivery was heard, and may have been cut short
			}
			h.Log.InfoContext(ctx, "late report of a task", "clearance", r.ID, "job", r.Job, "look", r.Attempt)
			return h.evictLate(ctx, c, r.Address)
		}
		next, err := h.probed(ctx, c, r)
		if err != nil {
			return err
		}
		if next.Leave {
			return nil
		}
		if next.Because != nil {
			next.Record.Progress = next.Record.Failed(next.Because)
		}
		// Commit point: what the look found counts.
		saved, err := h.Ledger.SaveClearance(ctx, c, next.Record)
		if errors.Is(err, pool.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		if next.Wait > 0 {
			return h.Steps.Send(ctx, events.NewStep(events.OfClearance, r.ID, string(saved.Step), saved.Count+1), next.Wait)
		}
		return h.clearances().Go(ctx, r.ID, saved)
	}
	return fmt.Errorf("record the report of a task of clearance %s: %w", r.ID, pool.ErrConflict)
}

// evictLate puts out a task that is done with, or ended: whoever let it in may have been killed before seeing that.
func (h *Handler) evictLate(ctx context.Context, c pool.Clearance, address string) error {
	if c.Kind != pool.Share || address == "" || address == c.Address {
		return nil
	}
	host, err := h.Ledger.Host(ctx, c.Holding.Host)
	if err != nil {
		return err
	}
	return h.Firewall.Evict(ctx, host.Access.SecurityGroup, address)
}

// probed decides what a report comes to.
func (h *Handler) probed(ctx context.Context, c pool.Clearance, r events.TaskReport) (clearing, error) {
	if !r.Done {
		return h.openToProbe(ctx, c, r.Address)
	}
	if r.Failure != "" {
		return h.probeFailed(ctx, c, r.Failure)
	}
	c = c.Clone()
	if c.Task, c.Report = "", pool.CleanReport; len(r.Found) > 0 {
		c.Report = strings.Join(r.Found, "; ")
	}
	return clearing{Record: c}, nil
}

// openToProbe opens the new share to the task that looks into it, and to nobody else.
func (h *Handler) openToProbe(ctx context.Context, c pool.Clearance, address string) (clearing, error) {
	if address == "" {
		return clearing{Leave: true}, nil
	}
	host, err := h.Ledger.Host(ctx, c.Holding.Host)
	if err != nil {
		return clearing{}, err
	}
	if c.Stranded(host) {
		return clearing{Leave: true}, nil // its next look at the step ends that
	}
	if address != c.Address {
		opened := c.Clone()
		opened.Address = address
		// Commit point: whom the share is opened to is known before it is.
		if c, err = h.Ledger.SaveClearance(ctx, c, opened); err != nil {
			return clearing{}, err
		}
	}
	group, ref := host.Access.SecurityGroup, pool.ShareRef{Gateway: host.Access.Gateway, ID: c.NextShare}
	if err := h.Firewall.Admit(ctx, group, address, "looks into "+string(c.ID())); err != nil {
		return clearing{}, err
	}
	// It reports again until it is let in. A list that is set anew each time would never be in force.
	switch err := h.Access.Served(ctx, ref, []string{address + "/32"}); {
	case errors.Is(err, pool.ErrUnreachable): // as may last
		return clearing{Leave: true}, nil
	case !errors.Is(err, access.ErrNotServing):
		return clearing{Leave: true}, err
	}
	if err := h.Access.Shut(ctx, ref, address+"/32"); err != nil {
		h.Log.InfoContext(ctx, "share can't be opened now to the task that looks into it", "clearance", c.ID(), "error", err)
		return clearing{Leave: true}, nil
	}
	// The task may have ended meanwhile, and its address be somebody else's soon.
	now, err := h.Ledger.Clearance(ctx, c.ID())
	if err != nil || now.Address == address {
		return clearing{Leave: true}, err
	}
	c.Address = address
	_, err = h.closeProbed(ctx, c)
	return clearing{Leave: true}, err
}

// closeProbed closes the share to the task that looked into it, and waits until it is closed.
func (h *Handler) closeProbed(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, err := h.Ledger.Host(ctx, c.Holding.Host)
	if err != nil {
		return clearing{}, err
	}
	ref := pool.ShareRef{Gateway: host.Access.Gateway, ID: c.NextShare}
	if err := h.Firewall.Evict(ctx, host.Access.SecurityGroup, c.Address); err != nil {
		return clearing{}, err
	}
	if open, err := h.shutShare(ctx, ref, c.Count); open != nil || err != nil {
		return clearing{Record: c, Wait: goneWait, Because: open}, err
	}
	c = c.Clone()
	c.Address = ""
	return clearing{Record: c}, nil
}

// judge decides what a clearance comes to by what the task found, and by what the bucket and the share's tags say.
func (h *Handler) judge(ctx context.Context, c pool.Clearance) (clearing, error) {
	found, err := h.leftOver(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	if c.Report != pool.CleanReport {
		found = append(found, c.Report)
	}
	c = c.Clone()
	c.Report = ""
	return h.looked(ctx, c, found)
}

// leftOver looks at the bucket and the tags of a share that was made anew.
func (h *Handler) leftOver(ctx context.Context, c pool.Clearance) ([]string, error) {
	host, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return nil, err
	}
	bucket, ref := pool.BucketName(slot.Bucket), pool.ShareRef{Gateway: host.Access.Gateway, ID: c.NextShare}
	var found []string
	versions, err := h.Objects.Versions(ctx, bucket, "", pool.ObjectCursor{})
	if err != nil {
		return nil, err
	}
	if len(versions.Versions) > 0 || versions.More {
		found = append(found, "bucket "+bucket+" has object versions or delete markers")
	}
	uploads, err := h.Objects.Uploads(ctx, bucket, "", pool.UploadCursor{})
	if err != nil {
		return nil, err
	}
	if len(uploads.Uploads) > 0 || uploads.More {
		found = append(found, "bucket "+bucket+" has unfinished uploads")
	}
	tags, err := h.Shares.TagsOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	tenant := string(c.Departure.Tenant())
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if key == "headroom:tenant" || strings.Contains(tags[key], tenant) && !strings.HasPrefix(key, "headroom:") {
			found = append(found, fmt.Sprintf("share %s bears the tag %s", ref.ID, key))
		}
	}
	return found, nil
}
