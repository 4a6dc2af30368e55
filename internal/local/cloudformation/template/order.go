package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Dependencies lists the resources that a resource has to wait for, sorted: what it refers to in
// its properties, and its DependsOn.
func (t *Template) Dependencies(id string) []string {
	set := map[string]bool{}
	for _, name := range t.references(id) {
		if _, ok := t.Resources[name]; ok && name != id {
			set[name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Order lists all resources so that each comes after those it depends on; the same for the same
// template.
func (t *Template) Order() ([]string, error) {
	var order []string
	state := map[string]int{} // 1: under way, 2: done
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case 1:
			return fmt.Errorf("circular dependency between resources: [%s]", id)
		case 2:
			return nil
		}
		state[id] = 1
		for _, dependency := range t.Dependencies(id) {
			if err := visit(dependency); err != nil {
				return err
			}
		}
		state[id] = 2
		order = append(order, id)
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// Mentions lists the resources that a value refers to, sorted.
func (t *Template) Mentions(value any) []string {
	set := map[string]bool{}
	collect(value, set)
	maps.DeleteFunc(set, func(name string, _ bool) bool { _, ok := t.Resources[name]; return !ok })
	return slices.Sorted(maps.Keys(set))
}

// Given lists the parameters that a value refers to, sorted.
func (t *Template) Given(value any) []string {
	set := map[string]bool{}
	collect(value, set)
	maps.DeleteFunc(set, func(name string, _ bool) bool { _, ok := t.Parameters[name]; return !ok })
	return slices.Sorted(maps.Keys(set))
}

// references lists the names that a resource mentions, pseudo parameters left out.
func (t *Template) references(id string) []string {
	r := t.Resources[id]
	set := map[string]bool{}
	for _, name := range r.DependsOn {
		set[name] = true
	}
	collect(map[string]any(r.Properties), set)
	return slices.Sorted(maps.Keys(set))
}

// collect gathers what Ref, Fn::GetAtt and Fn::Sub mention. Both branches of an Fn::If count, as in
// the real one.
func collect(value any, into map[string]bool) {
	add := func(name string) {
		if !strings.HasPrefix(name, "AWS::") {
			into[name] = true
		}
	}
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			collect(element, into)
		}
	case map[string]any:
		name, argument, ok := function(v)
		if !ok {
			for _, element := range v {
				collect(element, into)
			}
			return
		}
		switch name {
		case "Ref":
			if s, ok := argument.(string); ok {
				add(s)
			}
		case "Fn::GetAtt":
			if target, _, err := attributeOf(argument); err == nil {
				add(target)
			}
		case "Fn::Sub":
			text, variables := substitution(argument)
			for _, part := range placeholders(text) {
				if _, local := variables[part]; !local {
					target, _, _ := strings.Cut(part, ".")
					add(target)
				}
			}
			collect(variables, into)
		default:
			collect(argument, into)
		}
	}
}
