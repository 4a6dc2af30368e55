package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Context holds the condition keys of a request, lower case, with their values.
type Context map[string][]string

// operator is a condition operator taken apart.
type operator struct {
	base     string
	negated  bool // StringNotEquals and its like: an absent key fulfils them
	ifExists bool
	all, any bool // ForAllValues, ForAnyValue
}

// compare are the comparisons of the operators in use; value is the request's, pattern the policy's.
var compare = map[string]func(value, pattern string) bool{
	"StringEquals":           func(v, p string) bool { return v == p },
	"StringEqualsIgnoreCase": strings.EqualFold,
	"StringLike":             match,
	"ArnEquals":              matchARN,
	"ArnLike":                matchARN,
	"Bool":                   strings.EqualFold,
	"NumericEquals":          func(v, p string) bool { return number(v) == number(p) },
	"NumericLessThan":        func(v, p string) bool { return number(v) < number(p) },
	"NumericLessThanEquals":  func(v, p string) bool { return number(v) <= number(p) },
	"Null":                   nil, // concerns the key, not its value
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

func parseOperator(name string) (operator, error) {
	var o operator
	rest, ok := strings.CutPrefix(name, "ForAllValues:")
	o.all = ok
	rest, o.any = strings.CutPrefix(rest, "ForAnyValue:")
	rest, o.ifExists = strings.CutSuffix(rest, "IfExists")
	if _, known := compare[rest]; !known {
		positive := strings.Replace(rest, "Not", "", 1)
		if _, known := compare[positive]; !known || positive == rest {
			return o, fmt.Errorf("condition operator %q is not supported", name)
		}
		o.negated, rest = true, positive
	}
	o.base = rest
	return o, nil
}

// fulfilled reports whether all conditions of a statement hold.
func fulfilled(conditions map[string]map[string][]string, context Context) bool {
	for name, keys := range conditions {
		o, err := parseOperator(name)
		if err != nil {
			return false // ParseDocument refuses it
		}
		for key, patterns := range keys {
			if !o.holds(context[strings.ToLower(key)], patterns) {
				return false
			}
		}
	}
	return true
}

func (o operator) holds(values, patterns []string) bool {
	if o.base == "Null" {
		return slices.Contains(patterns, "true") == (len(values) == 0)
	}
	if len(values) == 0 {
		return o.ifExists || o.negated || o.all
	}
	fits := func(value string) bool {
		hit := slices.ContainsFunc(patterns, func(p string) bool { return compare[o.base](value, p) })
		return hit != o.negated
	}
	if o.any || !o.all && !o.negated {
		return slices.ContainsFunc(values, fits)
	}
	return !slices.ContainsFunc(values, func(v string) bool { return !fits(v) })
}

// match compares with a pattern in which * stands for any text and ? for one character.
func match(text, pattern string) bool {
	star, mark := -1, 0
	t, p := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			t++
			p++
		case star >= 0:
			mark++
			t, p = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchARN compares part by part, so that a wildcard does not reach over a colon of the first five.
func matchARN(value, pattern string) bool {
	v, p := strings.SplitN(value, ":", 6), strings.SplitN(pattern, ":", 6)
	if len(v) != len(p) {
		return pattern == "*"
	}
	for i := range v {
		if !match(v[i], p[i]) {
			return false
		}
	}
	return true
}
