package dynamo

import (
	"time"

	"headroom/internal/pool"
)

// form is the version of the stored forms of records. A change of a form moves it, and reads the
// older ones too.
const form = 1

// progress is the stored form of pool.Progress, but for its deadline.
type progress struct {
	Step  pool.Step `dynamodbav:"step,omitempty"`
	Tries int       `dynamodbav:"tries,omitempty"`
	Count int       `dynamodbav:"count,omitempty"`
	Error string    `dynamodbav:"error,omitempty"`
	Stuck pool.Step `dynamodbav:"stuck,omitempty"`
}

func encodeProgress(p pool.Progress) progress {
	return progress{Step: p.Step, Tries: p.Tries, Count: p.Count, Error: p.Error, Stuck: p.Stuck}
}

func (p progress) decode(due time.Time) pool.Progress {
	return pool.Progress{Step: p.Step, Tries: p.Tries, Count: p.Count, Due: due, Error: p.Error, Stuck: p.Stuck}
}

// entryItem is the stored form of a line of a history.
type entryItem struct {
	At   time.Time `dynamodbav:"at"`
	What string    `dynamodbav:"what"`
	Why  string    `dynamodbav:"why"`
}

func encodeHistory(history []pool.Entry) []entryItem {
	var stored []entryItem
	for _, e := range history {
		stored = append(stored, entryItem(e))
	}
	return stored
}

func decodeHistory(stored []entryItem) []pool.Entry {
	var history []pool.Entry
	for _, e := range stored {
		history = append(history, pool.Entry(e))
	}
	return history
}
