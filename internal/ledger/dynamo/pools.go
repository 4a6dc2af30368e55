package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// poolItem is the stored form of a pool's record. Its names must not be those of the indexes' keys.
type poolItem struct {
	Seq int `dynamodbav:"seq"`
	counters
	Failures     int          `dynamodbav:"failures"`
	BackoffUntil int64        `dynamodbav:"backoffUntil"` // Unix seconds
	Leads        []leadItem   `dynamodbav:"leads"`
	Owed         []owedItem   `dynamodbav:"owed"`
	Coming       []comingItem `dynamodbav:"coming"`
	Size         int          `dynamodbav:"size"`
	Noted        int64        `dynamodbav:"noted"`
	Counted      int          `dynamodbav:"counted"`

	room pool.Room // stored as numbers of their own
}

// counters are the stored form of pool.Counters, but for its room.
type counters struct {
	Hosts             int `dynamodbav:"hosts"`
	Provisioning      int `dynamodbav:"provisioning"`
	ProvisioningSlots int `dynamodbav:"provisioningSlots"`
	InService         int `dynamodbav:"inService"`
	Cordoned          int `dynamodbav:"cordoned"`
	Quarantined       int `dynamodbav:"quarantined"`
	Slots             int `dynamodbav:"slots"`
	Reserve           int `dynamodbav:"inReserve"`
	Used              int `dynamodbav:"inUse"`
	CordonedUsed      int `dynamodbav:"cordonedUsed"`
	Leaving           int `dynamodbav:"leaving"`
	Cooling           int `dynamodbav:"cooling"`
	GivenUp           int `dynamodbav:"givenUp"`
}

func encodeCounters(c pool.Counters) counters {
	return counters{
		Hosts: c.Hosts, Provisioning: c.Provisioning, ProvisioningSlots: c.ProvisioningSlots, InService: c.InService, Cordoned: c.Cordoned,
		Quarantined: c.Quarantined, Slots: c.Slots, Reserve: c.Reserve, Used: c.Used, CordonedUsed: c.CordonedUsed, Leaving: c.Leaving, Cooling: c.Cooling,
		GivenUp: c.GivenUp,
	}
}

func (c counters) decode(room pool.Room) pool.Counters {
	return pool.Counters{
		Hosts: c.Hosts, Provisioning: c.Provisioning, ProvisioningSlots: c.ProvisioningSlots, InService: c.InService, Cordoned: c.Cordoned,
		Quarantined: c.Quarantined, Slots: c.Slots, Reserve: c.Reserve, Used: c.Used, CordonedUsed: c.CordonedUsed, Leaving: c.Leaving, Cooling: c.Cooling,
		GivenUp: c.GivenUp, Room: room,
	}
}

// leadItem and owedItem have Unix seconds and seconds.
type leadItem struct {
	At   int64 `dynamodbav:"at"`
	Took int64 `dynamodbav:"took"`
}

type owedItem struct {
	DecidedAt int64 `dynamodbav:"decided"`
	FailedAt  int64 `dynamodbav:"failed"`
}

type comingItem struct {
	Host      pool.HostID `dynamodbav:"host"`
	DecidedAt int64       `dynamodbav:"decided,omitempty"` // Unix seconds, like the next
	OrderedAt int64       `dynamodbav:"ordered"`
	Slots     int         `dynamodbav:"slots"`
}

