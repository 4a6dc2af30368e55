package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"headroom/events"
)

const (
	// visibilityFactor is how many timeouts of its function a message stays away that it was delivered with.
	visibilityFactor = 6
	// receives is how often a message is delivered before it is dead.
	receives = 5
	// batchMost is how many messages one delivery has whose function takes all of them at once.
	batchMost = 10
	// delayMost is SQS's.
	delayMost = 15 * time.Minute
)

// queue delivers each message at least once, in no certain order.
type queue struct {
	w        *world
	name     string
	function string
	timeout  time.Duration // of its function
	whole    bool          // its function takes all messages that are there at once
	handle   func(ctx context.Context, all []events.Delivery) error

	sent  int
	ready []*message // of a function that takes all at once
	dead  []*message
	away  map[*message]bool // messages that are not handled yet
}

type message struct {
	delivery events.Delivery
	received int
	copies   int // that are under way, of which one that is handled takes the message with it
	done     bool
}

// bodies word what messages are, if that is traced.
type bodies []*message

func (b bodies) String() string {
	var all []string
	for _, m := range b {
		all = append(all, fmt.Sprintf("%s (%d) %s", m.delivery.ID, m.received, m.delivery.Body))
	}
	return strings.Join(all, " ")
}

// Send sends a message as JSON. SQS delays by whole seconds.
func (q *queue) Send(ctx context.Context, body any, delay time.Duration) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("send a message to queue %s: %w", q.name, err)
	}
	q.put(string(text), min(max(delay, 0).Round(time.Second), delayMost))
	return ctx.Err()
}

// SendRaw keeps a message that was refused: a queue that is sent to so is read by people.
func (q *queue) SendRaw(_ context.Context, body string, _ map[string]string) error {
	q.dead = append(q.dead, &message{delivery: events.Delivery{Body: body}})
	return nil
}

func (q *queue) put(body string, delay time.Duration) {
	q.sent++
	m := &message{delivery: events.Delivery{ID: fmt.Sprintf("%s-%d", q.name, q.sent), Queue: q.name, Body: body, SentAt: q.w.now}}
	q.away[m] = true
	late := q.w.chances[Late]
	if late.comes() {
		delay += late.between(time.Second, 10*time.Minute)
	}
	q.show(m, delay+q.w.latency())
	if doubled := q.w.chances[Doubled]; doubled.comes() {
		q.show(m, delay+doubled.between(time.Millisecond, time.Minute))
	}
}

// show has a message delivered.
func (q *queue) show(m *message, delay time.Duration) {
	m.copies++
	q.w.after(delay, func() {
		m.received++
		m.delivery.Redelivered = m.received > 1
		if !q.whole {
			q.w.start(q, []*message{m})
			return
		}
		if q.ready = append(q.ready, m); len(q.ready) == 1 {
			q.w.after(100*time.Millisecond, q.deliverAll)
		}
	})
}

func (q *queue) deliverAll() {
	batch := q.ready[:min(len(q.ready), batchMost)]
	if q.ready = q.ready[len(batch):]; len(q.ready) > 0 {
		q.w.after(100*time.Millisecond, q.deliverAll)
	}
	q.w.start(q, batch)
}

// answered hears what came of messages: those that failed come again after a while, until they are dead.
func (q *queue) answered(batch []*message, err error) {
	for _, m := range batch {
		m.copies--
		switch {
		case m.done && err != nil && m.received < receives: // its deletion missed the copy, which is there still
			q.away[m] = true
			q.show(m, visibilityFactor*q.timeout)
		case m.done:
			delete(q.away, m)
		case err == nil:
			m.done = true
			delete(q.away, m)
			if doubled := q.w.chances[Doubled]; doubled.comes() { // its deletion was lost
				m.copies++
				q.w.after(visibilityFactor*q.timeout, func() {
					m.received++
					m.delivery.Redelivered = true
					q.w.start(q, []*message{m})
				})
			}
		case m.copies > 0: // another delivery is under way
		case m.received >= receives:
			m.done = true
			delete(q.away, m)
			q.dead = append(q.dead, m)
			q.w.trace("%s is dead: %s", m.delivery.ID, m.delivery.Body)
		default:
			q.show(m, visibilityFactor*q.timeout)
		}
	}
}
