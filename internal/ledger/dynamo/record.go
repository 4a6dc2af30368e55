package dynamo

import (
	"cmp"
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

	// Correlation is left out where it is that of the line before: most lines of a history come of one message.
	Correlation string `dynamodbav:"thread,omitempty"`
}

func encodeHistory(history []pool.Entry) []entryItem {
	var stored []entryItem
	last := ""
	for _, e := range history {
		line := entryItem(e)
		if e.Correlation == last {
			line.Correlation = ""
		}
		stored, last = append(stored, line), e.Correlation
	}
	return stored
}

func decodeHistory(stored []entryItem) []pool.Entry {
	var history []pool.Entry
	last := ""
	for _, line := range stored {
		e := pool.Entry(line)
		e.Correlation = cmp.Or(e.Correlation, last)
		history, last = append(history, e), e.Correlation
	}
	return history
}
