package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/resource"

	"headroom/internal/local/cloudformation/template"
)

// status is a stack's or a resource's status, as CloudFormation names it.
type status string

const (
	createInProgress   status = "CREATE_IN_PROGRESS"
	createComplete     status = "CREATE_COMPLETE"
	createFailed       status = "CREATE_FAILED"
	rollbackInProgress status = "ROLLBACK_IN_PROGRESS"
	rollbackComplete   status = "ROLLBACK_COMPLETE"
	rollbackFailed     status = "ROLLBACK_FAILED"
	deleteInProgress   status = "DELETE_IN_PROGRESS"
	deleteComplete     status = "DELETE_COMPLETE"
	deleteFailed       status = "DELETE_FAILED"
	deleteSkipped      status = "DELETE_SKIPPED" // a resource that its deletion policy keeps

	updateInProgress                status = "UPDATE_IN_PROGRESS"
	updateCompleteCleanupInProgress status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	updateComplete                  status = "UPDATE_COMPLETE"
	updateFailed                    status = "UPDATE_FAILED"
	updateRollbackInProgress        status = "UPDATE_ROLLBACK_IN_PROGRESS"
	updateRollbackCleanupInProgress status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	updateRollbackComplete          status = "UPDATE_ROLLBACK_COMPLETE"
	updateRollbackFailed            status = "UPDATE_ROLLBACK_FAILED"
)

// updatable reports whether a stack in this state can be updated.
func (s status) updatable() bool {
	return s == createComplete || s == updateComplete || s == updateRollbackComplete
}

// updating reports whether a stack in this state is being updated.
func (s status) updating() bool {
	switch s {
	case updateInProgress, updateCompleteCleanupInProgress, updateRollbackInProgress, updateRollbackCleanupInProgress:
		return true
	default:
		return false
	}
}

// design is what a stack is made by, and what an update changes.
type design struct {
	document   []byte
	template   *template.Template
	given      map[string]string // parameters as they were given, or their defaults
	parameters map[string]any    // resolved
	tags       map[string]string
	role       string   // ARN of the service role, or empty
	order      []string // logical ids whose condition holds, each after those it depends on
}

// stack is a stack and all that is known of it. The engine's lock guards what changes.
type stack struct {
	design
	id, name   string
	onFailure  string
	protected  bool
	failReason string // non-empty: it was chosen to fail
	createdBy  string // client request token of CreateStack

	token          string // client request token of the operation under way
	status         status
	reason         string
	created, ended time.Time
	updated        time.Time // zero: never
	records        map[string]*record
	made           map[string]int      // how many resources were made, by logical id
	kept           []resource.Resource // that updates took out of it, and their policies keep
	outputs        []output
	events         []event
	completed      bool // its creation completed once
	deleting       bool
	deletions      []string      // tokens with which its deletion was asked for
	updates        []string      // tokens with which updates were asked for
	changeSets     []*changeSet  // in the order of their making
	idle           chan struct{} // closed when the last operation started is over
}

// record is a resource of a stack.
type record struct {
	resource   resource.Resource
	attributes map[string]any
	status     status
	reason     string
	updated    time.Time
}

// exists reports whether the resource was made and not deleted.
func (r *record) exists() bool {
	switch r.status {
	case createComplete, updateInProgress, updateComplete, updateFailed, deleteFailed, deleteSkipped, deleteInProgress:
		return true
	default:
		return false
	}
}

type output struct{ key, value, description string }

// event is one line of a stack's log.
type event struct {
	id, logicalID, physicalID, resourceType, status, reason string
	at                                                      time.Time
}

func (s *stack) log(at time.Time, logicalID, physicalID, resourceType, to, reason string) {
	s.events = append(s.events, event{
		id: s.name + "-" + strconv.Itoa(len(s.events)+1), logicalID: logicalID, physicalID: physicalID,
		resourceType: resourceType, status: to, reason: reason, at: at,
	})
}

// scope is what the stack's template is evaluated in, with what is there by now. The functions in it
// take the engine's lock.
func (e *Engine) scope(s *stack) template.Scope {
	return template.Scope{
		Account: e.config.Account, Region: e.config.Region, StackName: s.name, StackID: s.id, Parameters: s.parameters,
		Physical: func(id string) (string, bool) {
			e.mu.Lock()
			defer e.mu.Unlock()
			r, ok := s.records[id]
			if !ok || !r.exists() {
				return "", false
			}
			return r.resource.PhysicalID, true
		},
		Attribute: func(id, name string) (any, bool) {
			e.mu.Lock()
			defer e.mu.Unlock()
			r, ok := s.records[id]
			if !ok || !r.exists() {
				return nil, false
			}
			v, ok := r.attributes[name]
			return v, ok
		},
	}
}

// listed are the logical ids of what a stack has records of: those of its template first, then what an
// update is about to take away. The engine's lock is held.
func (s *stack) listed() []string {
	list := slices.Clone(s.order)
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		if !slices.Contains(s.order, id) {
			list = append(list, id)
		}
	}
	return slices.DeleteFunc(list, func(id string) bool { return s.records[id] == nil })
}

// present lists the resources whose conditions hold, in order of dependency.
func present(t *template.Template, scope template.Scope) ([]string, error) {
	order, err := t.Order()
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, id := range order {
		holds, err := t.Holds(scope, t.Resources[id].Condition)
		if err != nil {
			return nil, fmt.Errorf("evaluate condition of %s: %w", id, err)
		}
		if holds {
			kept = append(kept, id)
		}
	}
	return kept, nil
}

// evaluateOutputs gives the stack its outputs once everything is there.
func (e *Engine) evaluateOutputs(s *stack) error {
	scope := e.scope(s)
	var outputs []output
	for name, o := range s.template.Outputs {
		holds, err := s.template.Holds(scope, o.Condition)
		if err != nil {
			return err
		}
		if !holds {
			continue
		}
		value, err := s.template.Evaluate(scope, o.Value)
		if err != nil {
			return fmt.Errorf("evaluate output %s: %w", name, err)
		}
		outputs = append(outputs, output{name, template.Text(value), o.Description})
	}
	slices.SortFunc(outputs, func(a, b output) int { return strings.Compare(a.key, b.key) })
	e.mu.Lock()
	defer e.mu.Unlock()
	s.outputs = outputs
	return nil
}

// wait lets time pass, or ends with the context.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
