package cloudformation

import (
	"context"
	"slices"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/endpoint"
)

func (e *Engine) apiUpdateStack(ctx context.Context, call endpoint.Call) (any, error) {
	r := requestOf(call)
	if r.onFailure == "DO_NOTHING" {
		return nil, validation("The local cloud rolls back every update that fails.")
	}
	s, err := e.updateStack(ctx, r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"StackId": s.id}, nil
}

// updateStack checks a request and starts updating the stack. The same request again (by its token) does
// nothing.
func (e *Engine) updateStack(ctx context.Context, r request) (*stack, error) {
	e.mu.Lock()
	if s := e.find(r.name); s != nil { // which may be called by its ID, too
		r.name = s.name
	}
	e.mu.Unlock()
	if err := r.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	s, err := e.mayUpdate(r.name, r.token)
	e.mu.Unlock()
	if err != nil || s.answered(r.token) {
		return s, err
	}
	to, err := e.designOf(ctx, r, s)
	if err != nil {
		return nil, err
	}
	planned, err := e.plan(s, to)
	if err != nil {
		return nil, err
	}
	if planned.nothing() {
		return nil, validation("No updates are to be performed.")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, err := e.mayUpdate(r.name, r.token); err != nil || s.answered(r.token) {
		return s, err // another request came first while the template was read
	}
	e.startUpdate(s, to, r.token)
	return s, nil
}

// answered reports whether an update was asked for with this token before.
func (s *stack) answered(token string) bool { return token != "" && slices.Contains(s.updates, token) }

// mayUpdate finds the stack that is to be updated, unless it can't be now. The lock is held.
func (e *Engine) mayUpdate(name, token string) (*stack, error) {
	s := e.find(name)
	if s == nil || s.status == deleteComplete {
		return nil, validation("Stack [%s] does not exist", name)
	}
	if s.answered(token) {
		return s, nil
	}
	if status := s.status; s.deleting || !status.updatable() {
		if s.deleting {
			status = deleteInProgress
		}
		return nil, validation("Stack:%s is in %s state and can not be updated.", s.id, status)
	}
	return s, nil
}

// startUpdate begins an update. The lock is held.
func (e *Engine) startUpdate(s *stack, to design, token string) {
	from := s.design
	s.design, s.status, s.reason, s.token = to, updateInProgress, "User Initiated", token
	s.updated, s.updates = e.config.Now(), append(s.updates, token)
	s.outdate()
	e.start(s, func(ctx context.Context) { e.update(ctx, s, from) })
}

// sameType refuses a design that has a resource of another type under a logical id that there is.
func sameType(from, to *template.Template) error {
	var changed []string
	for id, declared := range to.Resources {
		if there, ok := from.Resources[id]; ok && there.Type != declared.Type {
			changed = append(changed, id)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.Sort(changed)
	return validation("Update of resource type is not permitted. The new template modifies resource type of the following resources: %v", changed)
}
