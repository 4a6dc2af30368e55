package dynamo

import (
	"time"

	"headroom/internal/pool"
)

// changeItem is the stored form of what becomes of a tenant's addresses. Most tenants have none.
type changeItem struct {
	Coming   []string   `dynamodbav:"coming,omitempty"`
	Going    []string   `dynamodbav:"going,omitempty"`
	Admitted []string   `dynamodbav:"admitted,omitempty"`
	Evicted  []string   `dynamodbav:"evicted,omitempty"`
	Since    *time.Time `dynamodbav:"since,omitempty"`
	Confirm  bool       `dynamodbav:"confirm,omitempty"`
	Untold   bool       `dynamodbav:"untold,omitempty"`
	Regular  int        `dynamodbav:"regular,omitempty"`
	Due      *time.Time `dynamodbav:"changeDue,omitempty"` // in words of its own: the index has another "due"
	First    string     `dynamodbav:"first,omitempty"`
	Words    []wordItem `dynamodbav:"words,omitempty"`
	Forgot   *time.Time `dynamodbav:"forgot,omitempty"`
}

type wordItem struct {
	Address string    `dynamodbav:"ip"`
	At      time.Time `dynamodbav:"at"`
	Out     bool      `dynamodbav:"out,omitempty"`
}

func encodeChange(c pool.Change) *changeItem {
	if c.First == "" { // no wish about its addresses was ever taken
		return nil
	}
	i := &changeItem{
		Coming: c.Coming, Going: c.Going, Admitted: c.Admitted, Evicted: c.Evicted, Since: moment(c.Since),
		Confirm: c.Confirm, Untold: c.Untold, Regular: c.Regular, Due: moment(c.Due), First: c.First, Forgot: moment(c.Forgot),
	}
	for _, w := range c.Words {
		i.Words = append(i.Words, wordItem(w))
	}
	return i
}

func (i *changeItem) decode() pool.Change {
	if i == nil {
		return pool.Change{}
	}
	c := pool.Change{
		Coming: i.Coming, Going: i.Going, Admitted: i.Admitted, Evicted: i.Evicted, Since: from(i.Since),
		Confirm: i.Confirm, Untold: i.Untold, Regular: i.Regular, Due: from(i.Due), First: i.First, Forgot: from(i.Forgot),
	}
	for _, w := range i.Words {
		c.Words = append(c.Words, pool.Word(w))
	}
	return c
}
