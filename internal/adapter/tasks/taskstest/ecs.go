// Package taskstest is an in-memory ECS that runs tasks on Fargate, and the cases that it and any other ECS have to
// pass. As the real one it is asynchronous: a new task shows late, goes from state to state over several looks, and
// its events come late, twice and out of order.
package taskstest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/events"
)

// What there is in the cluster.
const (
	Cluster   = "headroom-dev"
	Family    = "headroom-dev-archivist"
	Container = "archivist"
)

// Running is what Program returns of a program that does not end by itself.
const Running = -1

// ECS is one cluster with one task definition.
type ECS struct {
	// Late is how many looks at it a new task does not show, and how many calls of Take its events come late.
	Late int
	// Untidy has events come twice, and the newest first.
	Untidy bool
	// Program stands for the program of a task, and is called once, when the task runs: with the exit code that it
	// ends with, or Running. nil: it runs until End, Kill or StopTask.
	Program func(Task) int
	// Missing are subnets and security groups that there are not.
	Missing map[string]bool
	// Now is the time that is told, and by which a task is forgotten an hour after its end; nil: it stands still.
	Now func() time.Time

	mu     sync.Mutex
	tasks  []*task
	noRoom []string
	outbox []*told
	made   int // tasks, ever
}

// Task is one task.
type Task struct {
	ARN, Token, StartedBy string
	Environment           map[string]string // as overridden
	Tags                  map[string]string
	Subnets, Groups       []string
	Status, Desired       string
	StopCode, Reason      string
	Address               string // while it has one
	Exit                  *int
}

type task struct {
	Task
	request     any // as it came, to compare
	unseen      int // looks that it does not show in
	version     int
	code        *int // that its program ends with at the next look
	why         string
	stoppedAt   time.Time
	containerBy string // reason of the container
}

// told is an event that is on its way.
type told struct {
	late int
	body []byte
}

// Statuses of a task, in order.
const (
	provisioning   = "PROVISIONING"
	pending        = "PENDING"
	running        = "RUNNING"
	stopping       = "STOPPING"
	deprovisioning = "DEPROVISIONING"
)

// remembered is how long a task shows that has ended.
const remembered = time.Hour

const arnOf = "arn:aws:ecs:eu-west-1:123456789012:"

// NoRoom has the next placements fail, each for a reason such as constraint.NoTaskCapacity.
func (s *ECS) NoRoom(reasons ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noRoom = reasons
}

// Tasks returns all tasks that are known, in the order in which they were run.
func (s *ECS) Tasks() []Task { return s.which(func(Task) bool { return true }) }

// Live is Tasks of those that are not stopped.
func (s *ECS) Live() []Task {
	return s.which(func(t Task) bool { return t.Status != events.TaskStopped })
}

func (s *ECS) which(wanted func(Task) bool) []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Task
	for _, t := range s.tasks {
		if !wanted(t.Task) {
			continue
		}
		c := t.Task
		c.Environment, c.Tags = maps.Clone(t.Environment), maps.Clone(t.Tags)
		all = append(all, c)
	}
	return all
}

// End has the program of a running task end, and reports whether there was one.
func (s *ECS) End(arn string, code int) bool { return s.end(arn, code, "") }

// Kill has a running task die of its memory, and reports whether there was one.
func (s *ECS) Kill(arn string) bool {
	return s.end(arn, 137, "OutOfMemoryError: Container killed due to memory usage")
}

func (s *ECS) end(arn string, code int, why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(arn)
	if t == nil || t.Status != running || t.code != nil {
		return false
	}
	t.code, t.why = &code, why
	return true
}

// Take lets every task come one step further, and returns the events that are due, as a queue behind a rule gets them.
func (s *ECS) Take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tasks {
		s.step(t)
	}
	var due [][]byte
	s.outbox = slices.DeleteFunc(s.outbox, func(e *told) bool {
		if e.late--; e.late >= 0 {
			return false
		}
		due = append(due, e.body)
		return true
	})
	if s.Untidy {
		slices.Reverse(due)
		due = append(due, due...)
	}
	return due
}

// step takes a task one state further, if anything moves it.
func (s *ECS) step(t *task) {
	asked := t.Desired == events.TaskStopped
	switch t.Status {
	case provisioning, pending:
		switch {
		case asked:
			s.become(t, deprovisioning)
		case t.Status == provisioning:
			t.Address = s.address()
			s.become(t, pending)
		default:
			s.become(t, running)
			if s.Program != nil {
				if code := s.Program(t.Task); code != Running {
					t.code = &code
				}
			}
		}
	case running:
		switch {
		case t.code != nil:
			t.Exit, t.containerBy, t.Desired = t.code, t.why, events.TaskStopped
			if t.StopCode == "" {
				t.StopCode, t.Reason = string(types.TaskStopCodeEssentialContainerExited), "Essential container in task exited"
			}
			s.become(t, deprovisioning)
		case asked:
			s.become(t, stopping)
		}
	case stopping:
		code := 0
		if t.code != nil {
			code = *t.code
		}
		t.Exit = &code
		s.become(t, deprovisioning)
	case deprovisioning:
		t.Address, t.stoppedAt = "", s.now()
		s.become(t, events.TaskStopped)
	}
}

// address is the first one that no task has: the next task may have it when one has ended.
func (s *ECS) address() string {
	for n := 1; ; n++ {
		address := fmt.Sprintf("10.0.7.%d", n)
		if !slices.ContainsFunc(s.tasks, func(t *task) bool { return t.Address == address }) {
			return address
		}
	}
}

func (s *ECS) become(t *task, status string) {
	t.Status = status
	t.version++
	s.tell(t)
}

// find is a task by its ARN or id, unless it is forgotten.
func (s *ECS) find(named string) *task {
	s.forget()
	for _, t := range s.tasks {
		if t.ARN == named || strings.HasSuffix(t.ARN, "/"+named) && !strings.HasPrefix(named, "arn:") {
			return t
		}
	}
	return nil
}

// forget removes the tasks that have ended long ago; with them goes what is known of their tokens.
func (s *ECS) forget() {
	s.tasks = slices.DeleteFunc(s.tasks, func(t *task) bool {
		return t.Status == events.TaskStopped && s.now().Sub(t.stoppedAt) >= remembered
	})
}

// byToken is the task that a token was used for.
func (s *ECS) byToken(token string) *task {
	s.forget()
	for _, t := range s.tasks {
		if token != "" && t.Token == token {
			return t
		}
	}
	return nil
}

// same reports whether a request is the one that a task was run by.
func (t *task) same(request any) bool { return reflect.DeepEqual(t.request, request) }

func (s *ECS) now() time.Time {
	if s.Now == nil {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return s.Now()
}

// definitionARN is the task definition.
func definitionARN() *string { return aws.String(arnOf + "task-definition/" + Family + ":1") }
