package hostrepair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// A share is served when a client can read it. So before a host goes into service again a task mounts a share that is no
// tenant's, and reads it. The share is opened to that task alone, by its address, and closed again: nobody else's is opened.

const (
	probeLook  = 30 * time.Second // between two looks at a task
	probeMost  = 10 * time.Minute // that a task may take
	probeRetry = time.Minute      // before another task is run
	closeWait  = 5 * time.Second  // between two looks at a share that is being closed
	closeLooks = 4                // after so many it is told once more to close
	closedFor  = 90 * time.Second // longer than an invocation lives
	// taskStart is how long a task that was just run may not be known yet.
	taskStart = 2 * time.Minute
	// reportTime is how long the report of a task that has ended may be on its way. One that could not be recorded comes
	// again after six minutes, which is for how long its queue hides it.
	reportTime = 7 * time.Minute
)

type tasks interface {
	Run(ctx context.Context, o pool.TaskOrder) (arn string, err error)
	Stop(ctx context.Context, arn, reason string) error
	Describe(ctx context.Context, arn string) (pool.TaskStatus, error)
}

type clients interface {
	Set(ctx context.Context, t pool.Tenant, share pool.ShareRef, group string) error
	Served(ctx context.Context, share pool.ShareRef, clients []string) error
	Shut(ctx context.Context, share pool.ShareRef, nobody string) error
}

type firewall interface {
	Admit(ctx context.Context, groupID, address, description string) error
	Evict(ctx context.Context, groupID, address string) error
}

// probe has a task look into a share that is nobody's, and closes that again before anything else.
func (h *Handler) probe(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	p := r.Probe
	switch {
	case p.Task != "":
		return h.lookAfterProbe(ctx, r)
	case p.Open():
		r, err := h.close(ctx, host, r)
		if err == nil && r.Probe.Open() {
			return mending{Record: r, Wait: closeWait, Because: fmt.Errorf("share %s is not closed yet", p.Share)}, nil
		}
		return mending{Record: r}, err
	case p.Found == pool.CleanReport:
		return h.closedForGood(ctx, host, r)
	case p.Found != "":
		return h.unread(r, fmt.Sprintf("share %s, which is nobody's, is not empty: %s", p.Share, p.Found))
	case p.Failures >= pool.ProbesMost:
		return h.unread(r, fmt.Sprintf("share %s can't be read: %s", p.Share, p.Failed))
	}
	slot, some := host.Unassigned()
	if !some {
		return mending{Record: r.Proven(pool.StepDischarge, h.Now(), "no share was read: each of the host's is somebody's, or on its way to somebody")}, nil
	}
	if waits, stopped, err := h.stopped(ctx, r); stopped || err != nil {
		return waits, err
	}
	look := p.Look + 1
	body, err := json.Marshal(events.ArchivistJob{
		Version: events.Version, Type: events.TypeArchivistJob, Job: events.JobProbe, Of: events.OfRepair, ID: r.ID(), Attempt: look,
		Share:      &events.JobShare{Host: host.Access.Appliance, Path: "/" + slot.Name},
		Correlated: events.Correlated{CorrelationID: pool.Thread(r.History)},
	})
	if err != nil {
		return mending{}, fmt.Errorf("encode the job of repair %s: %w", r.ID(), err)
	}
	// The same look again runs no other task, so that one whose start was not recorded is found.
	task, err := h.Tasks.Run(ctx, pool.TaskOrder{
		Token: fmt.Sprintf("%s %s %s %d", h.Stage, r.ID(), events.JobProbe, look), Owner: r.ID(), Job: string(body),
		Tags: map[string]string{"headroom:stage": h.Stage, "headroom:host": string(host.ID), "headroom:job": events.JobProbe},
	})
	if err != nil {
		return mending{}, err
	}
	r = r.Clone()
	r.Probe = pool.Probe{Look: look, Share: slot.Share, Task: task, TaskAt: h.Now().UTC(), Failures: p.Failures, Failed: p.Failed}
	r.Due = h.Now().Add(pool.Deadline(pool.StepProbe))
	return mending{Record: r, Wait: probeLook}, nil
}

