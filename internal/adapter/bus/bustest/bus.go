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

	"headroom/internal/local/constraint"
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
	forms := make([]constraint.Entry, len(in.Entries))
	for i, e := range in.Entries {
		forms[i] = constraint.Entry{
			Source: aws.ToString(e.Source), DetailType: aws.ToString(e.DetailType), Detail: aws.ToString(e.Detail),
			Resources: e.Resources, Timed: e.Time != nil,
		}
	}
	if r := constraint.Entries(forms); r != nil {
		return nil, &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &eventbridge.PutEventsOutput{}
	for i, entry := range in.Entries {
		b.seen++
		refused := forms[i].Refusal()
		if b.RefuseEvery > 0 && b.seen%b.RefuseEvery == 0 {
			refused = &constraint.Refusal{Code: "ThrottlingException", Message: "slow down"}
		}
		if refused != nil {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: &refused.Code, ErrorMessage: &refused.Message})
			continue
		}
		b.published = append(b.published, Event{
			Bus: aws.ToString(entry.EventBusName), Source: forms[i].Source, DetailType: forms[i].DetailType,
			Detail: json.RawMessage(forms[i].Detail),
		})
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("id")})
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
