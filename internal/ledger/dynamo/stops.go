package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// stopsItem is the stop switch's stored form: one item, which is read before each call that it may forbid. One that was set
// by hand may have no version, and no marks.
type stopsItem struct {
	key
	Form    int                             `dynamodbav:"form"`
	Order   bool                            `dynamodbav:"order"`
	Repair  bool                            `dynamodbav:"repair"`
	Destroy bool                            `dynamodbav:"destroy"`
	By      string                          `dynamodbav:"by"`
	Why     string                          `dynamodbav:"why"`
	At      *time.Time                      `dynamodbav:"at,omitempty"`
	Marks   map[pool.StopLevel]stopMarkItem `dynamodbav:"marks,omitempty"`
	Untold  []stopChangeItem                `dynamodbav:"untold,omitempty"`
	Version int64                           `dynamodbav:"version,omitempty"`
}

type stopMarkItem struct {
	By  string     `dynamodbav:"by"`
	Why string     `dynamodbav:"why"`
	At  *time.Time `dynamodbav:"at,omitempty"`
}

type stopChangeItem struct {
	Version int64      `dynamodbav:"version"`
	At      *time.Time `dynamodbav:"at,omitempty"`
	By      string     `dynamodbav:"by"`
	Why     string     `dynamodbav:"why"`
	What    string     `dynamodbav:"what"`
}

func stopsKey() key { return key{"STOP", "STOP"} }

func storedStops(s pool.Stops) stopsItem {
	i := stopsItem{
		key: stopsKey(), Form: form, Order: s.Order, Repair: s.Repair, Destroy: s.Destroy, By: s.By, Why: s.Why, At: moment(s.At), Version: s.Version,
	}
	for level, m := range s.Marks {
		if i.Marks == nil {
			i.Marks = map[pool.StopLevel]stopMarkItem{}
		}
		i.Marks[level] = stopMarkItem{By: m.By, Why: m.Why, At: moment(m.At)}
	}
	for _, c := range s.Untold {
		i.Untold = append(i.Untold, stopChangeItem{Version: c.Version, At: moment(c.At), By: c.By, Why: c.Why, What: c.What})
	}
	return i
}

func (i stopsItem) stops() pool.Stops {
	s := pool.Stops{Order: i.Order, Repair: i.Repair, Destroy: i.Destroy, By: i.By, Why: i.Why, At: from(i.At), Version: i.Version}
	for level, m := range i.Marks {
		if s.Marks == nil {
			s.Marks = map[pool.StopLevel]pool.StopMark{}
		}
		s.Marks[level] = pool.StopMark{By: m.By, Why: m.Why, At: from(m.At)}
	}
	for _, c := range i.Untold {
		s.Untold = append(s.Untold, pool.StopChange{Version: c.Version, At: from(c.At), By: c.By, Why: c.Why, What: c.What})
	}
	return s
}

// Stops reads the stop switch; one that was never set reads as off.
func (l *Ledger) Stops(ctx context.Context) (pool.Stops, error) {
	out, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.Table, Key: stopsKey().attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return pool.Stops{}, fmt.Errorf("read the stop switch: %w", err)
	}
	var i stopsItem
	if err := attributevalue.UnmarshalMap(out.Item, &i); err != nil {
		return pool.Stops{}, fmt.Errorf("decode the stop switch: %w", err)
	}
	return i.stops(), nil
}

// SaveStops sets the stop switch.
func (l *Ledger) SaveStops(ctx context.Context, s pool.Stops) error {
	i, err := encode(storedStops(s))
	if err != nil {
		return err
	}
	if err := l.put(ctx, &types.Put{Item: i}); err != nil {
		return fmt.Errorf("set the stop switch: %w", err)
	}
	return nil
}

// SwitchStops writes the stop switch on the condition that its version is before's; one without a version is of version 0.
func (l *Ledger) SwitchStops(ctx context.Context, before, after pool.Stops) error {
	after.Version = before.Version + 1
	i, err := encode(storedStops(after))
	if err != nil {
		return err
	}
	read := &conditions{}
	read.equal("version", before.Version)
	if err := l.putOnce(ctx, read.put(i)); err != nil {
		return fmt.Errorf("switch the stop switch: %w", err)
	}
	return nil
}
