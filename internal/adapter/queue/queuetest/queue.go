// Package queuetest is an in-memory queue: messages are delivered at least once, in any order, after
// their delay, and again until they are deleted.
package queuetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"headroom/events"
	"headroom/internal/local/constraint"
)

// Message is a message in the queue.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string
	SentAt     time.Time
	VisibleAt  time.Time
	Received   int
}

// Queue is one queue.
type Queue struct {
	Now func() time.Time
	// Double makes each message come twice, as two messages: what a producer that retries does.
	Double bool

	mu       sync.Mutex
	next     int
	messages map[string]Message
}

// Name is the name of every fake queue.
const Name = "queue"

// New is an empty queue.
func New(now func() time.Time) *Queue {
	return &Queue{Now: now, messages: map[string]Message{}}
}

// SendMessage is SQS's.
func (q *Queue) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if aws.ToString(in.QueueUrl) == "" {
		return nil, &smithy.GenericAPIError{Code: "MissingParameter", Message: "The request must contain the parameter QueueUrl."}
	}
	body, attributes, sent := aws.ToString(in.MessageBody), map[string]string{}, map[string]constraint.Attribute{}
	for name, value := range in.MessageAttributes {
		attributes[name] = aws.ToString(value.StringValue)
		sent[name] = constraint.Attribute{Type: aws.ToString(value.DataType), String: attributes[name], Binary: value.BinaryValue}
	}
	if r := constraint.Message(body, int(in.DelaySeconds), sent); r != nil {
		return nil, &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	copies := 1
	if q.Double {
		copies = 2
	}
	id := ""
	for range copies {
		q.next++
		id = fmt.Sprintf("message-%04d", q.next)
		q.messages[id] = Message{
			ID: id, Body: body, Attributes: attributes, SentAt: q.Now(),
			VisibleAt: q.Now().Add(time.Duration(in.DelaySeconds) * time.Second),
		}
	}
	return &sqs.SendMessageOutput{MessageId: &id}, nil
}

// Messages returns what is in the queue, visible or not, in the order of sending.
func (q *Queue) Messages() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []Message
	for _, id := range slices.Sorted(maps.Keys(q.messages)) {
		out = append(out, q.messages[id])
	}
	return out
}

// Next returns when the next message becomes visible; false when the queue is empty.
func (q *Queue) Next() (at time.Time, ok bool) {
	for _, m := range q.Messages() {
		if !ok || m.VisibleAt.Before(at) {
			at, ok = m.VisibleAt, true
		}
	}
	return at, ok
}

// Receive takes the visible message that was sent last, for a standard queue keeps no order; false
// when there is none. It stays invisible for visibility unless it is deleted.
func (q *Queue) Receive(visibility time.Duration) (events.Delivery, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(q.messages))) {
		m := q.messages[id]
		if m.VisibleAt.After(q.Now()) {
			continue
		}
		m.Received++
		m.VisibleAt = q.Now().Add(visibility)
		q.messages[id] = m
		return Delivery(m), true
	}
	return events.Delivery{}, false
}

// Delivery is a message as a function receives it.
func Delivery(m Message) events.Delivery {
	return events.Delivery{ID: m.ID, FirstID: m.Attributes[events.AttributeID], Body: m.Body, Queue: Name, QueuedAt: m.SentAt.UTC(), SentAt: events.First(m.SentAt.UTC(), m.Attributes[events.AttributeSentAt]), Redelivered: m.Received > 1}
}

// Delete deletes a message, as Lambda does with one that was handled.
func (q *Queue) Delete(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.messages, id)
}
