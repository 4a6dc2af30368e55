// Package queue is SQS: batches of messages coming in, and messages going out.
package queue

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
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

// Batch gives each message to handle. Those that fail, or panic, are named in the response and so
// delivered again; the others are done. The error is always nil: an error would fail the whole batch.
func Batch(ctx context.Context, batch lambdaevents.SQSEvent, handle func(context.Context, Message) error) (lambdaevents.SQSEventResponse, error) {
	var out lambdaevents.SQSEventResponse
	for _, record := range batch.Records {
		m := messageOf(record)
		if err := guarded(ctx, m, handle); err != nil {
			slog.ErrorContext(ctx, "message failed", "messageId", m.ID, "receiveCount", m.ReceiveCount, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: m.ID})
		}
	}
	return out, nil
}

// guarded turns a panic into an error. After the deadline no message is begun.
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
