package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"headroom/events"
)

const (
	// visibility is how long a message that failed stays away.
	visibility = 2 * time.Minute
	// receives is how often a message is delivered before it is dead.
	receives = 5
	// batchMost is how many messages one delivery of a queue holds whose function takes all of them at once.
	batchMost = 10
)

// queue is one of the queues between the functions. It delivers each message once, in the order in which they are
// due, and again when its function failed.
type queue struct {
	line  *timeline
	name  string
	takes time.Duration // from a message to its delivery
	whole bool          // the function takes all messages that are due at once
	// handle is the function.
	handle func(ctx context.Context, all []events.Delivery) error
	// failed hears of a message that was delivered too often.
	failed func(queue string, err error)

	sent  int
	due   []message
	awake bool // a delivery of what is due is planned
}

type message struct {
	delivery events.Delivery
	received int
}

// Send sends a message.
func (q *queue) Send(_ context.Context, body any, delay time.Duration) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("send a message to queue %s: %w", q.name, err)
	}
	q.sent++
	m := message{delivery: events.Delivery{ID: fmt.Sprintf("%s-%d", q.name, q.sent), Queue: q.name, Body: string(text), SentAt: q.line.now, QueuedAt: q.line.now}}
	q.line.after(delay, func() { q.show(m) })
	return nil
}

// show makes a message due.
func (q *queue) show(m message) {
	q.due = append(q.due, m)
	if !q.awake {
		q.awake = true
		q.line.after(q.takes, q.deliver)
	}
}

// deliver delivers what is due.
func (q *queue) deliver() {
	q.awake = false
	batch := q.due
	if q.due = nil; q.whole && len(batch) > batchMost {
		batch, q.due = batch[:batchMost], batch[batchMost:]
		q.awake = true
		q.line.after(q.takes, q.deliver)
	}
	if q.whole {
		q.give(batch)
		return
	}
	for i := range batch {
		q.give(batch[i : i+1])
	}
}

// give has the function handle messages, and shows them again if it fails.
func (q *queue) give(batch []message) {
	all := make([]events.Delivery, len(batch))
	for i := range batch {
		all[i] = batch[i].delivery
		all[i].Redelivered = batch[i].received > 0
	}
	err := q.handle(context.Background(), all)
	if err == nil {
		return
	}
	for _, m := range batch {
		if m.received++; m.received == receives {
			q.failed(q.name, err)
			continue
		}
		q.line.after(visibility, func() { q.show(m) })
	}
}

// each makes a queue's function of one that handles a message at a time.
func each(handle func(context.Context, events.Delivery) error) func(context.Context, []events.Delivery) error {
	return func(ctx context.Context, all []events.Delivery) error { return handle(ctx, all[0]) }
}
