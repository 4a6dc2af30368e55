package pool

import (
	"errors"
	"strings"

	"headroom/events"
)

// Why a task could not be run.
var (
	// ErrNoCapacity means that there is no room for a task, or a machine, now. That passes.
	ErrNoCapacity = errors.New("there is no capacity for it now")
	// ErrTaskQuota means that the account runs as much as its quota lets it: something must end first, or the quota be
	// raised.
	ErrTaskQuota = errors.New("the account's quota of tasks is reached")
	// ErrTaskInvalid means that what was asked for is refused, and will be when it is asked for again.
	ErrTaskInvalid = errors.New("the task is refused")
)

// TaskOrder is what a task is run with.
type TaskOrder struct {
	// Token names the order: while its task is known (until an hour after its end, and a day at most), it runs no other
	// one.
	Token string
	Owner string            // ID of the departure or clearance that the task is for
	Job   string            // what it is to do, as JSON
	Tags  map[string]string // put on the task
}

// TaskStatus is a task as it was last seen.
type TaskStatus struct {
	ARN     string
	Owner   string
	Status  string // such as RUNNING, and at last events.TaskStopped
	Address string // of the task, once it has one; a task that has ended has none
	Version int    // counts the changes of the task: of two looks, the one with the greater is the later
	Code    string // why it stops, such as UserInitiated; empty of a task that does not
	Reason  string // likewise, in words
	Exit    *int   // of its program; nil while that runs, or if it never did
}

// Ended reports whether nothing of the task runs any more.
func (s TaskStatus) Ended() bool { return s.Status == events.TaskStopped }

// TaskOf is the task that an event of ECS tells of, as it was then. The event does not say its address.
func TaskOf(change events.TaskStateChange) TaskStatus {
	s := TaskStatus{
		ARN: change.TaskARN, Owner: TaskOwner(change.StartedBy), Status: change.LastStatus, Version: change.Version,
		Code: change.StopCode, Reason: change.StoppedReason,
	}
	if len(change.Containers) > 0 {
		s.Exit = change.Containers[0].ExitCode
		s.Reason = TaskReason(s.Reason, change.Containers[0].Reason)
	}
	return s
}

// TaskReason joins why a task stopped with why its container did, either of which may be empty.
func TaskReason(task, container string) string {
	if task == "" || container == "" {
		return task + container
	}
	return task + ": " + container
}

// TaskStartedBy is the ID of a departure or clearance as ECS notes whose a task is. It takes letters, digits, "-", "_"
// and "/", but no ".", which IDs have one of.
func TaskStartedBy(owner string) string { return strings.Replace(owner, ".", "/", 1) }

// TaskOwner is the reverse of TaskStartedBy.
func TaskOwner(startedBy string) string { return strings.Replace(startedBy, "/", ".", 1) }
