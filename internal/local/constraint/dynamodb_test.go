package constraint

import (
	"strings"
	"testing"
)

func TestOperatorsAreCountedAsDynamoDBDoes(t *testing.T) {
	for _, test := range []struct {
		parameter, expression string
		want                  int
	}{
		{"UpdateExpression", "SET a = :val1 + :val2 + :val3", 2}, // DynamoDB's documentation
		{"UpdateExpression", "SET #a = :a, #b = if_not_exists(#b, :zero) + :one REMOVE #list[0]", 2},
		{"ConditionExpression", "attribute_exists(pk) AND #v = :v", 3},
		{"ConditionExpression", "a BETWEEN :b AND :c AND NOT (d IN (:e, :f) OR e <> :g)", 6},
		{"KeyConditionExpression", "#due = :what AND #dueAt <= :now", 3},
		{"FilterExpression", "size ( a ) > :n", 2},
	} {
		if got := operators(test.parameter, test.expression); got != test.want {
			t.Errorf("%s has %d operators, want %d", test.expression, got, test.want)
		}
	}
	if r := Expression("ConditionExpression", strings.Repeat("a<b OR ", 149)+"NOT a<b"); r != nil {
		t.Errorf("300 operators: %v", r)
	}
	r := Expression("ConditionExpression", strings.Repeat("a<b OR ", 150)+"a<b")
	if r == nil || r.Message != "Invalid ConditionExpression: The expression contains too many operators; operator count: 301" {
		t.Errorf("301 operators: %v", r)
	}
}
