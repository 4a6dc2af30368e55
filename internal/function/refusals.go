package function

import (
	"context"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// keeper keeps a message that was refused.
type keeper interface {
	SendRaw(ctx context.Context, body string, attributes map[string]string) error
}

// rejecter remembers that a message was refused; what it remembers of it already stays.
type rejecter interface {
	Reject(ctx context.Context, r pool.Rejection) error
}

// Refusals keeps messages that were refused, and remembers that of each for a while, under the ID that its sender knows:
// who sent it and waits need not wait for what never comes.
type Refusals struct {
	Next   keeper
	Ledger rejecter
	Now    func() time.Time
}

// SendRaw keeps a message with what events.Delivery.Kept says of it.
func (r Refusals) SendRaw(ctx context.Context, body string, attributes map[string]string) error {
	if err := r.Next.SendRaw(ctx, body, attributes); err != nil {
		return err
	}
	return r.Ledger.Reject(ctx, pool.Rejection{
		Message: attributes[events.AttributeID], Field: attributes[events.AttributeField], Reason: attributes[events.AttributeReason], At: r.Now(),
	})
}
