package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

// changeSet is what an update of a stack would do, and the update itself, to be carried out later. The engine's
// lock guards what changes.
type changeSet struct {
	id, name, description string
	token                 string // client token of CreateChangeSet
	to                    design
	capabilities          []string
	made                  time.Time
	status                status
	reason                string
	execution             executionStatus
	changes               []any  // as DescribeChangeSet answers them
	executed              string // client request token of ExecuteChangeSet
}

// executionStatus is whether a change set can be carried out, or was.
type executionStatus string

const (
	unavailable       executionStatus = "UNAVAILABLE"
	available         executionStatus = "AVAILABLE"
	executeInProgress executionStatus = "EXECUTE_IN_PROGRESS"
	executeComplete   executionStatus = "EXECUTE_COMPLETE"
	executeFailed     executionStatus = "EXECUTE_FAILED"
	obsolete          executionStatus = "OBSOLETE"
)

// The statuses that only change sets have.
const (
	createPending status = "CREATE_PENDING"
	failed        status = "FAILED"
)

const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// apiCreateChangeSet begins to compare a stack with what it is to be. What is wrong with the request itself is
// refused at once, and the comparison takes a while. Only stacks that there are have change sets here.
func (e *Engine) apiCreateChangeSet(ctx context.Context, call endpoint.Call) (any, error) {
	text := func(name string) string { s, _ := call.Params[name].(string); return s }
	r := requestOf(call)
	r.token = "" // its token is the change set's, not an update's
	name, token := text("ChangeSetName"), text("ClientToken")
	if refused := constraint.ChangeSet(&name); refused != nil {
		return nil, endpoint.Refused(refused)
	}
	if kind := text("ChangeSetType"); kind != "" && kind != "UPDATE" {
		return nil, validation("The local cloud makes change sets of type UPDATE only.")
	}
	if strings.HasPrefix(r.name, "arn:") {
		_, rest, _ := strings.Cut(r.name, ":stack/")
		r.name, _, _ = strings.Cut(rest, "/")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	s, err := e.mayUpdate(r.name, "")
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	to, err := e.designOf(ctx, r, s)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if there := s.changeSet(name); there != nil {
		if token != "" && there.token == token {
			return map[string]any{"Id": there.id, "StackId": s.id}, nil
		}
		return nil, &endpoint.Error{Code: "AlreadyExistsException", Message: fmt.Sprintf("ChangeSet %s cannot be created due to a mismatch with existing attribute Name", name)}
	}
	set := &changeSet{
		id:   strings.Replace(e.newStackID(name), ":stack/", ":changeSet/", 1),
		name: name, description: text("Description"), token: token, to: to, capabilities: r.capabilities, made: e.config.Now(),
		status: createPending, execution: unavailable,
	}
	s.changeSets = append(s.changeSets, set)
	e.running.Go(func() { e.compare(s, set) })
	return map[string]any{"Id": set.id, "StackId": s.id}, nil
}

// compare makes a change set.
func (e *Engine) compare(s *stack, set *changeSet) {
	for _, next := range []status{createInProgress, createComplete} {
		select {
		case <-e.ctx.Done():
			return
		case <-time.After(e.config.ChangeSet / 2):
		}
		if next != createComplete {
			e.mu.Lock()
			set.status = next
			e.mu.Unlock()
		}
	}
	planned, err := e.plan(s, set.to)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil:
		set.status, set.reason = failed, err.Error()
	case planned.nothing():
		set.status, set.reason = failed, noChanges
	default:
		set.status, set.changes = createComplete, planned.shown(s.design, set.to)
		if set.execution == unavailable { // else the stack was updated meanwhile
			set.execution = available
		}
	}
}

// apiExecuteChangeSet carries a change set out. The stack's other ones are deleted: they are about what it was.
func (e *Engine) apiExecuteChangeSet(_ context.Context, call endpoint.Call) (any, error) {
	token, _ := call.Params["ClientRequestToken"].(string)
	if kept, _ := call.Params["DisableRollback"].(string); kept == "true" {
		return nil, validation("The local cloud rolls back every update that fails.")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, set, err := e.changeSetOf(call)
	if err != nil {
		return nil, err
	}
	if token != "" && set.executed == token {
		return map[string]any{}, nil
	}
	if set.status != createComplete || set.execution != available {
		is := string(set.execution)
		if set.status != createComplete {
			is = string(set.status)
		}
		return nil, &endpoint.Error{Code: "InvalidChangeSetStatus", Message: fmt.Sprintf("ChangeSet [%s] cannot be executed in its current status of [%s]", set.id, is)}
	}
	if _, err := e.mayUpdate(s.id, ""); err != nil {
		return nil, err
	}
	set.execution, set.executed = executeInProgress, token
	s.changeSets = []*changeSet{set}
	e.startUpdate(s, set.to, token)
	e.start(s, func(context.Context) { // after the update
		e.mu.Lock()
		defer e.mu.Unlock()
		if set.execution = executeFailed; s.status == updateComplete {
			set.execution = executeComplete
		}
	})
	return map[string]any{}, nil
}

// outdate makes a stack's change sets obsolete that are not the update which is begun. The lock is held.
func (s *stack) outdate() {
	for _, set := range s.changeSets {
		if set.execution == available || set.execution == unavailable {
			set.execution = obsolete
		}
	}
}

func (e *Engine) apiDeleteChangeSet(_ context.Context, call endpoint.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, set, err := e.changeSetOf(call)
	if s == nil {
		return nil, err
	}
	if set == nil {
		return map[string]any{}, nil // deleting what is gone is no error
	}
	if set.execution == executeInProgress || set.status == createInProgress || set.status == createPending {
		return nil, &endpoint.Error{Code: "InvalidChangeSetStatus", Message: fmt.Sprintf("ChangeSet [%s] cannot be deleted in its current status of [%s]", set.id, set.status)}
	}
	s.changeSets = slices.DeleteFunc(s.changeSets, func(other *changeSet) bool { return other == set })
	return map[string]any{}, nil
}

// changeSetOf finds the change set that a call names, by its name and its stack or by its ARN. The lock is held.
func (e *Engine) changeSetOf(call endpoint.Call) (*stack, *changeSet, error) {
	name, _ := call.Params["ChangeSetName"].(string)
	stackName, _ := call.Params["StackName"].(string)
	if strings.HasPrefix(name, "arn:") {
		for _, s := range e.stacks {
			if set := s.changeSet(name); set != nil {
				return s, set, nil
			}
		}
	} else if stackName == "" {
		return nil, nil, validation("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	s := e.find(stackName)
	if s == nil && stackName != "" {
		return nil, nil, validation("Stack [%s] does not exist", stackName)
	}
	if s != nil {
		if set := s.changeSet(name); set != nil {
			return s, set, nil
		}
	}
	return s, nil, &endpoint.Error{Code: "ChangeSetNotFound", Status: 404, Message: fmt.Sprintf("ChangeSet [%s] does not exist", name)}
}

// changeSet finds a change set of a stack by its name or ARN; nil if there is none.
func (s *stack) changeSet(nameOrID string) *changeSet {
	for _, set := range s.changeSets {
		if set.name == nameOrID || set.id == nameOrID {
			return set
		}
	}
	return nil
}
