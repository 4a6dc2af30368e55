package dynamo

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// roomName names the attribute that counts a pool's hosts with room for an n-th tenant. Each count is
// an attribute of its own, because ADD moves no numbers within lists.
func roomName(n int) string { return "room" + strconv.Itoa(n) }

// encodeRoom returns a pool's room as attributes, without those that are 0.
func encodeRoom(r pool.Room) item {
	i := item{}
	for at, hosts := range r {
		if hosts != 0 {
			i[roomName(at+1)] = number(hosts)
		}
	}
	return i
}

// UnmarshalDynamoDBAttributeValue reads a pool's item with its room.
func (i *poolItem) UnmarshalDynamoDBAttributeValue(v types.AttributeValue) error {
	stored, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return fmt.Errorf("decode a pool's item: it is a %T", v)
	}
	type plain poolItem // has no method of this name
	if err := attributevalue.Unmarshal(stored, (*plain)(i)); err != nil {
		return fmt.Errorf("decode a pool's item: %w", err)
	}
	for at := range i.room {
		count, known := stored.Value[roomName(at+1)]
		if !known {
			continue
		}
		if err := attributevalue.Unmarshal(count, &i.room[at]); err != nil {
			return fmt.Errorf("decode %s: %w", roomName(at+1), err)
		}
	}
	return nil
}
