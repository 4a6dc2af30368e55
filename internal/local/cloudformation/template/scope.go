package template

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Scope is what a template is evaluated in.
type Scope struct {
	Account, Region    string
	StackName, StackID string
	Parameters         map[string]any // resolved values by name: string, or []any for list types
	// Physical is what Ref of a created resource returns.
	Physical func(logicalID string) (string, bool)
	// Attribute is what Fn::GetAtt of a created resource returns.
	Attribute func(logicalID, attribute string) (any, bool)
}

// Lookup reads an SSM parameter's value by its name.
type Lookup func(ctx context.Context, name string) (string, error)

// Resolve gives each declared parameter its value: the given one, else the default. Values of SSM
// types are looked up, list types are split at commas. Missing, unknown and disallowed ones are
// errors in CloudFormation's words.
func (t *Template) Resolve(ctx context.Context, given map[string]string, lookup Lookup) (map[string]any, error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := t.Parameters[name]; !ok {
			return nil, refusal("Parameters: [%s] do not exist in the template", name)
		}
	}
	resolved := map[string]any{}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		text, ok := given[name]
		if !ok {
			if p.Default == nil {
				missing = append(missing, name)
				continue
			}
			text = Text(p.Default)
		}
		if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(v any) bool { return Text(v) == text }) {
			return nil, refusal("Parameter '%s' must be one of AllowedValues", name)
		}
		value, err := p.value(ctx, text, lookup)
		if err != nil {
			return nil, fmt.Errorf("resolve parameter %s: %w", name, err)
		}
		resolved[name] = value
	}
	if len(missing) > 0 {
		return nil, refusal("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	return resolved, nil
}

// refusal words an error as CloudFormation does, capital letters included.
func refusal(format string, args ...any) error { return fmt.Errorf(format, args...) }

// value turns a parameter's text into what Ref of it gives.
func (p Parameter) value(ctx context.Context, text string, lookup Lookup) (any, error) {
	kind, isParameter := strings.CutPrefix(p.Type, "AWS::SSM::Parameter::Value<")
	if isParameter {
		kind = strings.TrimSuffix(kind, ">")
		if lookup == nil {
			return nil, fmt.Errorf("parameter %s cannot be looked up", text)
		}
		found, err := lookup(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("look up %s: %w", text, err)
		}
		text = found
	}
	if kind != "CommaDelimitedList" && !strings.HasPrefix(kind, "List<") {
		return text, nil
	}
	list := []any{}
	for part := range strings.SplitSeq(text, ",") {
		list = append(list, strings.TrimSpace(part))
	}
	return list, nil
}

// pseudo returns the pseudo parameters, all but AWS::NoValue.
func (s Scope) pseudo(name string) (any, bool) {
	switch name {
	case "AWS::AccountId":
		return s.Account, true
	case "AWS::Region":
		return s.Region, true
	case "AWS::Partition":
		return "aws", true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	case "AWS::StackName":
		return s.StackName, true
	case "AWS::StackId":
		return s.StackID, true
	case "AWS::NotificationARNs":
		return []any{}, true
	default:
		return nil, false
	}
}
