// Package bus publishes Headroom's events on its EventBridge bus.
package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	smithytime "github.com/aws/smithy-go/time"

	"headroom/events"
)

const (
	// batchMax is EventBridge's limit of entries in one request.
	batchMax = 10
	// attempts bounds how often an entry is sent; the SDK's retries of whole requests come on top.
	attempts = 4
	// backoffMax bounds the wait before failed entries are sent again.
	backoffMax = 500 * time.Millisecond
)

type client interface {
	PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, opts ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher publishes events on one bus.
type Publisher struct {
	Client client
	Bus    string // name
}

// Publish publishes events, with the correlation id of the context where they bear none. When it returns an error some of them may have been published, and
// publishing all of them again is right: consumers get events at least once anyway.
func (p *Publisher) Publish(ctx context.Context, out ...events.Event) error {
	entries := make([]types.PutEventsRequestEntry, 0, len(out))
	for _, e := range out {
		detail, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("write %s as JSON: %w", e.DetailType(), err)
		}
		entries = append(entries, types.PutEventsRequestEntry{
			EventBusName: &p.Bus, Source: aws.String(events.Source),
			DetailType: aws.String(e.DetailType()), Detail: aws.String(string(events.Correlate(ctx, detail))),
		})
	}
	for batch := range slices.Chunk(entries, batchMax) {
		if err := p.put(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// put sends a batch, then what of it failed, until nothing is left: EventBridge takes some entries
// of a request and refuses others, without an error.
func (p *Publisher) put(ctx context.Context, batch []types.PutEventsRequestEntry) error {
	var code, message string
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return fmt.Errorf("publish %d events on %s: %w", len(batch), p.Bus, err)
		}
		out, err := p.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: batch})
		if err != nil {
			return fmt.Errorf("publish %d events on %s: %w", len(batch), p.Bus, err)
		}
		if out.FailedEntryCount == 0 {
			return nil
		}
		var failed []types.PutEventsRequestEntry
		for i, entry := range out.Entries {
			if entry.ErrorCode != nil && i < len(batch) {
				failed = append(failed, batch[i])
				code, message = *entry.ErrorCode, aws.ToString(entry.ErrorMessage)
			}
		}
		batch = failed
	}
	return fmt.Errorf("publish on %s: %d events failed, the last with %s: %s", p.Bus, len(batch), code, message)
}

// backoff doubles with each attempt, with full jitter.
var backoff = retry.NewExponentialJitterBackoff(backoffMax)

// wait waits before a repeated attempt.
func wait(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	delay, err := backoff.BackoffDelay(attempt-1, nil)
	if err != nil {
		return fmt.Errorf("draw a delay: %w", err)
	}
	return smithytime.SleepWithContext(ctx, delay)
}
