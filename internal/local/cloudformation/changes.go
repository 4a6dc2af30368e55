package cloudformation

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/endpoint"
)

func (e *Engine) apiDescribeChangeSet(_ context.Context, call endpoint.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, set, err := e.changeSetOf(call)
	if err != nil {
		return nil, err
	}
	answer := paged(call, "Changes", set.changes)
	maps.Copy(answer, set.summary(s))
	answer["Parameters"] = keyed(set.to.given, "ParameterKey", "ParameterValue")
	answer["Tags"] = keyed(set.to.tags, "Key", "Value")
	capabilities := []any{}
	for _, c := range set.capabilities {
		capabilities = append(capabilities, c)
	}
	answer["Capabilities"] = capabilities
	return answer, nil
}

func (e *Engine) apiListChangeSets(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["StackName"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(name)
	if s == nil {
		return nil, validation("Stack [%s] does not exist", name)
	}
	list := []any{}
	for _, set := range s.changeSets {
		list = append(list, set.summary(s))
	}
	return paged(call, "Summaries", list), nil
}

// summary is a change set without its changes. The engine's lock is held.
func (c *changeSet) summary(s *stack) map[string]any {
	summary := map[string]any{
		"ChangeSetId": c.id, "ChangeSetName": c.name, "StackId": s.id, "StackName": s.name, "CreationTime": c.made,
		"Status": string(c.status), "ExecutionStatus": string(c.execution), "IncludeNestedStacks": false,
	}
	if c.description != "" {
		summary["Description"] = c.description
	}
	if c.reason != "" {
		summary["StatusReason"] = c.reason
	}
	return summary
}

// shown are the changes of a plan as DescribeChangeSet answers them (AWS CloudFormation API Reference,
// "ResourceChange").
func (p plan) shown(from, to design) []any {
	list := []any{}
	for _, c := range p.changes {
		resource := map[string]any{"Action": c.action, "LogicalResourceId": c.id, "ResourceType": c.resource.Type}
		if id := c.resource.PhysicalID; id != "" {
			resource["PhysicalResourceId"] = id
		}
		policy := from.template.Resources[c.id].DeletionPolicy
		scope, details := []any{}, []any{}
		switch c.action {
		case "Modify":
			replacement := c.replacement()
			resource["Replacement"] = replacement
			if replacement != "False" {
				resource["PolicyAction"] = "ReplaceAnd" + outcome(to.template.Resources[c.id].UpdateReplacePolicy)
			}
			if len(c.properties) > 0 {
				scope = append(scope, "Properties")
			}
			for _, name := range c.properties {
				details = append(details, c.causes(name, from, to)...)
			}
			if c.tags {
				scope = append(scope, "Tags")
				details = append(details, map[string]any{
					"Evaluation": "Static", "ChangeSource": "DirectModification",
					"Target": map[string]any{"Attribute": "Tags", "RequiresRecreation": "Never"},
				})
			}
		case "Remove":
			resource["PolicyAction"] = outcome(policy)
		}
		resource["Scope"], resource["Details"] = scope, details
		list = append(list, map[string]any{"Type": "Resource", "ResourceChange": resource})
	}
	return list
}

// outcome is what becomes of a resource by its policy.
func outcome(policy string) string {
	if keeps(policy, true) {
		return "Retain"
	}
	return "Delete"
}

// replacement is whether the change takes a new resource: "Conditional", if that depends on what is not known yet.
func (c change) replacement() string {
	replaced := c.replaced()
	switch {
	case len(replaced) == 0:
		return "False"
	case slices.ContainsFunc(replaced, func(name string) bool { return !slices.Contains(c.uncertain, name) }):
		return "True"
	}
	return "Conditional"
}

// causes are why a property changes, one detail each: another text in the template, a parameter with another value, or
// a resource that the property depends on.
func (c change) causes(property string, from, to design) []any {
	target := map[string]any{"Attribute": "Properties", "Name": property, "RequiresRecreation": "Never"}
	if c.schema.Replaces(property) {
		target["RequiresRecreation"] = "Always"
	}
	detail := func(source, evaluation, cause string) any {
		d := map[string]any{"ChangeSource": source, "Evaluation": evaluation, "Target": target}
		if cause != "" {
			d["CausingEntity"] = cause
		}
		return d
	}
	was, is := from.template.Resources[c.id].Properties[property], to.template.Resources[c.id].Properties[property]
	var details []any
	if !reflect.DeepEqual(was, is) {
		details = append(details, detail("DirectModification", "Static", ""))
	}
	for _, name := range to.template.Given(is) {
		if template.Text(from.parameters[name]) != template.Text(to.parameters[name]) {
			details = append(details, detail("ParameterReference", "Static", name))
		}
	}
	if slices.Contains(c.uncertain, property) {
		for _, id := range to.template.Mentions(is) {
			details = append(details, detail("ResourceReference", "Dynamic", id))
		}
	}
	if len(details) == 0 { // by a condition, or by what was changed behind the template
		details = append(details, detail("DirectModification", "Dynamic", ""))
	}
	return details
}
