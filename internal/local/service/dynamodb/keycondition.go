package dynamodb

import (
	"regexp"
	"strconv"
	"strings"
)

// comparison is one comparison of a key condition, such as "#used < :below".
var comparison = regexp.MustCompile(`^\s*([#A-Za-z0-9_]+)\s*(=|<=|>=|<|>)\s*(:[A-Za-z0-9_]+)\s*$`)

// keyCondition reads a query's condition on its key, if it is made of comparisons.
func keyCondition(params map[string]any) (matches func(item) bool, ok bool) {
	expression, _ := params["KeyConditionExpression"].(string)
	names, _ := params["ExpressionAttributeNames"].(map[string]any)
	values, _ := params["ExpressionAttributeValues"].(map[string]any)
	var tests []func(item) bool
	for term := range strings.SplitSeq(expression, " AND ") {
		found := comparison.FindStringSubmatch(term)
		if found == nil {
			return nil, false
		}
		attribute, operator, value := found[1], found[2], values[found[3]]
		if name, ok := names[attribute].(string); ok {
			attribute = name
		}
		tests = append(tests, func(i item) bool { return holds(compare(i[attribute], value), operator) })
	}
	return func(i item) bool {
		for _, test := range tests {
			if !test(i) {
				return false
			}
		}
		return true
	}, true
}

func holds(order int, operator string) bool {
	switch operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return value
}
