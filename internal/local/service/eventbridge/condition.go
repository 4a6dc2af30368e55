package eventbridge

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// condition tests one value of an event. present is false if the event lacks the field.
type condition func(value any, present bool) bool

// compileCondition reads one alternative of a pattern: a value, or an object with one operator.
func compileCondition(alternative any) (condition, error) {
	object, ok := alternative.(map[string]any)
	if !ok {
		if _, isList := alternative.([]any); isList {
			return nil, fmt.Errorf("a list within a list")
		}
		return func(value any, present bool) bool { return present && value == alternative }, nil
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("%d operators in one object", len(object))
	}
	for operator, operand := range object {
		switch operator {
		case "exists":
			want, ok := operand.(bool)
			if !ok {
				return nil, fmt.Errorf("exists without true or false")
			}
			return func(_ any, present bool) bool { return present == want }, nil
		case "anything-but":
			return compileAnythingBut(operand)
		case "numeric":
			return compileNumeric(operand)
		case "cidr":
			return compileCIDR(operand)
		}
		return compileText(operator, operand)
	}
	panic("unreachable: the object has one operator")
}

// compileText reads the operators on strings.
func compileText(operator string, operand any) (condition, error) {
	fold := func(s string) string { return s }
	if inner, ok := operand.(map[string]any); ok && (operator == "prefix" || operator == "suffix") {
		operand, fold = inner["equals-ignore-case"], strings.ToLower
	}
	want, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%s without a string", operator)
	}
	test := map[string]func(string) bool{
		"prefix":             func(s string) bool { return strings.HasPrefix(fold(s), fold(want)) },
		"suffix":             func(s string) bool { return strings.HasSuffix(fold(s), fold(want)) },
		"equals-ignore-case": func(s string) bool { return strings.EqualFold(s, want) },
		"wildcard":           func(s string) bool { return wildcard(want, s) },
	}[operator]
	if test == nil {
		return nil, fmt.Errorf("unrecognized match type %s", operator)
	}
	return func(value any, present bool) bool {
		text, isText := value.(string)
		return present && isText && test(text)
	}, nil
}

// compileAnythingBut reads a value, a list of values, or an object with an operator on strings.
func compileAnythingBut(operand any) (condition, error) {
	operator := ""
	if object, ok := operand.(map[string]any); ok {
		if len(object) != 1 {
			return nil, fmt.Errorf("anything-but with %d operators", len(object))
		}
		for operator, operand = range object {
		}
	}
	excluded, ok := operand.([]any)
	if !ok {
		excluded = []any{operand}
	}
	var not []condition
	for _, value := range excluded {
		if operator != "" {
			value = map[string]any{operator: value}
		}
		c, err := compileCondition(value)
		if err != nil {
			return nil, err
		}
		not = append(not, c)
	}
	return func(value any, present bool) bool {
		return present && !slices.ContainsFunc(not, func(c condition) bool { return c(value, present) })
	}, nil
}

// compileNumeric reads pairs of a comparison and a number.
func compileNumeric(operand any) (condition, error) {
	terms, _ := operand.([]any)
	if len(terms) == 0 || len(terms)%2 != 0 {
		return nil, fmt.Errorf("numeric without pairs of comparison and number")
	}
	var all []func(float64) bool
	for pair := range slices.Chunk(terms, 2) {
		limit, ok := pair[1].(float64)
		if !ok {
			return nil, fmt.Errorf("numeric with %v for a number", pair[1])
		}
		test := map[any]func(float64) bool{
			"=":  func(x float64) bool { return x == limit },
			"<":  func(x float64) bool { return x < limit },
			"<=": func(x float64) bool { return x <= limit },
			">":  func(x float64) bool { return x > limit },
			">=": func(x float64) bool { return x >= limit },
		}[pair[0]]
		if test == nil {
			return nil, fmt.Errorf("numeric with the comparison %v", pair[0])
		}
		all = append(all, test)
	}
	return func(value any, present bool) bool {
		number, ok := value.(float64)
		return present && ok && !slices.ContainsFunc(all, func(test func(float64) bool) bool { return !test(number) })
	}, nil
}

func compileCIDR(operand any) (condition, error) {
	text, _ := operand.(string)
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("cidr: %w", err)
	}
	return func(value any, present bool) bool {
		text, _ := value.(string)
		address, err := netip.ParseAddr(text)
		return present && err == nil && network.Contains(address)
	}, nil
}

// wildcard reports whether s matches a pattern in which * stands for any run of characters.
func wildcard(pattern, s string) bool {
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return pattern == s
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s = s[i+len(piece):]
	}
	return true
}
