package ecs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"time"

	"headroom/internal/local/machine"
	"headroom/internal/local/parts"
)

// Statuses of a task.
const (
	provisioning   = "PROVISIONING"
	pending        = "PENDING"
	running        = "RUNNING"
	stopping       = "STOPPING"
	deprovisioning = "DEPROVISIONING"
	stopped        = "STOPPED"
)

// Why a task stops.
const (
	essentialExited = "EssentialContainerExited"
	failedToStart   = "TaskFailedToStart"
	userInitiated   = "UserInitiated"
)

// stopTimeout is how long a container has between SIGTERM and SIGKILL, unless its definition says otherwise.
const stopTimeout = 30 * time.Second

// task is one run of a definition.
type task struct {
	id, arn, containerARN, attachment string
	cluster, startedBy, group         string
	definition                        *definition
	taskRole, executionRole           string
	subnets, groups, command          []string
	environment                       map[string]string
	overrides                         any // as they came
	tags                              []struct{ Key, Value string }
	shownFrom                         time.Time     // on the machine's clock
	stop                              chan struct{} // closed by StopTask

	last, desired                       string
	version                             int
	created, updated, started           time.Time // by the local clock, as all that follow
	stopping, executionStopped, stopped time.Time
	stopCode, stoppedReason             string
	exit                                *int
	exitReason                          string
	killed                              bool
	nic                                 machine.Interface
	keyID                               string // of its credentials
	process                             *parts.Process
}

func (e *ECS) now() time.Time { return e.cfg.Clock.Now().UTC().Truncate(time.Millisecond) }

// live takes a task from its placement to its end.
func (e *ECS) live(t *task) {
	e.tell(t)
	if !e.pause(e.cfg.Provision, t.stop) {
		e.finish(t)
		return
	}
	nic, err := e.cfg.Network.Lend(t.subnets[rand.N(len(t.subnets))], t.groups)
	if err != nil {
		e.fail(t, fmt.Sprintf("Unexpected EC2 error while attempting to Create Network Interface in subnet: %v", err))
		return
	}
	e.become(t, pending, func() { t.nic = nic })
	if !e.pause(e.cfg.Pull, t.stop) {
		e.finish(t)
		return
	}
	process, clean, err := e.start(t)
	if err != nil {
		clean()
		e.fail(t, err.Error())
		return
	}
	e.become(t, running, func() { t.started = e.now() })
	select {
	case <-process.Done():
	case <-t.stop:
		e.become(t, stopping, func() {})
		process.Stop(e.cfg.Clock.Real(t.grace()))
	case <-e.life.Done():
		process.Kill()
		<-process.Done()
	}
	clean() // so all that it said can be read before it is told that it has ended
	e.exited(t, process.Err())
	e.finish(t)
}

// grace is how long a task has to end when it is asked to.
func (t *task) grace() time.Duration {
	if seconds := t.definition.container().StopTimeout; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return stopTimeout
}

// exited notes how the process of a task ended.
func (e *ECS) exited(t *task, err error) {
	code := exitCode(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	t.process, t.exit, t.executionStopped = nil, &code, e.now()
	if t.killed {
		t.exitReason = "OutOfMemoryError: Container killed due to memory usage"
	}
	if t.stopCode == "" {
		t.stopCode, t.stoppedReason = essentialExited, "Essential container in task exited"
	}
}

// exitCode is the status of a process as a container's is told: 128 and more for a signal.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, and left a child that held its output open
		return 0
	case !errors.As(err, &exit):
		return 255 // its output could not be read, or the like
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// fail ends a task that never ran.
func (e *ECS) fail(t *task, reason string) {
	e.mu.Lock()
	if t.stopCode == "" {
		t.stopCode, t.stoppedReason = failedToStart, reason
	}
	e.mu.Unlock()
	e.finish(t)
}

// finish takes a task that does not run, or no longer, to its end. When the cloud ends, nobody is told.
func (e *ECS) finish(t *task) {
	if e.life.Err() == nil {
		e.become(t, deprovisioning, func() {
			t.desired = stopped
			if t.stopping.IsZero() {
				t.stopping = e.now()
			}
		})
	}
	if t.nic.ID != "" {
		if err := e.cfg.Network.GiveBack(t.nic.ID); err != nil {
			e.cfg.Log.Error("the interface of a task is left", "task", t.arn, "error", err)
		}
	}
	if e.life.Err() == nil {
		e.become(t, stopped, func() { t.stopped = e.now() })
	}
}

// become changes a task, and tells of it.
func (e *ECS) become(t *task, status string, change func()) {
	e.mu.Lock()
	t.last = status
	change()
	t.version++
	t.updated = e.now()
	e.mu.Unlock()
	e.tell(t)
}

// tell sends the event of a task as it is.
func (e *ECS) tell(t *task) {
	e.mu.Lock()
	detail := e.shown(t)
	detail["updatedAt"] = t.updated
	for _, attachment := range detail["attachments"].([]any) {
		attachment.(map[string]any)["type"] = "eni" // the API has another word
	}
	delete(detail, "tags")
	e.mu.Unlock()
	e.cfg.Emit(e.life, "aws.ecs", "ECS Task State Change", []string{t.arn}, detail)
}