// closedForGood closes the share once more after a while: whoever stood still just before opening it has opened it by then.
func (h *Handler) closedForGood(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if r.Probe.Address != "" {
		if left := closedFor - h.Now().Sub(r.Probe.Closed); left > 0 {
			return mending{Record: r, Wait: left}, nil
		}
		var err error
		if r, err = h.close(ctx, host, reopened(r)); err != nil || r.Probe.Open() {
			return mending{Record: r, Wait: closeWait, Because: fmt.Errorf("share %s was opened once more", r.Probe.Share)}, err
		}
	}
	what := fmt.Sprintf("share %s, which is nobody's, was read by a client, and is closed again", r.Probe.Share)
	return mending{Record: r.Proven(pool.StepDischarge, h.Now(), what)}, nil
}

// unread has another way chosen, or a person asked, because a share is not served as it was.
func (h *Handler) unread(r pool.Repair, what string) (mending, error) {
	m, err := h.lost(r, what)
	m.Record.Stuck, m.Record.Probe = pool.StepProbe, m.Record.Probe.Anew()
	return m, err
}

// lookAfterProbe looks at a task that has not reported what it found.
func (h *Handler) lookAfterProbe(ctx context.Context, r pool.Repair) (mending, error) {
	since := h.Now().Sub(r.Probe.TaskAt)
	task, err := h.Tasks.Describe(ctx, r.Probe.Task)
	ended, why := task.Ended(), "its task ended without a report: "+task.Reason
	switch {
	case errors.Is(err, pool.ErrNotFound):
		ended, why = since >= taskStart, "its task is not known any more"
	case err != nil:
		return mending{}, err
	}
	if ended && since < reportTime || !ended && since < probeMost {
		return mending{Record: r, Wait: probeLook}, nil
	}
	if !ended {
		why = "its task does not come to an end"
	}
	r, err = h.probeFailed(ctx, r, why)
	return mending{Record: r, Wait: probeRetry, Because: errors.New(why)}, err
}

// probeFailed is a repair whose task came to nothing, and is stopped.
func (h *Handler) probeFailed(ctx context.Context, r pool.Repair, why string) (pool.Repair, error) {
	if err := h.stopTask(ctx, r, why); err != nil {
		return r, err
	}
	r = r.Clone()
	r.Probe = r.Probe.Fail(why)
	return r, nil
}

// stopTask stops a repair's task. One that is not known has ended.
func (h *Handler) stopTask(ctx context.Context, r pool.Repair, why string) error {
	if err := h.Tasks.Stop(ctx, r.Probe.Task, why); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	return nil
}

// report hears from a task that looks into a share: where it is, so that the share is opened to it, or what it found.
func (h *Handler) report(ctx context.Context, t events.TaskReport) error {
	id, number, ok := pool.ParseRepairID(t.ID)
	if !ok || t.Of != events.OfRepair || t.Job != events.JobProbe {
		h.ignore(ctx, "report about what is not known", "of", t.Of, "id", t.ID)
		return nil
	}
	host, err := h.Ledger.Host(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		h.ignore(ctx, "report about an unknown host", "host", id)
		return nil
	}
	if err != nil {
		return err
	}
	late := false
	_, r, err := ledger.UpdateRepair(ctx, h.Ledger, id, func(r pool.Repair) (pool.Repair, error) {
		late = r.Number != number || r.Step != pool.StepProbe || r.Probe.Look != t.Attempt
		ours := !late && r.Probe.Task != ""
		switch {
		case !ours:
			return r, ledger.ErrUnchanged
		case t.Done && t.Failure != "":
			r.Probe = r.Probe.Fail(t.Failure)
		case t.Done && len(t.Found) > 0:
			r.Probe.Task, r.Probe.Found = "", strings.Join(t.Found, "; ")
		case t.Done:
			r.Probe.Task, r.Probe.Found = "", pool.CleanReport
		case t.Address == "" || t.Address == r.Probe.Address || !host.UnassignedShare(r.Probe.Share) || host.Repair != r.Number:
			return r, ledger.ErrUnchanged
		default: // commit point: whom the share is opened to is known before it is
			r.Probe.Address = t.Address
		}
		return r, nil
	})
	switch {
	case err != nil:
		return err
	case late, !t.Done && r.Probe.Task == "": // it is done with
		return h.closeLate(ctx, host, r, t.Address)
	case t.Done:
		return h.machine().Go(ctx, string(id), r)
	case t.Address == "" || r.Probe.Address != t.Address:
		return nil
	}
	return h.open(ctx, host, r)
}

