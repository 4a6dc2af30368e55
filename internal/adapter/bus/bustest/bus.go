// Package bustest is an in-memory event bus that refuses some entries of a request, as EventBridge
// does when it is throttled.
package bustest

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
)

// Event is an event that was published.
type Event struct {
	Bus, Source, DetailType string
	Detail                  json.RawMessage
}

// Bus keeps what is published.
type Bus struct {
	// RefuseEvery refuses every n-th entry; 0: none.
	RefuseEvery int

	mu        sync.Mutex
	seen      int
	published []Event
}

// PutEvents is EventBridge's.
func (b *Bus) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(in.Entries) == 0 || len(in.Entries) > 10 {
		return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "1 to 10 entries"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &eventbridge.PutEventsOutput{}
	for _, entry := range in.Entries {
		b.seen++
		detail := json.RawMessage(aws.ToString(entry.Detail))
		switch {
		case b.RefuseEvery > 0 && b.seen%b.RefuseEvery == 0:
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException"), ErrorMessage: aws.String("slow down")})
		case !json.Valid(detail) || len(detail) == 0 || detail[0] != '{':
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String("MalformedDetail"), ErrorMessage: aws.String("Detail is malformed.")})
		default:
			b.published = append(b.published, Event{
				Bus: aws.ToString(entry.EventBusName), Source: aws.ToString(entry.Source),
				DetailType: aws.ToString(entry.DetailType), Detail: detail,
			})
			out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("id")})
		}
	}
	return out, nil
}

// Published returns what was published, in order.
func (b *Bus) Published() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Event(nil), b.published...)
}

// Of returns the details of one type, in order.
func (b *Bus) Of(detailType string) []json.RawMessage {
	var out []json.RawMessage
	for _, e := range b.Published() {
		if e.DetailType == detailType {
			out = append(out, e.Detail)
		}
	}
	return out
}
