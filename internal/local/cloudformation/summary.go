package cloudformation

import (
	"context"
	"maps"
	"slices"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/endpoint"
)

// apiGetTemplateSummary answers what a template declares: that of a request, or that of a stack.
func (e *Engine) apiGetTemplateSummary(ctx context.Context, call endpoint.Call) (any, error) {
	r := requestOf(call)
	given := 0
	for _, text := range []string{r.name, r.body, r.url} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return nil, validation("Only one of StackName, TemplateBody and TemplateURL can be specified.")
	}
	document, err := e.documentOf(ctx, r)
	if err != nil {
		return nil, err
	}
	t, err := template.Parse(document)
	if err != nil {
		return nil, validation("Template format error: %v", err)
	}
	parameters := []any{}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		declared := map[string]any{"ParameterKey": name, "ParameterType": t.Parameters[name].Type, "NoEcho": false, "ParameterConstraints": map[string]any{}}
		if fallback := t.Parameters[name].Default; fallback != nil {
			declared["DefaultValue"] = template.Text(fallback)
		}
		parameters = append(parameters, declared)
	}
	var types []string
	for _, r := range t.Resources {
		types = append(types, r.Type)
	}
	slices.Sort(types)
	resourceTypes := []any{}
	for _, name := range slices.Compact(types) {
		resourceTypes = append(resourceTypes, name)
	}
	return map[string]any{"Parameters": parameters, "ResourceTypes": resourceTypes}, nil
}

// documentOf is the template of a request, or that of the stack that it names.
func (e *Engine) documentOf(ctx context.Context, r request) ([]byte, error) {
	if r.name == "" {
		return e.document(ctx, r)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(r.name)
	if s == nil {
		return nil, validation("Stack with id %s does not exist", r.name)
	}
	return s.design.document, nil
}
