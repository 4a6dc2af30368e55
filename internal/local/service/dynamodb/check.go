// Package dynamodb stands before the DynamoDB program: it refuses what DynamoDB refuses and the program
// takes, and it lets transactions conflict and indexes lag, which the program does neither.
package dynamodb

import (
	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

var expressions = []string{"ConditionExpression", "UpdateExpression", "FilterExpression", "KeyConditionExpression"}

// Check looks at a call before the program gets it.
func Check(call endpoint.Call) error {
	requests := []map[string]any{call.Params}
	for _, part := range parts(call.Params) {
		requests = append(requests, part.request)
	}
	for _, request := range requests {
		for _, parameter := range expressions {
			expression, _ := request[parameter].(string)
			if r := constraint.Expression(parameter, expression); r != nil {
				return endpoint.Refused(r)
			}
		}
	}
	return nil
}

// part is one action of a transaction.
type part struct {
	action  string // "Put", "Update", "Delete" or "ConditionCheck"
	request map[string]any
}

// parts lists the actions of a transaction, in its order.
func parts(params map[string]any) []part {
	var list []part
	actions, _ := params["TransactItems"].([]any)
	for _, element := range actions {
		one, _ := element.(map[string]any)
		for action, request := range one {
			if request, ok := request.(map[string]any); ok {
				list = append(list, part{action: action, request: request})
			}
		}
	}
	return list
}
