package template

import (
	"fmt"
	"strconv"
	"strings"
)

// absent stands for AWS::NoValue while a value is evaluated: what holds it is left out.
type absent struct{}

// Evaluate resolves all intrinsic functions in a value. It reports nil for AWS::NoValue.
func (t *Template) Evaluate(scope Scope, value any) (any, error) {
	v, err := t.evaluate(scope, value)
	if _, none := v.(absent); none {
		return nil, err
	}
	return v, err
}

// Holds evaluates a condition by name; the empty name holds.
func (t *Template) Holds(scope Scope, condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	expression, ok := t.Conditions[condition]
	if !ok {
		return false, fmt.Errorf("condition %s is not defined", condition)
	}
	v, err := t.evaluate(scope, expression)
	if err != nil {
		return false, fmt.Errorf("evaluate condition %s: %w", condition, err)
	}
	return Text(v) == "true", nil
}

func (t *Template) evaluate(scope Scope, value any) (any, error) {
	switch v := value.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, element := range v {
			e, err := t.evaluate(scope, element)
			if err != nil {
				return nil, err
			}
			if _, none := e.(absent); !none {
				list = append(list, e)
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return t.call(scope, name, argument)
		}
		m := make(map[string]any, len(v))
		for key, element := range v {
			e, err := t.evaluate(scope, element)
			if err != nil {
				return nil, err
			}
			if _, none := e.(absent); !none {
				m[key] = e
			}
		}
		return m, nil
	default:
		return value, nil
	}
}

// function tells an intrinsic function from a plain map.
func function(m map[string]any) (name string, argument any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, argument = range m {
		_, isText := argument.(string)
		ok = name == "Ref" && isText || name == "Condition" && isText || strings.HasPrefix(name, "Fn::")
	}
	return name, argument, ok
}

// call evaluates one intrinsic function.
func (t *Template) call(scope Scope, name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return t.ref(scope, argument.(string))
	case "Condition":
		holds, err := t.Holds(scope, argument.(string))
		return holds, err
	case "Fn::Sub":
		return t.substitute(scope, argument)
	case "Fn::If":
		return t.choose(scope, argument)
	case "Fn::GetAtt":
		id, attribute, err := attributeOf(argument)
		if err != nil {
			return nil, err
		}
		return t.attribute(scope, id, attribute)
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not":
		return t.logic(scope, name, argument)
	}
	evaluated, err := t.evaluate(scope, argument)
	if err != nil {
		return nil, err
	}
	arguments, _ := evaluated.([]any)
	switch name {
	case "Fn::Join":
		return join(arguments)
	case "Fn::Split":
		return split(arguments)
	case "Fn::Select":
		return pick(arguments)
	case "Fn::FindInMap":
		return t.find(arguments)
	case "Fn::Cidr":
		return cidr(arguments)
	case "Fn::Base64":
		return base64Of(evaluated), nil
	case "Fn::GetAZs":
		return zones(scope.Region), nil
	default:
		return nil, fmt.Errorf("intrinsic function %s is not supported", name)
	}
}

func (t *Template) ref(scope Scope, name string) (any, error) {
	if name == "AWS::NoValue" {
		return absent{}, nil
	}
	if v, ok := scope.pseudo(name); ok {
		return v, nil
	}
	if v, ok := scope.Parameters[name]; ok {
		return v, nil
	}
	if scope.Physical != nil {
		if id, ok := scope.Physical(name); ok {
			return id, nil
		}
	}
	return nil, fmt.Errorf("unresolved reference to %s", name)
}

func (t *Template) attribute(scope Scope, id, attribute string) (any, error) {
	if scope.Attribute != nil {
		if v, ok := scope.Attribute(id, attribute); ok {
			return v, nil
		}
	}
	return nil, fmt.Errorf("requested attribute %s does not exist in resource %s of type %s", attribute, id, t.Resources[id].Type)
}

func (t *Template) choose(scope Scope, argument any) (any, error) {
	branches, ok := argument.([]any)
	if !ok || len(branches) != 3 {
		return nil, fmt.Errorf("Fn::If wants a condition and two values")
	}
	holds, err := t.Holds(scope, Text(branches[0]))
	if err != nil {
		return nil, err
	}
	if holds {
		return t.evaluate(scope, branches[1])
	}
	return t.evaluate(scope, branches[2])
}

func (t *Template) logic(scope Scope, name string, argument any) (any, error) {
	evaluated, err := t.evaluate(scope, argument)
	if err != nil {
		return nil, err
	}
	operands, ok := evaluated.([]any)
	if !ok || len(operands) == 0 {
		return nil, fmt.Errorf("%s wants a list", name)
	}
	holds := 0
	for _, o := range operands {
		if Text(o) == "true" {
			holds++
		}
	}
	switch name {
	case "Fn::Equals":
		return len(operands) == 2 && Text(operands[0]) == Text(operands[1]), nil
	case "Fn::And":
		return holds == len(operands), nil
	case "Fn::Or":
		return holds > 0, nil
	default:
		return holds == 0, nil
	}
}

// Text writes a value as CloudFormation writes it into strings.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = Text(element)
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}
