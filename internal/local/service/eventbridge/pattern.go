package eventbridge

import (
	"encoding/json"
	"fmt"
	"slices"
)

// matcher reports whether an event, or a part of one, matches a pattern.
type matcher func(event map[string]any) bool

// compile reads an event pattern. What EventBridge would refuse is an error here too.
func compile(pattern any) (matcher, error) {
	encoded, err := json.Marshal(pattern) // so that all numbers are float64, wherever they come from
	if err != nil {
		return nil, fmt.Errorf("read the event pattern: %w", err)
	}
	var object map[string]any
	if err := json.Unmarshal(encoded, &object); err != nil {
		return nil, fmt.Errorf("read the event pattern: %w", err)
	}
	if len(object) == 0 {
		return nil, fmt.Errorf("event pattern is not valid: it is empty")
	}
	return compileObject(object, "")
}

func compileObject(pattern map[string]any, path string) (matcher, error) {
	var all []matcher
	for name, value := range pattern {
		m, err := compileField(name, value, path)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return func(event map[string]any) bool {
		return !slices.ContainsFunc(all, func(m matcher) bool { return !m(event) })
	}, nil
}

func compileField(name string, value any, path string) (matcher, error) {
	at := path + "." + name
	switch value := value.(type) {
	case map[string]any:
		inner, err := compileObject(value, at)
		if err != nil {
			return nil, err
		}
		return func(event map[string]any) bool { return anyObject(event[name], inner) }, nil
	case []any:
		if len(value) == 0 {
			return nil, fmt.Errorf("event pattern is not valid: empty list at %s", at)
		}
		if name == "$or" {
			return compileOr(value, path)
		}
		return compileLeaf(name, value, at)
	}
	return nil, fmt.Errorf("event pattern is not valid: %s must be an object or a list", at)
}

func compileOr(alternatives []any, path string) (matcher, error) {
	var either []matcher
	for _, alternative := range alternatives {
		object, ok := alternative.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("event pattern is not valid: $or at %s holds more than objects", path)
		}
		m, err := compileObject(object, path)
		if err != nil {
			return nil, err
		}
		either = append(either, m)
	}
	return func(event map[string]any) bool {
		return slices.ContainsFunc(either, func(m matcher) bool { return m(event) })
	}, nil
}

// compileLeaf reads the alternatives for one field. A list in the event matches if one of its
// elements does.
func compileLeaf(name string, alternatives []any, at string) (matcher, error) {
	var either []condition
	for _, alternative := range alternatives {
		c, err := compileCondition(alternative)
		if err != nil {
			return nil, fmt.Errorf("event pattern is not valid: %w at %s", err, at)
		}
		either = append(either, c)
	}
	return func(event map[string]any) bool {
		value, present := event[name]
		values, isList := value.([]any)
		if !isList || len(values) == 0 {
			values = []any{value}
			present = present && !isList // an empty list holds nothing
		}
		return slices.ContainsFunc(either, func(c condition) bool {
			return slices.ContainsFunc(values, func(v any) bool { return c(v, present) })
		})
	}, nil
}

// anyObject tests an object, or each object of a list.
func anyObject(value any, m matcher) bool {
	switch value := value.(type) {
	case map[string]any:
		return m(value)
	case []any:
		return slices.ContainsFunc(value, func(v any) bool { return anyObject(v, m) })
	}
	return m(nil) // {"exists": false} holds for the fields of what is not there
}
