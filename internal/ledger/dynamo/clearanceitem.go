package dynamo

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"headroom/internal/pool"
)

// clearanceItem is a clearance's stored form. Its ID is in its key only.
type clearanceItem struct {
	key
	deadline
	Form     int                 `dynamodbav:"form"`
	Kind     pool.Kind           `dynamodbav:"kind"`
	Holding  holdingItem         `dynamodbav:"holding"`
	CoolDown time.Duration       `dynamodbav:"coolDown"`
	State    pool.ClearanceState `dynamodbav:"state"`
	progress
	Failing   failingItem `dynamodbav:"failing"`
	Next      string      `dynamodbav:"next"`
	NextShare string      `dynamodbav:"nextShare,omitempty"`
	Gateway   string      `dynamodbav:"gateway,omitempty"`
	Cursor    string      `dynamodbav:"cursor,omitempty"`
	Destroyed int64       `dynamodbav:"destroyed,omitempty"`
	Clean     int         `dynamodbav:"clean,omitempty"`
	LookedAt  *time.Time  `dynamodbav:"lookedAt,omitempty"`
	Unclean   int         `dynamodbav:"unclean,omitempty"`
	Task      string      `dynamodbav:"task,omitempty"`
	TaskAt    *time.Time  `dynamodbav:"taskAt,omitempty"`
	Address   string      `dynamodbav:"address,omitempty"`
	Report    string      `dynamodbav:"report,omitempty"`
	Look      int         `dynamodbav:"look,omitempty"`
	Proofs    []proofItem `dynamodbav:"proofs,omitempty"`
	History   []entryItem `dynamodbav:"history"`
	Version   int64       `dynamodbav:"version"`
}

const clearanceSort = "CLEAR#"

func clearanceKey(id pool.ClearanceID) key {
	departure := departureKey(id.Departure())
	kind := strings.TrimPrefix(string(id), string(id.Departure())+"/")
	return key{departure.PK, clearanceSort + strings.TrimPrefix(departure.SK, departureSort) + "#" + kind}
}

func encodeClearance(c pool.Clearance) (item, error) {
	return encode(clearanceItem{
		key: clearanceKey(c.ID()), deadline: deadlineOf(dueClearance, c.Due), Form: form, Kind: c.Kind, Holding: holdingItem(c.Holding), CoolDown: c.CoolDown,
		State: c.State, progress: encodeProgress(c.Progress), Failing: encodeFailing(c.Failing), Next: c.Next, NextShare: c.NextShare, Gateway: c.Gateway, Cursor: c.Cursor, Destroyed: c.Destroyed,
		Clean: c.Clean, LookedAt: moment(c.LookedAt), Unclean: c.Unclean, Task: c.Task, TaskAt: moment(c.TaskAt), Address: c.Address, Report: c.Report, Look: c.Look,
		Proofs: encodeProofs(c.Proofs), History: encodeHistory(c.History), Version: c.Version,
	})
}

// departure is the departure whose clearance the item is.
func (i clearanceItem) departure() pool.DepartureID {
	mark := strings.TrimSuffix(strings.TrimPrefix(i.SK, clearanceSort), "#"+string(i.Kind))
	return pool.DepartureID(strings.TrimPrefix(i.PK, tenantPrefix) + "." + mark)
}

func (i clearanceItem) clearance() pool.Clearance {
	return pool.Clearance{
		Departure: i.departure(), Kind: i.Kind, Holding: pool.Holding(i.Holding), CoolDown: i.CoolDown,
		State: i.State, Progress: i.progress.decode(i.time()), Failing: i.Failing.decode(), Next: i.Next, NextShare: i.NextShare, Gateway: i.Gateway, Cursor: i.Cursor, Destroyed: i.Destroyed,
		Clean: i.Clean, LookedAt: from(i.LookedAt), Unclean: i.Unclean, Task: i.Task, TaskAt: from(i.TaskAt), Address: i.Address, Report: i.Report, Look: i.Look,
		Proofs: decodeProofs(i.Proofs), History: decodeHistory(i.History), Version: i.Version,
	}
}

func decodeClearance(stored item) (pool.Clearance, error) {
	var i clearanceItem
	if err := attributevalue.UnmarshalMap(stored, &i); err != nil {
		return pool.Clearance{}, fmt.Errorf("decode a clearance: %w", err)
	}
	return i.clearance(), nil
}
