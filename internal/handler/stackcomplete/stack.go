package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// The statuses of a stack that mean something to us.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
const (
	createInProgress   = "CREATE_IN_PROGRESS"
	createComplete     = "CREATE_COMPLETE"
	createFailed       = "CREATE_FAILED"
	rollbackInProgress = "ROLLBACK_IN_PROGRESS"
	rollbackComplete   = "ROLLBACK_COMPLETE"
	rollbackFailed     = "ROLLBACK_FAILED"
	deleteInProgress   = "DELETE_IN_PROGRESS"
	deleteComplete     = "DELETE_COMPLETE"
	deleteFailed       = "DELETE_FAILED"
)

// made are the statuses of a stack that was made, and that an update or an import was tried on since: its
// outputs are there, whatever became of that.
var made = []string{
	createComplete,
	"UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_FAILED",
	"UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED",
	"IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED",
}

// changing are the statuses of a stack that was made and is being changed, or is not begun: it is looked at again.
var changing = []string{
	"REVIEW_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS",
	"IMPORT_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS",
}

// stackEvent records what CloudFormation says of a stack, and does what follows from it.
func (h *Handler) stackEvent(ctx context.Context, event events.StackStatusChange, redelivered bool) error {
	id, ok := h.hostOf(event.StackID)
	if !ok {
		h.ignore(ctx, "event of a stack that is no host", "stack", event.StackID)
		return nil
	}
	var next progress
	foreign := false
	// Commit point: the event is known. What is to be done about it follows from the record alone, whose thread it belongs to.
	before, host, err := ledger.UpdateHost(events.WithoutCorrelation(ctx), h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		next = progress{}
		if foreign = !ours(host, event); foreign {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		p, news, err := h.hear(ctx, host, event)
		if err == nil && !news {
			err = ledger.ErrUnchanged
		}
		if err == nil {
			next = p
		}
		return p.Record, p.Outcome, err
	})
	switch {
	case foreign, errors.Is(err, pool.ErrNotFound):
		h.ignore(ctx, "event of a stack that was not ordered", "stack", event.StackID, "host", id)
		return nil
	case err != nil:
		return fmt.Errorf("record %s of %s: %w", event.StatusDetails.Status, id, err)
	case host.Version == before.Version && !redelivered, next.Leave:
		return nil
	}
	h.logMove(pool.OnThread(ctx, host.History), before, host)
	// Nothing new, and redelivered: the first delivery may have been killed after the record, so this one
	// goes on from there.
	return h.machine().Go(ctx, string(id), host)
}

// hear decides what an event means for its host; news is false when nothing does.
func (h *Handler) hear(ctx context.Context, host pool.Host, event events.StackStatusChange) (p progress, news bool, err error) {
	stack := pool.StackStatus{ID: event.StackID, Status: event.StatusDetails.Status, Reason: event.StatusDetails.Reason}
	if slices.Contains(made, stack.Status) && host.State.Provisioning() {
		if stack, err = h.complete(ctx, event.StackID); err != nil {
			return progress{}, false, fmt.Errorf("look at the stack of %s: %w", host.ID, err)
		}
		if slices.Contains(changing, stack.Status) {
			return h.awaitChange(host, stack)
		}
	}
	if stack, err = h.explain(ctx, host, stack); err != nil {
		return progress{}, false, err
	}
	return h.judge(host, stack)
}

// awaitChange has a host whose stack was made, and is being changed now, go on with looks at the stack.
func (h *Handler) awaitChange(host pool.Host, stack pool.StackStatus) (p progress, news bool, err error) {
	switch host.State {
	case pool.HostBuilding:
		return progress{Record: host}, true, nil
	case pool.HostOrdered:
		host.Stack.ID = stack.ID
		if host, err = pool.MoveHost(host, pool.HostBuilding, h.Now(), "its stack is in status "+stack.Status); err != nil {
			return progress{}, false, fmt.Errorf("await the stack of %s: %w", host.ID, err)
		}
		return progress{Record: pool.Begin(host, pool.StepBuild, h.Now())}, true, nil
	}
	return progress{}, false, nil
}

// hostOf reads the host's ID from the name in a stack's ARN
// (arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>).
func (h *Handler) hostOf(stackID string) (pool.HostID, bool) {
	parts := strings.Split(stackID, "/")
	if len(parts) != 3 {
		return "", false
	}
	name, ok := strings.CutPrefix(parts[1], h.StackPrefix)
	id := pool.HostID(name)
	_, _, err := id.Parse()
	return id, ok && err == nil
}

// ours reports whether an event is about the stack that was ordered for the host. Until its ID is
// recorded, the token of the order tells.
func ours(host pool.Host, event events.StackStatusChange) bool {
	if host.Stack.ID != "" {
		return host.Stack.ID == event.StackID
	}
	return event.ClientRequestToken == host.Stack.Token
}

