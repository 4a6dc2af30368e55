package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
)

// Service is the CloudFormation API: the operations in use.
func (e *Engine) Service() endpoint.Service {
	return endpoint.Service{Name: "cloudformation", Operations: map[string]endpoint.Operation{
		"CreateStack":            e.apiCreateStack,
		"DeleteStack":            e.apiDeleteStack,
		"DescribeStacks":         e.apiDescribeStacks,
		"DescribeStackEvents":    e.apiDescribeStackEvents,
		"DescribeStackResources": e.apiDescribeStackResources,
		"ListStacks":             e.apiListStacks,
		"ListStackResources":     e.apiListStackResources,
	}}
}

func validation(format string, args ...any) error {
	return &endpoint.Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// createRequest are the parameters of CreateStack.
type createRequest struct {
	caller                                  string // ARN of the principal; empty for the account's owner
	name, body, url, token, role, onFailure string
	parameters, tags                        map[string]string
	capabilities                            []string
	protected                               bool
}

func (e *Engine) apiCreateStack(ctx context.Context, call endpoint.Call) (any, error) {
	text := func(name string) string { s, _ := call.Params[name].(string); return s }
	r := createRequest{
		caller: call.Principal,
		name:   text("StackName"), body: text("TemplateBody"), url: text("TemplateURL"), token: text("ClientRequestToken"),
		role: text("RoleARN"), onFailure: text("OnFailure"), protected: text("EnableTerminationProtection") == "true",
		parameters: pairs(call.Params["Parameters"], "ParameterKey", "ParameterValue"),
		tags:       pairs(call.Params["Tags"], "Key", "Value"),
	}
	capabilities, _ := call.Params["Capabilities"].([]any)
	for _, c := range capabilities {
		r.capabilities = append(r.capabilities, template.Text(c))
	}
	if text("DisableRollback") == "true" {
		r.onFailure = "DO_NOTHING"
	}
	s, err := e.createStack(ctx, r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"StackId": s.id}, nil
}

// pairs folds a list of named values.
func pairs(list any, key, value string) map[string]string {
	folded := map[string]string{}
	elements, _ := list.([]any)
	for _, element := range elements {
		if m, ok := element.(map[string]any); ok {
			folded[template.Text(m[key])] = template.Text(m[value])
		}
	}
	return folded
}

// createStack checks a request and starts making the stack. The same request again (by its token)
// returns the stack that the first one made.
func (e *Engine) createStack(ctx context.Context, r createRequest) (*stack, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	known, err := e.known(r)
	e.mu.Unlock()
	if known != nil || err != nil {
		return known, err
	}
	if r.role != "" && e.config.Roles != nil {
		// CloudFormation assumes the role on behalf of the account.
		source := iam.Context{"aws:SourceAccount": {e.config.Account}}
		if err := e.config.Roles.MayAssume("cloudformation.amazonaws.com", r.role, source); err != nil {
			return nil, validation("Role %s is invalid or cannot be assumed", r.role)
		}
	}
	document, err := e.document(ctx, r)
	if err != nil {
		return nil, err
	}
	parsed, err := template.Parse(document)
	if err != nil {
		return nil, validation("Template format error: %v", err)
	}
	if err := r.mayMake(parsed); err != nil {
		return nil, err
	}
	if err := e.knows(parsed); err != nil {
		return nil, err
	}
	resolved, err := parsed.Resolve(ctx, r.parameters, e.lookupFor(r))
	if err != nil {
		return nil, validation("%v", err)
	}
	s := &stack{
		id: e.newStackID(r.name), name: r.name, template: parsed, given: r.parameters, parameters: resolved,
		tags: r.tags, role: r.role, onFailure: r.onFailure, protected: r.protected, token: r.token, createdBy: r.token,
		status: createInProgress, created: e.config.Now(), records: map[string]*record{},
	}
	if s.order, err = present(parsed, e.scope(s)); err != nil {
		return nil, validation("Template error: %v", err)
	}
	if len(s.order) == 0 {
		return nil, validation("Template error: no resource's condition holds")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, err := e.known(r); known != nil || err != nil {
		return known, err // another request came first while the template was read
	}
	s.failReason = e.takeFailure(s.name)
	e.stacks[s.id] = s
	e.start(s, func(ctx context.Context) { e.create(ctx, s) })
	return s, nil
}

// known finds the stack of a repeated request. Another stack of that name is an error. The lock is
// held.
func (e *Engine) known(r createRequest) (*stack, error) {
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
	if s.protected {
		return nil, validation("Stack [%s] cannot be deleted while TerminationProtection is enabled", s.name)
	}
	s.deleting = true
	s.token, s.deletions = token, append(s.deletions, token)
	e.start(s, func(ctx context.Context) { e.remove(ctx, s) })
	return nil, nil
}

func (e *Engine) apiDescribeStacks(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	found := e.all()
	if name != "" {
		s := e.find(name)
		if s == nil {
			return nil, validation("Stack with id %s does not exist", name)
		}
		found = []*stack{s}
	}
	described := make([]any, len(found))
	for i, s := range found {
		described[i] = s.describe()
	}
	return map[string]any{"Stacks": described}, nil
}

// describe is a stack as DescribeStacks shows it. The engine's lock is held.
func (s *stack) describe() map[string]any {
	d := map[string]any{
		"StackId": s.id, "StackName": s.name, "StackStatus": string(s.status), "CreationTime": s.created,
		"DisableRollback": s.onFailure == "DO_NOTHING", "EnableTerminationProtection": s.protected,
		"Parameters": keyed(s.given, "ParameterKey", "ParameterValue"), "Tags": keyed(s.tags, "Key", "Value"),
	}
	if s.reason != "" {
		d["StackStatusReason"] = s.reason
	}
	if s.role != "" {
		d["RoleARN"] = s.role
	}
	if !s.ended.IsZero() {
		d["DeletionTime"] = s.ended
	}
	outputs := make([]any, len(s.outputs))
	for i, o := range s.outputs {
		output := map[string]any{"OutputKey": o.key, "OutputValue": o.value}
		if o.description != "" {
			output["Description"] = o.description
		}
		outputs[i] = output
	}
	d["Outputs"] = outputs
	return d
}

func keyed(m map[string]string, key, value string) []any {
	list := []any{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, map[string]any{key: k, value: m[k]})
	}
	return list
}

// eventsPage is how many events an answer to DescribeStackEvents holds.
const eventsPage = 100

func (e *Engine) apiDescribeStackEvents(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(name)
	if s == nil {
		return nil, validation("Stack [%s] does not exist", name)
	}
	token, _ := call.Params["NextToken"].(string)
	from, _ := strconv.Atoi(token) // no token: from the newest on
	to := min(from+eventsPage, len(s.events))
	page := slices.Clone(s.events)
	slices.Reverse(page)
	events := []any{}
	for _, v := range page[min(from, to):to] {
		events = append(events, map[string]any{
			"EventId": v.id, "StackId": s.id, "StackName": s.name, "LogicalResourceId": v.logicalID,
			"PhysicalResourceId": v.physicalID, "ResourceType": v.resourceType, "ResourceStatus": v.status,
			"ResourceStatusReason": v.reason, "Timestamp": v.at,
		})
	}
	answer := map[string]any{"StackEvents": events}
	if to < len(s.events) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}

func (e *Engine) apiDescribeStackResources(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(name)
	if s == nil {
		return nil, validation("Stack with id %s does not exist", name)
	}
	resources := []any{}
	for _, id := range s.order {
		r := s.records[id]
		if r == nil {
			continue
		}
		resources = append(resources, map[string]any{
			"StackId": s.id, "StackName": s.name, "LogicalResourceId": id, "PhysicalResourceId": r.resource.PhysicalID,
			"ResourceType": r.resource.Type, "ResourceStatus": string(r.status), "ResourceStatusReason": r.reason,
			"Timestamp": r.updated,
		})
	}
	return map[string]any{"StackResources": resources}, nil
}
