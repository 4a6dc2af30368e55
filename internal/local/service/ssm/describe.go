package ssm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// describeMax is how many parameters DescribeParameters lists at most, and unless the caller says.
const describeMax = 50

// filter is one of DescribeParameters' ParameterFilters: any of its values must match.
type filter struct {
	Key    string         `json:"Key"`
	Option string         `json:"Option"`
	Values weakjson.Texts `json:"Values"`
}

// describe lists what there is to know of the account's parameters but their values, by name. Public ones are no
// account's.
func (p *Parameters) describe(_ context.Context, call endpoint.Call) (any, error) {
	input := struct {
		Filters    []filter     `json:"ParameterFilters"`
		Old        []filter     `json:"Filters"`
		MaxResults weakjson.Int `json:"MaxResults"`
		NextToken  string       `json:"NextToken"` // the last name of the page before
	}{MaxResults: describeMax}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid("%v", err)
	}
	if input.MaxResults < 1 || input.MaxResults > describeMax {
		return nil, invalid("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must be between 1 and %d", input.MaxResults, describeMax)
	}
	if len(input.Old) > 0 { // deprecated, and how it compares is documented nowhere
		return nil, invalid("The local cloud takes ParameterFilters, and not Filters, which they took the place of")
	}
	var tests []func(parameter) bool
	for _, f := range input.Filters {
		test, err := f.test()
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if input.NextToken != "" && p.byName[input.NextToken] == nil {
		return nil, &endpoint.Error{Code: "InvalidNextToken", Message: "The specified token isn't valid."}
	}
	found := []any{}
	for _, name := range slices.Sorted(maps.Keys(p.byName)) {
		if name <= input.NextToken || strings.HasPrefix(name, "/aws/") {
			continue
		}
		versions := p.byName[name]
		latest := versions[len(versions)-1]
		if slices.ContainsFunc(tests, func(test func(parameter) bool) bool { return !test(latest) }) {
			continue
		}
		if len(found) == int(input.MaxResults) {
			last, _ := found[len(found)-1].(map[string]any)
			return map[string]any{"Parameters": found, "NextToken": last["Name"]}, nil
		}
		item := p.shown(latest)
		delete(item, "Value")
		item["LastModifiedUser"], item["Tier"], item["Policies"] = latest.user, latest.tier, []any{}
		if latest.description != "" {
			item["Description"] = latest.description
		}
		found = append(found, item)
	}
	return map[string]any{"Parameters": found}, nil
}

// test is a filter as a test of a parameter. Those of parameters that have no tags and no keys here let none through.
func (f filter) test() (func(parameter) bool, error) {
	options := []string{"Equals", "BeginsWith"}
	var of func(parameter) string
	switch f.Key {
	case "Name":
		of, options = func(p parameter) string { return p.name }, append(options, "Contains")
	case "Path":
		of, options = func(p parameter) string { return p.name }, []string{"OneLevel", "Recursive"}
	case "Type":
		of = func(p parameter) string { return p.kind }
	case "Tier":
		of = func(p parameter) string { return p.tier }
	case "DataType":
		of = func(parameter) string { return "text" }
	default:
		if f.Key != "KeyId" && !strings.HasPrefix(f.Key, "tag:") {
			return nil, &endpoint.Error{Code: "InvalidFilterKey", Message: fmt.Sprintf("The filter key %q isn't valid.", f.Key)}
		}
	}
	option := f.Option
	if option == "" {
		option = options[0]
	}
	if !slices.Contains(options, option) {
		return nil, &endpoint.Error{Code: "InvalidFilterOption", Message: fmt.Sprintf("The filter option %q isn't valid for the filter key %s.", option, f.Key)}
	}
	if len(f.Values) == 0 {
		return nil, &endpoint.Error{Code: "InvalidFilterValue", Message: fmt.Sprintf("The filter key %s needs a value.", f.Key)}
	}
	return func(p parameter) bool {
		return of != nil && slices.ContainsFunc(f.Values, func(asked string) bool { return compare(option, of(p), asked) })
	}, nil
}

// compare reports whether a value compares with one that is asked for as the option says.
func compare(option, has, asked string) bool {
	switch option {
	case "BeginsWith":
		return strings.HasPrefix(has, asked)
	case "Contains":
		return strings.Contains(has, asked)
	case "OneLevel", "Recursive":
		below, ok := strings.CutPrefix(has, strings.TrimSuffix(asked, "/")+"/")
		return ok && (option == "Recursive" || !strings.Contains(below, "/"))
	default:
		return has == asked
	}
}

func invalid(format string, args ...any) error {
	return &endpoint.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}
