package cloudformation

import (
	"context"
	"fmt"
	"slices"

	"headroom/internal/local/endpoint"
)

// Service is the CloudFormation API: the operations in use.
func (e *Engine) Service() endpoint.Service {
	return endpoint.Service{Name: "cloudformation", Operations: map[string]endpoint.Operation{
		"CreateStack":            e.apiCreateStack,
		"UpdateStack":            e.apiUpdateStack,
		"DeleteStack":            e.apiDeleteStack,
		"GetTemplate":            e.apiGetTemplate,
		"GetTemplateSummary":     e.apiGetTemplateSummary,
		"DescribeStacks":         e.apiDescribeStacks,
		"DescribeStackEvents":    e.apiDescribeStackEvents,
		"DescribeStackResources": e.apiDescribeStackResources,
		"ListStacks":             e.apiListStacks,
		"ListStackResources":     e.apiListStackResources,
		"CreateChangeSet":        e.apiCreateChangeSet,
		"DescribeChangeSet":      e.apiDescribeChangeSet,
		"ExecuteChangeSet":       e.apiExecuteChangeSet,
		"DeleteChangeSet":        e.apiDeleteChangeSet,
		"ListChangeSets":         e.apiListChangeSets,
	}}
}

func validation(format string, args ...any) error {
	return &endpoint.Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

func (e *Engine) apiCreateStack(ctx context.Context, call endpoint.Call) (any, error) {
	r := requestOf(call)
	r.previousTemplate = false // it has none
	s, err := e.createStack(ctx, r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"StackId": s.id}, nil
}

// createStack checks a request and starts making the stack. The same request again (by its token)
// returns the stack that the first one made.
func (e *Engine) createStack(ctx context.Context, r request) (*stack, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	known, err := e.known(r)
	e.mu.Unlock()
	if known != nil || err != nil {
		return known, err
	}
	s := &stack{
		id: e.newStackID(r.name), name: r.name, onFailure: r.onFailure, protected: r.protected, token: r.token, createdBy: r.token,
		status: createInProgress, created: e.config.Now(), records: map[string]*record{}, made: map[string]int{},
	}
	if s.design, err = e.designOf(ctx, r, s); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, err := e.known(r); known != nil || err != nil {
		return known, err // another request came first while the template was read
	}
	if err := e.underQuota(); err != nil {
		return nil, err
	}
	s.failReason = e.takeFailure(s.name)
	e.stacks[s.id] = s
	e.start(s, func(ctx context.Context) { e.create(ctx, s) })
	return s, nil
}

// underQuota refuses one more stack than the account may have. The lock is held.
func (e *Engine) underQuota() error {
	if e.config.Most == nil {
		return nil
	}
	there, most := 0, e.config.Most()
	for _, s := range e.stacks {
		if s.status != deleteComplete {
			there++
		}
	}
	if there < most {
		return nil
	}
	return &endpoint.Error{Code: "LimitExceededException", Message: fmt.Sprintf("Limit for stack has been exceeded: %d", most)}
}

// known finds the stack of a repeated request. Another stack of that name is an error. The lock is
// held.
func (e *Engine) known(r request) (*stack, error) {
	s := e.find(r.name)
	if s == nil {
		return nil, nil
	}
	if r.token != "" && r.token == s.createdBy {
		return s, nil
	}
	return nil, &endpoint.Error{Code: "AlreadyExistsException", Message: fmt.Sprintf("Stack [%s] already exists", r.name)}
}

func (e *Engine) apiDeleteStack(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	token, _ := call.Params["ClientRequestToken"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(name)
	if s == nil || s.status == deleteComplete || s.deleting {
		return nil, nil // deleting what is gone, or going, is no error
	}
	if token != "" && slices.Contains(s.deletions, token) {
		return nil, nil // the request was answered before, and nothing is done
	}
	if s.status.updating() {
		return nil, validation("Stack [%s] cannot be deleted while in status %s", s.id, s.status)
	}
	if s.protected {
		return nil, validation("Stack [%s] cannot be deleted while TerminationProtection is enabled", s.name)
	}
	s.deleting = true
	s.token, s.deletions = token, append(s.deletions, token)
	e.start(s, func(ctx context.Context) { e.remove(ctx, s) })
	return nil, nil
}
