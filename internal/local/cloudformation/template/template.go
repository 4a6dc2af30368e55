// Package template reads CloudFormation templates in JSON and evaluates their intrinsic functions.
package template

import (
	"encoding/json"
	"fmt"
)

// Template is a parsed template. Values that may hold intrinsic functions are kept as decoded JSON.
type Template struct {
	Parameters map[string]Parameter
	Mappings   map[string]map[string]map[string]any
	Conditions map[string]any
	Resources  map[string]Resource
	Outputs    map[string]Output
}

// Parameter is a declared parameter.
type Parameter struct {
	Type          string
	Default       any // nil: a value must be given
	AllowedValues []any
}

// Resource is a declared resource.
type Resource struct {
	Type           string
	Properties     map[string]any
	Condition      string // name of a condition, or empty
	DependsOn      names
	DeletionPolicy string // "Delete", "Retain", "RetainExceptOnCreate", "Snapshot"; empty is Delete
	// UpdateReplacePolicy is what becomes of the old resource when an update takes a new one in its place.
	UpdateReplacePolicy string // "Delete", "Retain", "Snapshot"; empty is Delete
}

// Output is a declared output.
type Output struct {
	Value       any
	Description string
	Condition   string
}

// names reads one name as a list of one.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*n = many
		return nil
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*n = names{one}
	return nil
}

// Parse reads a template and checks that everything it refers to is declared in it.
func Parse(document []byte) (*Template, error) {
	var t Template
	if err := json.Unmarshal(document, &t); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if len(t.Resources) == 0 {
		return nil, fmt.Errorf("parse template: at least one Resources member must be defined")
	}
	for id := range t.Resources {
		for _, reference := range t.references(id) {
			_, parameter := t.Parameters[reference]
			_, resource := t.Resources[reference]
			if !parameter && !resource {
				return nil, fmt.Errorf("parse template: unresolved resource dependency [%s] in resource %s", reference, id)
			}
		}
	}
	if _, err := t.Order(); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	return &t, nil
}
