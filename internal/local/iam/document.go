package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Document is a policy document.
type Document struct {
	Statements []Statement
}

// Statement is one statement of a policy document, its single values made lists.
type Statement struct {
	Sid          string
	Allow        bool                           // false: Deny
	Principals   map[string][]string            // by type: "AWS", "Service"; "*" for everybody; nil in identity policies
	Actions      []string                       // patterns
	NotActions   []string                       // patterns
	Resources    []string                       // patterns
	NotResources []string                       // patterns
	Conditions   map[string]map[string][]string // operator → key → values
}

// ParseDocument reads a policy document as a template or a call has it: a map, or JSON in a string.
// A condition operator that this package does not know is an error here, not a surprise later.
func ParseDocument(source any) (Document, error) {
	encoded, ok := source.(string)
	if !ok {
		b, err := json.Marshal(source)
		if err != nil {
			return Document{}, fmt.Errorf("read policy document: %w", err)
		}
		encoded = string(b)
	}
	var raw struct {
		Statement oneOrMore[rawStatement]
	}
	if err := json.Unmarshal([]byte(encoded), &raw); err != nil {
		return Document{}, fmt.Errorf("read policy document: %w", err)
	}
	document := Document{Statements: make([]Statement, 0, len(raw.Statement))}
	for _, r := range raw.Statement {
		s, err := r.statement()
		if err != nil {
			return Document{}, fmt.Errorf("read policy statement %q: %w", r.Sid, err)
		}
		document.Statements = append(document.Statements, s)
	}
	return document, nil
}

type rawStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       oneOrMore[string]
	NotAction    oneOrMore[string]
	Resource     oneOrMore[string]
	NotResource  oneOrMore[string]
	Condition    map[string]map[string]oneOrMore[scalar]
}

func (r rawStatement) statement() (Statement, error) {
	s := Statement{
		Sid: r.Sid, Allow: r.Effect == "Allow",
		Actions: r.Action, NotActions: r.NotAction, Resources: r.Resource, NotResources: r.NotResource,
	}
	if r.Effect != "Allow" && r.Effect != "Deny" {
		return s, fmt.Errorf("effect %q", r.Effect)
	}
	if len(r.Action)+len(r.NotAction) == 0 {
		return s, fmt.Errorf("no action")
	}
	if r.NotPrincipal != nil {
		return s, fmt.Errorf("NotPrincipal is not supported")
	}
	if r.Principal != nil {
		var everybody string
		var byType map[string]oneOrMore[string]
		switch {
		case json.Unmarshal(r.Principal, &everybody) == nil:
			s.Principals = map[string][]string{"*": {everybody}}
		case json.Unmarshal(r.Principal, &byType) == nil:
			s.Principals = map[string][]string{}
			for kind, who := range byType {
				s.Principals[kind] = who
			}
		default:
			return s, fmt.Errorf("principal %s", r.Principal)
		}
	}
	for _, operator := range slices.Sorted(maps.Keys(r.Condition)) {
		if _, err := parseOperator(operator); err != nil {
			return s, err
		}
		if s.Conditions == nil {
			s.Conditions = map[string]map[string][]string{}
		}
		s.Conditions[operator] = map[string][]string{}
		for key, values := range r.Condition[operator] {
			for _, v := range values {
				s.Conditions[operator][key] = append(s.Conditions[operator][key], string(v))
			}
		}
	}
	return s, nil
}

// oneOrMore reads a single value as a list of one.
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	var many []T
	if json.Unmarshal(b, &many) == nil {
		*o = many
		return nil
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*o = oneOrMore[T]{one}
	return nil
}

// scalar reads strings, numbers and booleans as text.
type scalar string

func (s *scalar) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*s = scalar(text)
		return nil
	}
	*s = scalar(b)
	return nil
}
