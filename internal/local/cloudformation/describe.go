package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"headroom/internal/local/endpoint"
)

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
	if !s.updated.IsZero() {
		d["LastUpdatedTime"] = s.updated
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
	for _, id := range s.listed() {
		r := s.records[id]
		resources = append(resources, map[string]any{
			"StackId": s.id, "StackName": s.name, "LogicalResourceId": id, "PhysicalResourceId": r.resource.PhysicalID,
			"ResourceType": r.resource.Type, "ResourceStatus": string(r.status), "ResourceStatusReason": r.reason,
			"Timestamp": r.updated,
		})
	}
	return map[string]any{"StackResources": resources}, nil
}

// apiGetTemplate answers the template as it was given; nothing here transforms one.
func (e *Engine) apiGetTemplate(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(name)
	if s == nil {
		return nil, validation("Stack with id %s does not exist", name)
	}
	return map[string]any{"TemplateBody": string(s.document), "StagesAvailable": []any{"Original", "Processed"}}, nil
}
