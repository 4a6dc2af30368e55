package dynamo

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// markAttribute is the attribute of an item by which the call that wrote it knows it.
const markAttribute = "w"

// putOnce is put for a record whose writer alone goes on with it. The reply may be lost: then the SDK
// sends the write again, and its condition fails on what the first sending wrote. By the mark that
// item is known for this call's own, and the answer is that it was written. That it is equal would
// not do: two copies of a message write the same, and one of them is to go on.
//
// What another writer has written over it meanwhile bears no mark of this call, and is a conflict; it
// is the record's deadline that has it gone on with then.
func (l *Ledger) putOnce(ctx context.Context, p *types.Put) error {
	mark := l.mark()
	p.Item[markAttribute] = text(mark)
	err := l.put(ctx, p)
	if stored, ok := found(err)[markAttribute].(*types.AttributeValueMemberS); ok && stored.Value == mark {
		return nil
	}
	return err
}

// mark draws a mark: the 53 bits of a number in [0,1).
func (l *Ledger) mark() string { return strconv.FormatUint(uint64(l.Rand()*(1<<53)), 36) }
