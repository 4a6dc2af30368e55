// Package queue is SQS: batches of messages coming in, and messages going out.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

// Message is one message of a batch.
type Message struct {
	ID           string
	Body         string
	ReceiveCount int       // deliveries so far, this one included; 1 when SQS does not say
	SentAt       time.Time // zero when SQS does not say
	Queue        string    // name of the queue that it came from
}

// Redelivered says that the message was delivered before, so that whatever it asks for may be half
// done.
func (m Message) Redelivered() bool { return m.ReceiveCount > 1 }

const (
	// margin is what is left of an invocation's time when the time of its messages is over. An
	// invocation that Lambda has to end answers nothing, and then every message of its batch has failed.
	margin = 1500 * time.Millisecond
	// moment is how much of the margin messages have to end in, once their time is over.
	moment = 500 * time.Millisecond
)

// errUnended is the failure of a message that has not ended in time.
var errUnended = errors.New("the message goes on after its time is over")

// end is how a message of a batch ended.
type end struct {
	message int // its place in the batch
	err     error
}

// Batch gives each message to handle, all of them at once. Those that fail, or panic, are named in
// the response, in the order of the batch, and so delivered again; the others are done. The error is
// always nil: an error would fail the whole batch.
//
// The messages' time is over a margin before the deadline of ctx, so that the response is in time
// whatever a message does: one that hangs fails alone. If it does not heed its context either, it goes
// on after the response: its process is frozen then, and the message gets on when the process is next
// invoked, beside its own next delivery, or never. Handlers are made for both: each message may be
// handled twice at once, or be killed anywhere.
//
// How the messages of a batch interleave is the Go scheduler's choice. Who has to choose it, as a
// simulation does, delivers one message a batch.
func Batch(ctx context.Context, batch lambdaevents.SQSEvent, handle func(context.Context, Message) error) (lambdaevents.SQSEventResponse, error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	var messages []Message
	ends := make(chan end, len(batch.Records)) // room for all, also for those that nobody waits for any more
	for i, record := range batch.Records {
		m := messageOf(record)
		messages = append(messages, m)
		go func() { ends <- end{i, guarded(ctx, m, handle)} }()
	}
	var out lambdaevents.SQSEventResponse
	for i, err := range gather(ctx, ends, len(messages)) {
		if err != nil {
			m := messages[i]
			slog.ErrorContext(ctx, "message failed", "messageId", m.ID, "receiveCount", m.ReceiveCount, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: m.ID})
		}
	}
	return out, nil
}

// inTime gives the context of messages. A context without a deadline sets them none.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// gather waits for the ends of so many messages, but not longer than a moment after their context's,
// and gives their errors in the order of the batch.
func gather(ctx context.Context, ends <-chan end, messages int) []error {
	failures := slices.Repeat([]error{errUnended}, messages)
	left := messages
	until := func(over <-chan struct{}) {
		for left > 0 {
			select {
			case e := <-ends:
				failures[e.message] = e.err
				left--
			case <-over:
				return
			}
		}
	}
	until(ctx.Done())
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	until(last.Done())
	return failures
}

// guarded turns a panic into an error. After its time no message is begun.
func guarded(ctx context.Context, m Message, handle func(context.Context, Message) error) (err error) {
	if ctx.Err() != nil {
		return fmt.Errorf("begin message: %w", ctx.Err())
	}
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "message panicked", "messageId", m.ID, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return handle(ctx, m)
}

func messageOf(record lambdaevents.SQSMessage) Message {
	m := Message{ID: record.MessageId, Body: record.Body, ReceiveCount: 1}
	// An ARN ends in the queue's name: arn:aws:sqs:<region>:<account>:<name>.
	m.Queue = record.EventSourceARN[strings.LastIndex(record.EventSourceARN, ":")+1:]
	if n, err := strconv.Atoi(record.Attributes["ApproximateReceiveCount"]); err == nil {
		m.ReceiveCount = n
	}
	if ms, err := strconv.ParseInt(record.Attributes["SentTimestamp"], 10, 64); err == nil {
		m.SentAt = time.UnixMilli(ms).UTC()
	}
	return m
}
