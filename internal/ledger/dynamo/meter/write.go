package meter

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// write is one item of a write.
type write struct {
	table       *string
	key         map[string]types.AttributeValue
	item        map[string]types.AttributeValue // as it will be; nil for an update or a deletion
	update      bool                            // what the item will be has to be read
	returns     bool                            // … or is in the answer
	transaction bool
	was         map[string]types.AttributeValue
}

// ofTransaction lists what a transaction writes.
func ofTransaction(input *dynamodb.TransactWriteItemsInput) ([]write, error) {
	var writes []write
	for _, w := range input.TransactItems {
		switch {
		case w.Put != nil:
			writes = append(writes, write{table: w.Put.TableName, item: w.Put.Item, transaction: true})
		case w.Update != nil:
			writes = append(writes, write{table: w.Update.TableName, key: w.Update.Key, update: true, transaction: true})
		case w.Delete != nil:
			writes = append(writes, write{table: w.Delete.TableName, key: w.Delete.Key, transaction: true})
		default:
			return nil, errors.New("meter: a condition check in a transaction is not metered")
		}
	}
	return writes, nil
}

// before notes the item as it is before the write.
func (m *Meter) before(ctx context.Context, w *write) (err error) {
	if w.key == nil {
		w.key = map[string]types.AttributeValue{}
		for _, name := range m.table.Key {
			w.key[name] = w.item[name]
		}
	}
	w.was, err = m.read(ctx, *w)
	return err
}

// after returns what a write took. A write that was refused is charged for the item as it is or as it
// would have been put, whichever is larger.
func (m *Meter) after(ctx context.Context, w write, result any, refused bool) (float64, error) {
	if refused {
		n := units(max(Size(w.was), Size(w.item)), writeUnit)
		if w.transaction {
			n *= 2
		}
		return n, nil
	}
	is := w.item
	if out, ok := result.(*dynamodb.UpdateItemOutput); ok && w.returns {
		is = out.Attributes
	} else if w.update {
		var err error
		if is, err = m.read(ctx, w); err != nil {
			return 0, err
		}
	}
	return m.table.write(w.was, is, w.transaction), nil
}

// read reads an item out of band.
func (m *Meter) read(ctx context.Context, w write) (map[string]types.AttributeValue, error) {
	out, err := m.peek.GetItem(ctx, &dynamodb.GetItemInput{TableName: w.table, Key: w.key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("meter: read the item to be written: %w", err)
	}
	return out.Item, nil
}
