package meter

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// AWS, "DynamoDB read and write operations": a write unit is 1 KB, a read unit 4 KB.
const (
	writeUnit = 1024
	readUnit  = 4096
)

// Table is what has to be known of a table to meter it.
type Table struct {
	Key     []string // its key attributes
	Indexes []Index
}

// Index is a secondary index that projects keys only. An item has an entry in it when it has all of
// the index's key attributes.
type Index struct{ Key []string }

// units rounds a size up to units; nothing counts as one.
func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

// read is what reading so many bytes takes; an eventually consistent read is half.
func read(bytes int, consistent bool) float64 {
	n := units(bytes, readUnit)
	if !consistent {
		n /= 2
	}
	return n
}

// write is what changing an item takes: it is charged for as large as it was or as it became,
// whichever is more, and for the entries of the indexes that changed. transaction doubles the
// charge for the item; the indexes follow later, on their own.
func (t Table) write(before, after map[string]types.AttributeValue, transaction bool) float64 {
	n := units(max(Size(before), Size(after)), writeUnit)
	if transaction {
		n *= 2
	}
	for _, index := range t.Indexes {
		n += t.index(index, before, after)
	}
	return n
}

// index is what an index's entry takes: one write for one that comes or goes, two for one whose key
// changes, none for one that stays as it is.
func (t Table) index(i Index, before, after map[string]types.AttributeValue) float64 {
	was, is := t.entry(i, before), t.entry(i, after)
	if maps.EqualFunc(was, is, equal) {
		return 0
	}
	n := 0.0
	for _, entry := range []map[string]types.AttributeValue{was, is} {
		if entry != nil {
			n += units(Size(entry), writeUnit)
		}
	}
	return n
}

// entry is an item's entry in an index; nil when it has none.
func (t Table) entry(i Index, item map[string]types.AttributeValue) map[string]types.AttributeValue {
	entry := map[string]types.AttributeValue{}
	for _, name := range i.Key {
		value, ok := item[name]
		if !ok {
			return nil
		}
		entry[name] = value
	}
	for _, name := range t.Key {
		entry[name] = item[name]
	}
	return entry
}

// equal compares key attributes, which are strings or numbers.
func equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	default:
		return false
	}
}