// open opens the share to the task that looks into it, and to nobody else. The task reports again until it is let in.
func (h *Handler) open(ctx context.Context, host pool.Host, r pool.Repair) error {
	address, ref := r.Probe.Address, shareOf(host, r)
	if err := h.Firewall.Admit(ctx, host.Access.SecurityGroup, address, "looks into a share of "+string(host.ID)); err != nil {
		return err
	}
	// A list that is set anew each time would never be in force.
	if err := h.Clients.Served(ctx, ref, []string{address + "/32"}); !errors.Is(err, access.ErrNotServing) {
		return err
	}
	if err := h.Clients.Shut(ctx, ref, address+"/32"); err != nil {
		h.Log.InfoContext(ctx, "share can't be opened now to the task that looks into it", "repair", r.ID(), "error", err)
		return nil
	}
	// The task may have ended meanwhile, and its address be somebody else's soon.
	now, err := h.Ledger.Repair(ctx, r.Host)
	if err != nil || now.Number == r.Number && now.Probe.Task == r.Probe.Task && now.Probe.Address == address {
		return err
	}
	return h.closeLate(ctx, host, now, address)
}

func shareOf(host pool.Host, r pool.Repair) pool.ShareRef {
	return pool.ShareRef{Gateway: host.Access.Gateway, ID: r.Probe.Share}
}

// closeLate puts out a task that is done with: whoever let it in may have been killed before seeing that.
func (h *Handler) closeLate(ctx context.Context, host pool.Host, r pool.Repair, address string) error {
	if address == "" || address == r.Probe.Address && r.Probe.Task != "" {
		return nil
	}
	if err := h.Firewall.Evict(ctx, host.Access.SecurityGroup, address); err != nil {
		return err
	}
	if host.Repair != r.Number || !host.UnassignedShare(r.Probe.Share) {
		return nil // the share may be on its way to a tenant, whose list takes the place of any
	}
	ref := shareOf(host, r)
	if err := h.Clients.Served(ctx, ref, []string{address + "/32"}); err != nil {
		if errors.Is(err, access.ErrNotServing) {
			return nil
		}
		return err
	}
	return h.Clients.Shut(ctx, ref, h.Nobody)
}

// close closes the share to the task that looked into it. The record that it returns says so once the share is closed.
func (h *Handler) close(ctx context.Context, host pool.Host, r pool.Repair) (pool.Repair, error) {
	if err := h.Firewall.Evict(ctx, host.Access.SecurityGroup, r.Probe.Address); err != nil {
		return r, err
	}
	ref := shareOf(host, r)
	switch err := h.Clients.Served(ctx, ref, []string{h.Nobody}); {
	case errors.Is(err, access.ErrNotServing) && r.Count%closeLooks > 0:
		return r, nil // a list that is set anew each time would never be in force
	case errors.Is(err, access.ErrNotServing):
		if err := h.Clients.Shut(ctx, ref, h.Nobody); err != nil { // it may be being updated
			h.Log.WarnContext(ctx, "share can't be closed now", "repair", r.ID(), "share", ref.ID, "error", err)
		}
		return r, nil
	case err != nil:
		return r, err
	}
	r = r.Clone()
	r.Probe.Closed = h.Now().UTC()
	return r, nil
}

// reopened is a repair whose share is to be closed once more.
func reopened(r pool.Repair) pool.Repair {
	r = r.Clone()
	r.Probe.Closed = time.Time{}
	return r
}

// callOff ends a look into a share that the repair has left behind: the network lets the task in no more, whatever the gateway
// does; and the share is closed, as soon as the gateway can do so.
func (h *Handler) callOff(ctx context.Context, host pool.Host, r pool.Repair) (pool.Repair, error) {
	if r.Probe.Task != "" {
		var err error
		if r, err = h.probeFailed(ctx, r, "the repair goes on without it"); err != nil {
			return r, err
		}
	}
	if !r.Probe.Open() {
		return r, nil
	}
	closed, err := h.close(ctx, host, r)
	if errors.Is(err, pool.ErrUnreachable) {
		return r, nil
	}
	return closed, err
}
