package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"headroom/internal/pool"
)

// changeWait is between two looks at a stack that is being updated.
const changeWait = time.Minute

// build looks at a stack that is past its deadline: its event may have got lost.
func (h *Handler) build(ctx context.Context, host pool.Host) (progress, error) {
	stack, err := h.look(ctx, host)
	if err != nil {
		return progress{}, err
	}
	if stack, err = h.explain(ctx, host, stack); err != nil {
		return progress{}, err
	}
	p, news, err := h.judge(host, stack)
	if err != nil {
		return progress{}, err
	}
	switch {
	case news:
		return p, nil
	case slices.Contains(changing, stack.Status): // its event may have come, and been of no use yet
		return progress{Record: host, Wait: changeWait, Because: fmt.Errorf("its stack is in status %s", stack.Status)}, nil
	}
	return progress{Leave: true}, nil
}

// look reads the stack of a host; one that is not there reads as deleted.
func (h *Handler) look(ctx context.Context, host pool.Host) (pool.StackStatus, error) {
	stack, err := h.Stacks.Describe(ctx, stackOf(host))
	if errors.Is(err, pool.ErrNotFound) {
		return pool.StackStatus{ID: host.Stack.ID, Status: deleteComplete, Reason: "there is no such stack"}, nil
	}
	return stack, err
}

// stackOf names a host's stack: by its ID, or by its name while that is all that is known.
func stackOf(host pool.Host) string {
	if host.Stack.ID != "" {
		return host.Stack.ID
	}
	return host.Stack.Name
}

// prepare begins the preparation of a host whose stack is complete: what the stack's outputs say is
// recorded, and with it the slots and their names, before anything bears those.
func (h *Handler) prepare(host pool.Host, stack pool.StackStatus) (progress, error) {
	host, err := pool.MoveHost(host, pool.HostPreparing, h.Now(), "its stack is complete")
	if err != nil {
		return progress{}, fmt.Errorf("prepare host %s: %w", host.ID, err)
	}
	outputs := outputs{values: stack.Outputs}
	if host.Kind == pool.Share {
		host.Access.Address = outputs.get("DnsName")
		host.Access.Appliance = outputs.get("ApplianceAddress")
		host.Access.SecurityGroup = outputs.get("SecurityGroupId")
		host.Access.Machine = outputs.get("MachineId")
		host.Access.Cache = outputs.get("CacheVolumeId")
	} else {
		host.Access.Address = outputs.get("Address")
		host.Access.Port = outputs.number("Port")
		host.Access.MasterSecret = outputs.get("MasterSecretArn")
	}
	host.Slots = nil
	for index := 1; index <= host.Size; index++ {
		slot := pool.Slot{Index: index, Generation: 1, State: pool.SlotPlanned, Since: h.Now()}
		if slot.Name, err = h.Name(); err != nil {
			return progress{}, fmt.Errorf("name the slots of %s: %w", host.ID, err)
		}
		if host.Kind == pool.Share {
			slot.Bucket = outputs.get(fmt.Sprintf("Bucket%02d", index))
			slot.Role = outputs.get(fmt.Sprintf("Role%02d", index))
		}
		host.Slots = append(host.Slots, slot)
	}
	if outputs.err != nil {
		return progress{}, fmt.Errorf("read the outputs of stack %s: %w", stack.ID, outputs.err)
	}
	return progress{Record: pool.Begin(host, pool.FirstStep(host.Kind), h.Now())}, nil
}

// outputs reads a stack's outputs, and keeps what is wrong with them.
type outputs struct {
	values map[string]string
	err    error
}

func (o *outputs) get(key string) string {
	value := o.values[key]
	if value == "" {
		o.err = errors.Join(o.err, fmt.Errorf("there is no %s", key))
	}
	return value
}

func (o *outputs) number(key string) int {
	value := o.get(key)
	n, err := strconv.Atoi(value)
	if err != nil {
		o.err = errors.Join(o.err, fmt.Errorf("%s is %q, not a number", key, value))
	}
	return n
}

// fail gives up the making of a host: the failure is counted, then announced, then the stack is
// deleted.
func (h *Handler) fail(host pool.Host, stack pool.StackStatus) (progress, error) {
	why := stack.Status
	reason := stack.Reason
	if began, ok := noted(host, rollback); ok && began != "" {
		reason = began
	}
	if reason != "" {
		why += ": " + reason
	}
	host, err := pool.MoveHost(host, pool.HostDeleting, h.Now(), why)
	if err != nil {
		return progress{}, fmt.Errorf("give up host %s: %w", host.ID, err)
	}
	return progress{Record: pool.Begin(host, pool.StepAnnounce, h.Now()), Outcome: pool.Failed}, nil
}

// stopped is how long a deletion waits between looks at the stop switch.
const stopped = 5 * time.Minute

// remove has the stack of a failed host deleted. Its event, or the step's deadline, goes on.
func (h *Handler) remove(ctx context.Context, host pool.Host) (progress, error) {
	stack, err := h.look(ctx, host)
	if err != nil {
		return progress{}, err
	}
	switch stack.Status {
	case deleteComplete:
		return h.deleted(host)
	case deleteInProgress:
		return progress{Leave: true}, nil
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return progress{}, err
	}
	if against := stops.Against(pool.StopDestroy); against != "" { // it waits for as long as that is so: no try of it fails
		host.Tries, host.Due = 0, h.Now().Add(pool.Deadline(pool.StepDelete))
		return progress{Record: host, Wait: stopped, Because: errors.New(against)}, nil
	}
	// Commit point: it is on record before it is destroyed, and again when that is tried again.
	if err := h.Ledger.Audit(ctx, pool.Audit{
		At: h.Now().UTC(), Message: string(host.ID) + "/" + host.Mark, What: "destroyed stack", Of: host.Stack.Name, Why: fmt.Sprintf("host %s is not to be: %s", host.ID, host.Why),
	}); err != nil {
		return progress{}, err
	}
	// A new token for each order and try: one that was used already would be answered, and nothing done.
	token := fmt.Sprintf("%s-delete-%d", host.Stack.Token, host.Tries)
	if err := h.Stacks.Delete(ctx, stackOf(host), token); err != nil {
		return progress{}, err
	}
	return progress{Leave: true}, nil
}

func (h *Handler) deleted(host pool.Host) (progress, error) {
	host, err := pool.MoveHost(host, pool.HostDeleted, h.Now(), "its stack is deleted")
	if err != nil {
		return progress{}, fmt.Errorf("close the record of host %s: %w", host.ID, err)
	}
	if host.Untold {
		host = pool.Begin(host, pool.StepAnnounce, h.Now())
	}
	return progress{Record: host}, nil
}