// Pool reads a pool's record; one that does not exist reads as a zero record with its key.
func (l *Ledger) Pool(ctx context.Context, k pool.Key) (pool.Record, error) {
	var i poolItem
	if err := l.get(ctx, poolKey(k), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return pool.Record{}, fmt.Errorf("read pool %s: %w", k, err)
	}
	r := pool.Record{
		Key: k, Seq: i.Seq, Counters: i.counters.decode(i.room),
		Failures: i.Failures, BackoffUntil: seconds(i.BackoffUntil), Size: i.Size, Noted: i.Noted, Counted: i.Counted,
	}
	for _, lead := range i.Leads {
		r.Leads = append(r.Leads, pool.Lead{At: seconds(lead.At), Took: time.Duration(lead.Took) * time.Second})
	}
	for _, owed := range i.Owed {
		r.Owed = append(r.Owed, pool.Owed{DecidedAt: seconds(owed.DecidedAt), FailedAt: seconds(owed.FailedAt)})
	}
	for _, c := range i.Coming {
		r.Coming = append(r.Coming, pool.Coming{Host: c.Host, DecidedAt: seconds(c.DecidedAt), OrderedAt: seconds(c.OrderedAt), Slots: c.Slots})
	}
	return r, nil
}

// poolChange is an update of a pool's record. The record is made if it is not there.
type poolChange struct {
	conditions
	key         pool.Key
	add         []string
	set, remove []string
}

// newPoolChange moves a pool's counters by a difference.
func newPoolChange(k pool.Key, by pool.Counters) (*poolChange, error) {
	c := &poolChange{key: k}
	moved, err := encode(encodeCounters(by))
	if err != nil {
		return nil, err
	}
	maps.Copy(moved, encodeRoom(by.Room))
	for _, name := range slices.Sorted(maps.Keys(moved)) {
		if n, ok := moved[name].(*types.AttributeValueMemberN); ok && n.Value == "0" {
			continue
		}
		c.add = append(c.add, "#"+name+" :"+name)
		c.names = append(c.names, name)
		c.value(":"+name, moved[name])
	}
	return c, nil
}

// note adds that the record, read as seen, is to be after, its counters aside. What others noted since
// is a conflict.
func (c *poolChange) note(seen, after pool.Record) error {
	var leads []leadItem
	for _, lead := range after.Leads {
		leads = append(leads, leadItem{At: unix(lead.At), Took: int64(lead.Took / time.Second)})
	}
	var owed []owedItem
	for _, o := range after.Owed {
		owed = append(owed, owedItem{DecidedAt: unix(o.DecidedAt), FailedAt: unix(o.FailedAt)})
	}
	var coming []comingItem
	for _, o := range after.Coming {
		coming = append(coming, comingItem{Host: o.Host, DecidedAt: unix(o.DecidedAt), OrderedAt: unix(o.OrderedAt), Slots: o.Slots})
	}
	c.equal("noted", seen.Noted)
	for name, value := range map[string]any{
		"seq": after.Seq, "failures": after.Failures, "backoffUntil": unix(after.BackoffUntil), "leads": leads, "owed": owed,
		"coming": coming, "size": after.Size, "counted": after.Counted,
	} {
		encoded, err := attributevalue.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode the %s of pool %s: %w", name, c.key, err)
		}
		c.set = append(c.set, "#"+name+" = :new_"+name)
		c.names = append(c.names, name)
		c.value(":new_"+name, encoded)
	}
	slices.Sort(c.set)
	c.set = append(c.set, "#noted = :new_noted")
	c.value(":new_noted", number(after.Noted))
	return nil
}

// empty means that the record stays as it is.
func (c *poolChange) empty() bool { return len(c.add)+len(c.set)+len(c.remove) == 0 }

func (c *poolChange) update() *types.Update {
	var expression []string
	for _, part := range []struct {
		word    string
		clauses []string
	}{{"SET ", c.set}, {"REMOVE ", c.remove}, {"ADD ", c.add}} {
		if len(part.clauses) > 0 {
			expression = append(expression, part.word+strings.Join(part.clauses, ", "))
		}
	}
	joined, condition := strings.Join(expression, " "), strings.Join(c.clauses, " AND ")
	u := &types.Update{
		Key: poolKey(c.key).attributes(), UpdateExpression: &joined,
		ExpressionAttributeNames: names(c.names...), ExpressionAttributeValues: c.values,
	}
	if condition != "" {
		u.ConditionExpression = &condition
	}
	return u
}
