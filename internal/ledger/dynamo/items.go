package dynamo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// item is an item as DynamoDB has it.
type item = map[string]types.AttributeValue

// key is an item's primary key.
type key struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`
}

func (k key) String() string { return k.PK + "/" + k.SK }

func (k key) attributes() item {
	return item{"pk": text(k.PK), "sk": text(k.SK)}
}

// The keys of the table, as docs/architecture.md lists them.
const (
	tenantPrefix = "TENANT#"
	hostPrefix   = "HOST#"
	waitPrefix   = "WAIT#"
)

func tenantKey(id pool.TenantID) key { return key{tenantPrefix + string(id), "TENANT"} }
func hostKey(id pool.HostID) key     { return key{hostPrefix + string(id), "HOST"} }
func shelfKey(tier pool.Tier) key    { return key{"TIER#" + string(tier), "SHELF"} }
func poolKey(k pool.Key) key         { return key{"POOL#" + k.String(), "POOL"} }
func tiersKey() key                  { return key{"TIERS", "TIERS"} }
func waitKey(tier pool.Tier, seq int64) key {
	return key{waitPrefix + string(tier), fmt.Sprintf("%020d", seq)}
}

// deadline is the part of an item that puts it into the index of what has a deadline.
type deadline struct {
	Due   string `dynamodbav:"due,omitempty"`   // what it is a deadline of: dueHost, dueTenant, …
	DueAt int64  `dynamodbav:"dueAt,omitempty"` // Unix seconds
}

const (
	dueHost        = "host"
	dueTenant      = "tenant"
	dueDeparture   = "departure"
	dueClearance   = "clearance"
	dueRepair      = "repair"
	dueRestoration = "restoration"
)

func deadlineOf(due string, at time.Time) deadline {
	if at.IsZero() {
		return deadline{}
	}
	return deadline{Due: due, DueAt: at.Unix()}
}

func (d deadline) time() time.Time { return seconds(d.DueAt) }

// seconds reads a moment that is stored as Unix seconds; 0 is no moment.
func seconds(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0).UTC()
}

// unix stores a moment as Unix seconds; no moment is 0.
func unix(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number[N ~int | ~int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

// names makes the placeholders of attributes: "#state" for "state". Many of DynamoDB's reserved
// words are attributes here, so no expression outside the shelf uses a bare name.
func names(attributes ...string) map[string]string {
	placeholders := map[string]string{}
	for _, a := range attributes {
		placeholders["#"+a] = a
	}
	return placeholders
}

// encode turns a stored form into an item.
func encode(stored any) (item, error) {
	encoded, err := attributevalue.MarshalMap(stored)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", stored, err)
	}
	return encoded, nil
}

// conditions joins the comparisons of a condition and the placeholders and values they use.
type conditions struct {
	clauses []string
	names   []string
	values  item
}

// asRead are the conditions under which a record is replaced: it is there, in the version that was read.
func asRead(version int64) *conditions {
	c := &conditions{clauses: []string{"attribute_exists(pk)"}}
	c.equal("version", version)
	return c
}

// equal adds that an attribute has a number; attributes are not stored when they are 0.
func (c *conditions) equal(attribute string, n int64) {
	if n == 0 {
		c.clauses = append(c.clauses, "attribute_not_exists(#"+attribute+")")
	} else {
		c.clauses = append(c.clauses, "#"+attribute+" = :"+attribute)
		c.value(":"+attribute, number(n))
	}
	c.names = append(c.names, attribute)
}

func (c *conditions) value(placeholder string, v types.AttributeValue) {
	if c.values == nil {
		c.values = item{}
	}
	c.values[placeholder] = v
}

// put makes the write of an item on these conditions.
func (c *conditions) put(i item) *types.Put {
	expression := strings.Join(c.clauses, " AND ")
	return &types.Put{
		Item: i, ConditionExpression: &expression,
		ExpressionAttributeNames: names(slices.Compact(slices.Sorted(slices.Values(c.names)))...), ExpressionAttributeValues: c.values,
	}
}

// delete makes the deletion of an item on these conditions.
func (c *conditions) delete(k key) *types.Delete {
	expression := strings.Join(c.clauses, " AND ")
	return &types.Delete{
		Key: k.attributes(), ConditionExpression: &expression,
		ExpressionAttributeNames: names(slices.Compact(slices.Sorted(slices.Values(c.names)))...), ExpressionAttributeValues: c.values,
	}
}

// absent makes the write of an item that must not be there yet.
func absent(i item) *types.Put {
	expression := "attribute_not_exists(pk)"
	return &types.Put{Item: i, ConditionExpression: &expression}
}
