package resource

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Schema is what CloudFormation's registry of resource types says of one, as far as updates go
// (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html). A change of
// Name or of one of CreateOnly takes a new resource in the place of the old one; all else is changed in place.
type Schema struct {
	Name       string   // the property that names a resource; empty: it has none
	CreateOnly []string // further properties that a resource keeps for life
	Tagged     bool     // a resource bears the tags of its stack
}

// Replaces reports whether a change of a property takes a new resource.
func (s Schema) Replaces(property string) bool {
	return property != "" && property == s.Name || slices.Contains(s.CreateOnly, property)
}

// Updater is a Provider whose resources can be updated. Update brings a resource from one state to another
// that has the same physical id, and must stand being called again: so an update is undone, too. What can't
// be changed here is refused.
type Updater interface {
	Provider
	Schema(resourceType string) Schema
	Update(ctx context.Context, before, after Resource) (Created, error)
}

// Changed lists the properties that differ, in order.
func Changed(before, after Resource) []string {
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(before.Properties)) {
		if !reflect.DeepEqual(before.Properties[name], after.Properties[name]) {
			changed = append(changed, name)
		}
	}
	for name := range after.Properties {
		if _, there := before.Properties[name]; !there {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

// Fixed returns an error if a change is about properties that can't be changed in place here.
func Fixed(before, after Resource, properties ...string) error {
	changed := slices.DeleteFunc(Changed(before, after), func(name string) bool { return !slices.Contains(properties, name) })
	if len(changed) == 0 {
		return nil
	}
	return fmt.Errorf("the local cloud does not change %s of %s", strings.Join(changed, ", "), after.Type)
}
