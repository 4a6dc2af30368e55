package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// recoveryItem is the one item that says how far a recovery is.
type recoveryItem struct {
	key
	Form     int           `dynamodbav:"form"`
	By       string        `dynamodbav:"by,omitempty"`
	Why      string        `dynamodbav:"why,omitempty"`
	Message  string        `dynamodbav:"message,omitempty"`
	AskedAt  time.Time     `dynamodbav:"askedAt,omitempty"`
	Came     string        `dynamodbav:"came,omitempty"`
	Done     bool          `dynamodbav:"done,omitempty"`
	HeldAt   time.Time     `dynamodbav:"heldAt,omitempty"`
	LookedAt time.Time     `dynamodbav:"lookedAt,omitempty"`
	Digest   string        `dynamodbav:"digest,omitempty"`
	Lines    []lineItem    `dynamodbav:"lines,omitempty"`
	Unsure   []lineItem    `dynamodbav:"unsure,omitempty"`
	Keep     []pool.HostID `dynamodbav:"keep,omitempty"`
	More     int           `dynamodbav:"more,omitempty"`
	Applying string        `dynamodbav:"applying,omitempty"`
	Holding  bool          `dynamodbav:"holding,omitempty"`
	Freeing  bool          `dynamodbav:"freeing,omitempty"`
	Slot     *answerItem   `dynamodbav:"slot,omitempty"`
	Version  int64         `dynamodbav:"version"`
}

type answerItem struct {
	Message string `dynamodbav:"message"`
	Of      string `dynamodbav:"of"`
	Came    string `dynamodbav:"came"`
	Done    bool   `dynamodbav:"done,omitempty"`
}

type lineItem struct {
	What string `dynamodbav:"what"`
	Of   string `dynamodbav:"of"`
	Why  string `dynamodbav:"why"`
}

func recoveryKey() key { return key{"RECOVERY", "RECOVERY"} }

// Recovery reads how far a recovery is; what was never written has version 0.
func (l *Ledger) Recovery(ctx context.Context) (recovery.Record, error) {
	var i recoveryItem
	if err := l.get(ctx, recoveryKey(), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return recovery.Record{}, fmt.Errorf("read how far the recovery is: %w", err)
	}
	r := recovery.Record{
		By: i.By, Why: i.Why, Message: i.Message, AskedAt: i.AskedAt, Came: i.Came, Done: i.Done, HeldAt: i.HeldAt, LookedAt: i.LookedAt,
		Digest: i.Digest, Keep: i.Keep, More: i.More, Applying: i.Applying, Holding: i.Holding, Freeing: i.Freeing, Version: i.Version,
	}
	if i.Slot != nil {
		r.Slot = recovery.Answer(*i.Slot)
	}
	for _, line := range i.Lines {
		r.Lines = append(r.Lines, recovery.Line(line))
	}
	for _, line := range i.Unsure {
		r.Unsure = append(r.Unsure, recovery.Line(line))
	}
	return r, nil
}

// SaveRecovery writes how far a recovery is, on the condition that the stored version is before's.
func (l *Ledger) SaveRecovery(ctx context.Context, before, after recovery.Record) error {
	stored := recoveryItem{
		key: recoveryKey(), Form: form, By: after.By, Why: after.Why, Message: after.Message, AskedAt: after.AskedAt.UTC(), Came: after.Came, Done: after.Done,
		HeldAt: after.HeldAt.UTC(), LookedAt: after.LookedAt.UTC(), Digest: after.Digest, Keep: after.Keep, More: after.More, Applying: after.Applying, Holding: after.Holding, Freeing: after.Freeing, Version: before.Version + 1,
	}
	if after.Slot != (recovery.Answer{}) {
		answer := answerItem(after.Slot)
		stored.Slot = &answer
	}
	for _, line := range after.Lines {
		stored.Lines = append(stored.Lines, lineItem(line))
	}
	for _, line := range after.Unsure {
		stored.Unsure = append(stored.Unsure, lineItem(line))
	}
	i, err := encode(stored)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save how far the recovery is: %w", err)
	}
	return nil
}
