package cloudformation

import (
	"maps"
	"reflect"
	"slices"

	"headroom/internal/local/resource"
)

// plan is what an update would do.
type plan struct {
	changes []change // in the order of the new template, then what goes
	others  bool     // tags or outputs change
}

func (p plan) nothing() bool { return len(p.changes) == 0 && !p.others }

// change is what an update does to one resource.
type change struct {
	action     string // "Add", "Modify" or "Remove", as a change set has it
	id         string
	resource   resource.Resource // as it is; one that is added has a type only
	properties []string          // of a "Modify"
	tags       bool              // its stack's tags change, which it bears
	uncertain  []string          // those of the properties that depend on resources that the update makes
	schema     resource.Schema
}

// replaced are the properties that take a new resource, if they change.
func (c change) replaced() []string {
	return slices.DeleteFunc(slices.Clone(c.properties), func(name string) bool { return !c.schema.Replaces(name) })
}

// namesake reports whether the new resource would have the old one's name.
func (c change) namesake() bool {
	return c.schema.Name != "" && c.resource.Properties[c.schema.Name] != nil && !slices.Contains(c.properties, c.schema.Name)
}

// difference compares a resource as it is with what it is to be. What nothing here can update has no schema.
func (e *Engine) difference(is, toBe resource.Resource) change {
	c := change{action: "Modify", id: is.LogicalID, resource: is, properties: resource.Changed(is, toBe)}
	if u, ok := e.providers[is.Type].(resource.Updater); ok {
		c.schema = u.Schema(is.Type)
	}
	c.tags = c.schema.Tagged && !maps.Equal(is.Tags, toBe.Tags)
	return c
}

// plan compares a stack with another design for it. The design may have been overtaken when it is carried out:
// what is done then is decided anew.
func (e *Engine) plan(s *stack, to design) (plan, error) {
	e.mu.Lock()
	from := s.design
	e.mu.Unlock()
	if err := sameType(from.template, to.template); err != nil {
		return plan{}, err
	}
	next := s.as(to)
	p := plan{others: !maps.Equal(from.tags, to.tags) || !sameOutputs(from, to)}
	remade := map[string]bool{} // added, or to be replaced: what they will be like is not known
	for _, id := range to.order {
		is, there := e.existing(s, id)
		if !there {
			remade[id] = true
			p.changes = append(p.changes, change{action: "Add", id: id, resource: resource.Resource{Type: to.template.Resources[id].Type}})
			continue
		}
		toBe, uncertain, err := e.foresee(next, is, remade)
		if err != nil {
			return plan{}, validation("Template error: %v", err)
		}
		c := e.difference(is, toBe)
		c.uncertain = uncertain
		c.properties = slices.Compact(slices.Sorted(slices.Values(append(c.properties, uncertain...))))
		remade[id] = len(c.replaced()) > 0
		if len(c.properties) > 0 || c.tags {
			p.changes = append(p.changes, c)
		}
	}
	for _, id := range from.order {
		if is, there := e.existing(s, id); there && !slices.Contains(to.order, id) {
			p.changes = append(p.changes, change{action: "Remove", id: id, resource: is})
		}
	}
	return p, nil
}

// existing is a resource of a stack that is there.
func (e *Engine) existing(s *stack, id string) (resource.Resource, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := s.records[id]
	if r == nil || !r.exists() {
		return resource.Resource{}, false
	}
	return r.resource, true
}

// foresee is a resource as a design has it, as far as that is known before what is remade is there. Of
// properties that depend on that, it says which they are, and leaves them as they were.
func (e *Engine) foresee(next *stack, is resource.Resource, remade map[string]bool) (toBe resource.Resource, uncertain []string, err error) {
	t := next.template
	known := map[string]any{}
	for name, value := range t.Resources[is.LogicalID].Properties {
		if slices.ContainsFunc(t.Mentions(value), func(id string) bool { return remade[id] }) {
			uncertain = append(uncertain, name)
			continue
		}
		known[name] = value
	}
	toBe = is
	toBe.Tags = next.tags
	evaluated, err := t.Evaluate(e.scope(next), known)
	if err != nil {
		return is, nil, err
	}
	toBe.Properties, _ = evaluated.(map[string]any)
	for _, name := range uncertain {
		if v, ok := is.Properties[name]; ok {
			toBe.Properties[name] = v
		}
	}
	return toBe, uncertain, nil
}

// sameOutputs compares what two designs say of outputs, not what comes of it.
func sameOutputs(from, to design) bool {
	return reflect.DeepEqual(from.template.Outputs, to.template.Outputs)
}
