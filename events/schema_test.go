package events

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSchemaAndTypeHaveTheSameFields(t *testing.T) {
	forEach(t, func(t *testing.T, name string, m member) {
		document := schema(t, name)
		if document["$schema"] != "https://json-schema.org/draft/2020-12/schema" || document["title"] != name {
			t.Errorf("$schema is %v and title is %v", document["$schema"], document["title"])
		}
		compare(t, name, document, reflect.TypeOf(m.new()).Elem(), m.exact)
	})
}

// compare walks a schema and a Go type side by side.
func compare(t *testing.T, path string, schema map[string]any, goType reflect.Type, exact bool) {
	t.Helper()
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if want := schemaType(goType); schema["type"] != want {
		t.Errorf("%s is %v in the schema and %v in Go", path, schema["type"], goType)
		return
	}
	switch {
	case goType == reflect.TypeFor[Time]():
	case goType.Kind() == reflect.Slice:
		compare(t, path+"[]", schema["items"].(map[string]any), goType.Elem(), exact)
	case goType.Kind() == reflect.Map:
		compare(t, path+"{}", schema["additionalProperties"].(map[string]any), goType.Elem(), exact)
	case goType.Kind() == reflect.Struct:
		compareFields(t, path, schema, goType, exact)
	}
}

func compareFields(t *testing.T, path string, schema map[string]any, goType reflect.Type, exact bool) {
	t.Helper()
	properties := schema["properties"].(map[string]any)
	var names, always []string
	for _, field := range reflect.VisibleFields(goType) {
		if field.Anonymous {
			continue // its fields are there as well
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
		if options != "omitempty" {
			always = append(always, name)
		}
		if property, ok := properties[name].(map[string]any); ok {
			compare(t, path+"."+name, property, field.Type, exact)
		}
	}
	names = sorted(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(properties))); diff != "" {
		t.Errorf("fields of %s (-Go +schema):\n%s", path, diff)
	}
	if !exact {
		if _, closed := schema["additionalProperties"]; closed {
			t.Errorf("%s comes in, but refuses fields that nobody asked for", path)
		}
		return
	}
	if schema["additionalProperties"] != false {
		t.Errorf("%s goes out, but allows any field", path)
	}
	var required []string
	for _, name := range schema["required"].([]any) {
		required = append(required, name.(string))
	}
	if diff := cmp.Diff(sorted(always), sorted(required)); diff != "" {
		t.Errorf("required fields of %s (-always there +required):\n%s", path, diff)
	}
}

func schemaType(goType reflect.Type) any {
	if goType == reflect.TypeFor[Time]() {
		return "string"
	}
	return map[reflect.Kind]any{
		reflect.String: "string",
		reflect.Int:    "integer",
		reflect.Int64:  "integer",
		reflect.Bool:   "boolean",
		reflect.Slice:  "array",
		reflect.Map:    "object",
		reflect.Struct: "object",
	}[goType.Kind()]
}

func TestSchemaAndParserShareTheirPatterns(t *testing.T) {
	properties := schema(t, "SignupRequested")["properties"].(map[string]any)
	for name, want := range map[string]string{
		"tenantId": tenantIDPattern().String(),
		"tier":     tierPattern().String(),

		"correlationId": correlationPattern().String(),
	} {
		if got := properties[name].(map[string]any)["pattern"]; got != want {
			t.Errorf("pattern of %s: %v in the schema, %s in Go", name, got, want)
		}
	}
}
