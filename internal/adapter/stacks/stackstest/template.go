package stackstest

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// template is as much of one as makes a difference here. A resource's condition is an equality of a parameter and a
// word: {"Fn::Equals": [{"Ref": "Parameter"}, "word"]}.
type template struct {
	Parameters map[string]struct{ Default *string }
	Conditions map[string]map[string][]any
	Resources  map[string]struct {
		Type, Condition string
		Properties      map[string]any
		Metadata        map[string]any
	}
}

// declaring is a template with these parameters, and no defaults.
func declaring(parameters map[string]string) template {
	t := template{Parameters: map[string]struct{ Default *string }{}}
	for key := range parameters {
		t.Parameters[key] = struct{ Default *string }{}
	}
	return t
}

func invalid(message string) error {
	return &smithy.GenericAPIError{Code: "ValidationError", Message: message}
}

// read reads a template by its URL or its body. The caller holds the lock.
func (f *CloudFormation) read(url, body *string) (template, error) {
	text := aws.ToString(body)
	if url != nil {
		var there bool
		if text, there = f.Templates[*url]; !there {
			return template{}, invalid("S3 error: The specified key does not exist.")
		}
	}
	var t template
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return template{}, invalid("Template format error: " + err.Error())
	}
	return t, nil
}

// GetTemplateSummary is CloudFormation's, of a template's parameters.
func (f *CloudFormation) GetTemplateSummary(ctx context.Context, in *cloudformation.GetTemplateSummaryInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateSummaryOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.read(in.TemplateURL, in.TemplateBody)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.GetTemplateSummaryOutput{}
	for _, key := range slices.Sorted(maps.Keys(t.Parameters)) {
		out.Parameters = append(out.Parameters, types.ParameterDeclaration{ParameterKey: aws.String(key), DefaultValue: t.Parameters[key].Default})
	}
	return out, nil
}

// has reports whether a resource is made with these parameters.
func (t template) has(id string, parameters map[string]string) bool {
	r, there := t.Resources[id]
	if !there {
		return false
	}
	sides := t.Conditions[r.Condition]["Fn::Equals"]
	if len(sides) != 2 {
		return true
	}
	ref, _ := sides[0].(map[string]any)
	name, _ := ref["Ref"].(string)
	return parameters[name] == sides[1]
}

// resolve is a property with the values of the parameters that it refers to.
func resolve(value any, parameters map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		if name, ok := v["Ref"].(string); ok && len(v) == 1 {
			if is, ok := parameters[name]; ok {
				return is
			}
		}
		to := map[string]any{}
		for key, inner := range v {
			to[key] = resolve(inner, parameters)
		}
		return to
	case []any:
		var to []any
		for _, inner := range v {
			to = append(to, resolve(inner, parameters))
		}
		return to
	}
	return value
}

// difference is what comes of a stack's resources by a change. Whether one is replaced is told as AWS does where it can't
// know.
func difference(from, to template, was, is map[string]string) []types.Change {
	ids := slices.Collect(maps.Keys(from.Resources))
	ids = slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(ids, maps.Keys(to.Resources)))))
	var changes []types.Change
	for _, id := range ids {
		before, after := from.has(id, was), to.has(id, is)
		change := types.ResourceChange{LogicalResourceId: aws.String(id)}
		switch {
		case before && after:
			change.ResourceType = aws.String(to.Resources[id].Type)
			if !reflect.DeepEqual(resolve(from.Resources[id].Properties, was), resolve(to.Resources[id].Properties, is)) {
				change.Scope = append(change.Scope, types.ResourceAttributeProperties)
			}
			if !reflect.DeepEqual(from.Resources[id].Metadata, to.Resources[id].Metadata) {
				change.Scope = append(change.Scope, types.ResourceAttributeMetadata)
			}
			if len(change.Scope) == 0 {
				continue
			}
			change.Action, change.Replacement = types.ChangeActionModify, types.ReplacementConditional
			if !slices.Contains(change.Scope, types.ResourceAttributeProperties) {
				change.Replacement = types.ReplacementFalse
			}
		case before:
			change.Action, change.ResourceType = types.ChangeActionRemove, aws.String(from.Resources[id].Type)
		case after:
			change.Action, change.ResourceType = types.ChangeActionAdd, aws.String(to.Resources[id].Type)
		default:
			continue
		}
		changes = append(changes, types.Change{Type: types.ChangeTypeResource, ResourceChange: &change})
	}
	return changes
}