// complete reads a stack that is said to be complete, for its outputs.
func (h *Handler) complete(ctx context.Context, id string) (pool.StackStatus, error) {
	stack, err := h.Stacks.Describe(ctx, id)
	if err != nil {
		return stack, err
	}
	if stack.Status == createInProgress {
		return stack, fmt.Errorf("its event came before its status, which is %s", stack.Status)
	}
	return stack, nil
}

// explain adds to the reason of a stack that fails which of its resources failed, and why. A host whose
// history says so already needs no other explanation.
func (h *Handler) explain(ctx context.Context, host pool.Host, stack pool.StackStatus) (pool.StackStatus, error) {
	switch stack.Status {
	case rollbackInProgress:
	case createFailed, rollbackComplete, rollbackFailed: // these may come before what began them
		if _, known := noted(host, rollback); known {
			return stack, nil
		}
	default:
		return stack, nil
	}
	if !host.State.Provisioning() {
		return stack, nil
	}
	why, err := h.Stacks.Failure(ctx, stack.ID)
	if err != nil {
		return stack, fmt.Errorf("ask why the stack of %s failed: %w", host.ID, err)
	}
	stack.Reason = strings.TrimSpace(stack.Reason + " " + why)
	return stack, nil
}

// judge decides what a stack's status means for its host; news is false when nothing does.
func (h *Handler) judge(host pool.Host, stack pool.StackStatus) (p progress, news bool, err error) {
	if host.Stack.ID == "" {
		host.Stack.ID = stack.ID // the order was killed before it recorded the ID
	}
	built := host.State != pool.HostOrdered && host.State != pool.HostBuilding
	if slices.Contains(made, stack.Status) {
		if built {
			return progress{}, false, nil
		}
		p, err = h.prepare(host, stack)
		return p, err == nil, err
	}
	switch stack.Status {
	case createFailed, rollbackComplete, rollbackFailed:
		if built {
			return progress{}, false, nil
		}
		p, err = h.fail(host, stack)
		return p, err == nil, err
	case deleteComplete:
		switch {
		// A failure that is not announced yet is announced first: what then deletes the stack finds it gone.
		case host.State == pool.HostQuarantined && host.Stuck.OfRetirement():
			return progress{}, false, nil // a person releases it, and it goes on from there
		case host.State == pool.HostDeleting && host.Step == pool.StepDelete, host.State == pool.HostQuarantined:
			p, err = h.deleted(host)
			return p, err == nil, err
		case host.State.Provisioning(): // by a foreign hand
			p, err = h.fail(host, stack)
			return p, err == nil, err
		case host.State == pool.HostRetiring && host.Step == pool.StepDismantle:
			p, err = h.on(host)
			return p, err == nil, err
		case host.State == pool.HostRetiring && !slices.Contains([]pool.Step{pool.StepRecall, pool.StepInspect, pool.StepUnprotect, pool.StepUnshare, pool.StepDeregister}, host.Step):
			return progress{}, false, nil // it comes again
		case host.State == pool.HostInService, host.State == pool.HostCordoned, host.State == pool.HostRetiring:
			host, err = pool.Lose(host, h.Now(), "its stack was deleted, and not by Headroom: "+stack.Reason)
			return progress{Record: host}, err == nil, err
		}
	case deleteInProgress:
		return h.suspect(host, stack)
	case rollbackInProgress:
		return h.note(host, !built, rollback, stack.Reason)
	case deleteFailed:
		if host.State == pool.HostInService || host.State == pool.HostCordoned {
			return h.suspect(host, stack)
		}
		// The deadline of the step tries again.
		return h.note(host, host.State == pool.HostDeleting || host.Step == pool.StepDismantle, deletionFailed, stack.Reason)
	}
	return progress{}, false, nil
}

// suspect puts a host with tenants in doubt whose stack somebody else deletes.
func (h *Handler) suspect(host pool.Host, stack pool.StackStatus) (p progress, news bool, err error) {
	if host.State != pool.HostInService && host.State != pool.HostCordoned || host.Doubt != "" {
		return progress{}, false, nil
	}
	host, err = pool.Suspect(host, "its stack is being deleted, and not by Headroom: "+stack.Status+" "+stack.Reason, h.Now())
	return progress{Record: host}, err == nil, err
}

// What a history says of a stack.
const (
	rollback       = "rollback" // began, and why: the later statuses do not say
	deletionFailed = "deletion failed"
)

// note keeps the reason of a status in the host's history, once.
func (h *Handler) note(host pool.Host, apt bool, what, why string) (progress, bool, error) {
	if last, ok := noted(host, what); !apt || ok && last == why {
		return progress{}, false, nil
	}
	host = host.Clone()
	host.History = pool.Append(host.History, pool.Entry{At: h.Now(), What: what, Why: why})
	return progress{Record: host, Leave: true}, true, nil
}

// noted returns the last reason that a history has for something.
func noted(host pool.Host, what string) (string, bool) {
	for i := len(host.History) - 1; i >= 0; i-- {
		if host.History[i].What == what {
			return host.History[i].Why, true
		}
	}
	return "", false
}
