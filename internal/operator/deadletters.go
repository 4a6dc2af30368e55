package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/events"
)

const (
	// peekTime hides messages that are looked at from others who look, while they are read.
	peekTime = 30
	// peekRounds bounds how often messages are asked for: SQS gives ten at most, and not all that there are.
	peekRounds = 50
	// logsBack is how long before a message was sent its failures are looked for, for clocks that differ.
	logsBack = 5 * time.Minute
)

// DeadLetter is a message that could not be handled.
type DeadLetter struct {
	ID       string               `json:"messageId"`         // by which it is redriven and dropped
	FirstID  string               `json:"firstId,omitempty"` // that its sender was given, and that logs and events name; left out: it is messageId
	Type     string               `json:"type"`              // of the message
	SentAt   time.Time            `json:"sentAt"`            // at first
	SentBy   string               `json:"sentBy,omitempty"`  // as SQS knew the sender, and not the function that kept it; left out: not known
	Received int                  `json:"received"`          // how often, looks at it included
	Why      string               `json:"why"`               // it is here
	Faults   []*events.FieldError `json:"faults,omitempty"`  // all fields of a message from outside that can't be meant, whatever there is besides
	Body     string               `json:"body"`              // so much of it as is shown, without what may be secret
	Attrs    map[string]string    `json:"attributes,omitempty"`
	Age      string               `json:"-"`               // since it was sent at first, coarsely
	Stale    string               `json:"stale,omitempty"` // why it is not sent again; left out: it would be
	Thread   string               `json:"correlationId,omitempty"`

	body    string // as it is
	attrs   map[string]string
	receipt string
}

// DeadLetters reads the dead letters of a queue, the oldest first, and says of each why it is there: what it was refused
// for, or the last failure in the function's log. They stay where they are. What looks like a secret is left out, unless
// secrets are asked for.
func (o *Operator) DeadLetters(ctx context.Context, name string, secrets bool) (Queue, []DeadLetter, error) {
	q, err := o.deadLetters(ctx, name)
	if err != nil {
		return q, nil, err
	}
	letters, err := o.take(ctx, q, peekTime)
	if err != nil {
		return q, nil, err
	}
	for i := range letters {
		if err := o.putBack(ctx, q, letters[i]); err != nil {
			return q, nil, err
		}
		if letters[i].Why == "" {
			letters[i].Why = printable(o.failure(ctx, q, letters[i]))
		}
		if letters[i].Stale, err = o.stale(ctx, letters[i]); err != nil {
			return q, nil, err
		}
		if secrets {
			letters[i].Body = bounded(printable(letters[i].body), bodyShown)
		}
	}
	return q, letters, nil
}

// take receives all dead letters that SQS will give, and hides them for a while.
func (o *Operator) take(ctx context.Context, q Queue, hidden int32) ([]DeadLetter, error) {
	seen := map[string]bool{}
	var letters []DeadLetter
	for range peekRounds {
		out, err := o.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.dead, MaxNumberOfMessages: 10, VisibilityTimeout: hidden, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return nil, fmt.Errorf("read the dead letters of %s: %w", q.Queue, err)
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			if id := aws.ToString(m.MessageId); !seen[id] {
				seen[id] = true
				letters = append(letters, o.letterOf(q, m))
			}
		}
	}
	slices.SortStableFunc(letters, func(a, b DeadLetter) int { return a.SentAt.Compare(b.SentAt) })
	return letters, nil
}

func (o *Operator) letterOf(q Queue, m types.Message) DeadLetter {
	l := DeadLetter{ID: aws.ToString(m.MessageId), body: aws.ToString(m.Body), receipt: aws.ToString(m.ReceiptHandle)}
	l.Body = bounded(printable(redacted(l.body)), bodyShown)
	l.Type = bounded(printable(events.TypeOf([]byte(l.body))), attributeShown)
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.SentAt = events.First(time.UnixMilli(ms).UTC(), aws.ToString(m.MessageAttributes[events.AttributeSentAt].StringValue))
		l.Age = Ago(o.Now().Sub(l.SentAt))
	}
	l.Received, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // SQS gives a number
	for name, value := range m.MessageAttributes {
		if l.Attrs == nil {
			l.Attrs, l.attrs = map[string]string{}, map[string]string{}
		}
		l.attrs[name] = aws.ToString(value.StringValue)
		l.Attrs[printable(name)] = bounded(printable(redacted(l.attrs[name])), attributeShown)
	}
	if reason := l.Attrs[events.AttributeReason]; reason != "" {
		l.Why = "refused: " + l.Attrs[events.AttributeField] + " " + reason
	}
	if first := l.attrs[events.AttributeID]; events.ValidCorrelation(first) && first != l.ID {
		l.FirstID = first
	}
	// Who sends a message may give it any attributes: who sent it is believed of the function alone that keeps what it refuses.
	if l.SentBy = printable(m.Attributes["SenderId"]); strings.HasSuffix(l.SentBy, ":"+o.driven(q)) {
		l.SentBy = l.Attrs[events.AttributeSender]
	}
	l.Faults = events.Faults([]byte(l.body))
	l.Thread = events.Delivery{ID: l.ID, FirstID: l.FirstID, Body: l.body}.Correlation()
	return l
}

// driven is the name of the function that a queue drives; empty: none.
func (o *Operator) driven(q Queue) string {
	function, named := drives[q.Queue]
	if !named {
		function = q.Queue
	}
	if function == "" {
		return ""
	}
	return "headroom-" + o.Stage + "-" + function
}

func (o *Operator) putBack(ctx context.Context, q Queue, l DeadLetter) error {
	_, err := o.Queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.dead, ReceiptHandle: &l.receipt, VisibilityTimeout: 0})
	if err != nil {
		return fmt.Errorf("put dead letter %s of %s back: %w", l.ID, q.Queue, err)
	}
	return nil
}

// failure is what the log of the function has of a message. That it can't be had is no failure of who looks.
func (o *Operator) failure(ctx context.Context, q Queue, l DeadLetter) string {
	function := o.driven(q)
	if function == "" {
		return "it could not be delivered to a queue"
	}
	group := "/aws/lambda/" + function
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: aws.String(fmt.Sprintf("{ $.messageId = %q }", l.ID)), StartTime: aws.Int64(l.SentAt.Add(-logsBack).UnixMilli()),
	}
	last := ""
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(o.Logs, in)
	for range 5 {
		if !pages.HasMorePages() {
			break
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "not known: the log of " + function + " can't be read"
		}
		for _, e := range page.Events {
			var line struct{ Error, Reason string }
			if json.Unmarshal([]byte(aws.ToString(e.Message)), &line) == nil && line.Error+line.Reason != "" {
				last = line.Error + line.Reason
			}
		}
	}
	if last == "" {
		return "not known: the log of " + function + " has nothing of it"
	}
	return last
}
