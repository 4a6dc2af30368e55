package meter

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type attributes = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
func l(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func m(v attributes) types.AttributeValue { return &types.AttributeValueMemberM{Value: v} }

func TestSize(t *testing.T) {
	tests := []struct {
		name string
		item attributes
		want int
	}{
		{"nothing", nil, 0},
		{"a string is its bytes", attributes{"ab": s("ünï")}, 2 + 5},
		{"a number takes a byte for two digits and one more", attributes{"a": n("12345")}, 1 + 1 + 3},
		{"zeros at both ends do not count", attributes{"a": n("0012000")}, 1 + 1 + 1},
		{"nor do the point and the exponent", attributes{"a": n("1.5e10")}, 1 + 1 + 1},
		{"zero", attributes{"a": n("0")}, 1 + 1},
		{"a sign takes a byte", attributes{"a": n("-12")}, 1 + 1 + 1 + 1},
		{"a boolean takes a byte", attributes{"a": &types.AttributeValueMemberBOOL{}}, 1 + 1},
		{"bytes are raw", attributes{"a": &types.AttributeValueMemberB{Value: make([]byte, 9)}}, 1 + 9},
		{"an empty list", attributes{"a": l()}, 1 + 3},
		{"a list takes a byte for each element", attributes{"a": l(s("xy"), n("1"))}, 1 + 3 + (1 + 2) + (1 + 2)},
		{"a map takes a byte for each element, and its names", attributes{"a": m(attributes{"bc": s("xy")})}, 1 + 3 + 1 + 2 + 2},
		{"nested", attributes{"a": m(attributes{"b": l(m(nil))})}, 1 + 3 + 1 + 1 + 3 + 1 + 3},
		{"a set is its elements", attributes{"a": &types.AttributeValueMemberSS{Value: []string{"xy", "z"}}}, 1 + 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Size(test.item); got != test.want {
				t.Errorf("size %d, want %d", got, test.want)
			}
		})
	}
}
