package function

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

	"headroom/events"
)

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

// Batch makes a function, as aws-lambda-go takes it, of what is done with each message. It hands all
// messages of a batch to each at once. Those that fail, or panic, are named in the response, in the
// order of the batch, and so delivered again; the others are done. The error is always nil: an error
// would fail the whole batch.
//
// The messages' time is over a margin before the deadline of the invocation, so that the response is
// in time whatever a message does: one that hangs fails alone. If it does not heed its context either, it goes
// on after the response: its process is frozen then, and the message gets on when the process is next
// invoked, beside its own next delivery, or never. Handlers are made for both: each message may be
// handled twice at once, or be killed anywhere.
//
// How the messages of a batch interleave is the Go scheduler's choice. Who has to choose it, as a
// simulation has, delivers one message a batch.
func Batch(each func(context.Context, events.Delivery) error) func(context.Context, lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	return func(ctx context.Context, batch lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
		ctx, cancel := inTime(ctx)
		defer cancel()
		ends := make(chan end, len(batch.Records)) // room for all, also for those that nobody waits for any more
		for i, record := range batch.Records {
			go func() { ends <- end{i, guarded(correlated(ctx, record), deliveryOf(record), each)} }()
		}
		var out lambdaevents.SQSEventResponse
		for i, err := range gather(ctx, ends, len(batch.Records)) {
			if err != nil {
				failed := batch.Records[i]
				slog.ErrorContext(correlated(ctx, failed), "message failed", "messageId", failed.MessageId, "receiveCount", received(failed), "error", err)
				out.BatchItemFailures = append(out.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: failed.MessageId})
			}
		}
		return out, nil
	}
}

// Whole makes a function, as aws-lambda-go takes it, of what is done once for a whole batch, whose
// messages all ask for the same. An error fails all of them.
func Whole(all func(context.Context, []events.Delivery) error) func(context.Context, lambdaevents.SQSEvent) error {
	return func(ctx context.Context, batch lambdaevents.SQSEvent) error {
		var deliveries []events.Delivery
		for _, record := range batch.Records {
			deliveries = append(deliveries, deliveryOf(record))
		}
		if len(batch.Records) > 0 { // what is done for all of them counts as done for the first
			ctx = correlated(ctx, batch.Records[0])
		}
		err := all(ctx, deliveries)
		if err != nil { // else only Lambda's own words would stand in the log
			slog.ErrorContext(ctx, "messages failed", "messages", len(deliveries), "error", err)
		}
		return err
	}
}

// inTime returns the context of messages. A context without a deadline sets them none.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// gather waits for the ends of so many messages, but not longer than a moment after their context's,
// and returns their errors in the order of the batch.
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
func guarded(ctx context.Context, d events.Delivery, each func(context.Context, events.Delivery) error) (err error) {
	if ctx.Err() != nil {
		return fmt.Errorf("begin message: %w", ctx.Err())
	}
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "message panicked", "messageId", d.ID, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return each(ctx, d)
}

// correlated is the context of what is done because of a message.
func correlated(ctx context.Context, record lambdaevents.SQSMessage) context.Context {
	return events.WithCorrelation(ctx, deliveryOf(record).Correlation())
}

func deliveryOf(record lambdaevents.SQSMessage) events.Delivery {
	d := events.Delivery{ID: record.MessageId, Body: record.Body, Sender: record.Attributes["SenderId"], Redelivered: received(record) > 1}
	d.FirstID = attribute(record, events.AttributeID)
	// An ARN ends in the queue's name: arn:aws:sqs:<region>:<account>:<name>.
	d.Queue = record.EventSourceARN[strings.LastIndex(record.EventSourceARN, ":")+1:]
	if ms, err := strconv.ParseInt(record.Attributes["SentTimestamp"], 10, 64); err == nil {
		d.QueuedAt = time.UnixMilli(ms).UTC()
		d.SentAt = events.First(d.QueuedAt, attribute(record, events.AttributeSentAt))
	}
	return d
}

// attribute is a message's attribute of a name; empty: it has none.
func attribute(record lambdaevents.SQSMessage, name string) string {
	if value := record.MessageAttributes[name].StringValue; value != nil {
		return *value
	}
	return ""
}

// received is how often a message was delivered so far, this time included; 1 when SQS does not say.
func received(record lambdaevents.SQSMessage) int {
	if n, err := strconv.Atoi(record.Attributes["ApproximateReceiveCount"]); err == nil {
		return n
	}
	return 1
}
