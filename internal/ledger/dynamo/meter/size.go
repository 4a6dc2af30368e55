package meter

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Size is what an item counts for, in bytes: the names of its attributes and their values (AWS,
// "DynamoDB item sizes and formats").
func Size(item map[string]types.AttributeValue) int {
	n := 0
	for name, value := range item {
		n += len(name) + size(value)
	}
	return n
}

// Lists and maps count 3 bytes each, and 1 for each element.
const (
	nested  = 3
	element = 1
)

func size(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return digits(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		return sum(v.Value, func(s string) int { return len(s) })
	case *types.AttributeValueMemberNS:
		return sum(v.Value, digits)
	case *types.AttributeValueMemberBS:
		return sum(v.Value, func(b []byte) int { return len(b) })
	case *types.AttributeValueMemberL:
		return nested + sum(v.Value, func(e types.AttributeValue) int { return element + size(e) })
	case *types.AttributeValueMemberM:
		return nested + element*len(v.Value) + Size(v.Value)
	default: // a null or a boolean
		return 1
	}
}

func sum[T any](values []T, of func(T) int) int {
	n := 0
	for _, v := range values {
		n += of(v)
	}
	return n
}

// digits is the size of a number: one byte for every two significant digits, and one more.
// A negative one takes another.
func digits(number string) int {
	negative := strings.HasPrefix(number, "-")
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimLeft(number, "+-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	significant := strings.Trim(whole+fraction, "0")
	n := 1 + (len(significant)+1)/2
	if negative {
		n++
	}
	return n
}
