package iam

import (
	"fmt"
	"testing"
)

func TestAQueryIsOfItsPartitionKey(t *testing.T) {
	values, names := map[string]any{":day": map[string]any{"S": "AUDIT#2026-03-01"}}, map[string]any{"#k": "pk", "#d": "due"}
	for _, test := range []struct {
		expression, index string
		want              string
	}{
		{"#k = :day", "", "[AUDIT#2026-03-01]"},
		{"pk = :day AND sk > :from", "", "[AUDIT#2026-03-01]"},
		{"#k = :other", "", "[]"},
		{"#d = :day", "", "[]"},
		{"#k = :day", "due", "[]"},
		{"", "", "[]"},
	} {
		p := params{"KeyConditionExpression": test.expression, "IndexName": test.index, "ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
		if got := fmt.Sprint(queriedKey(p)); got != test.want {
			t.Errorf("%q of index %q: %s, want %s", test.expression, test.index, got, test.want)
		}
	}
}
