package killtest

import (
	"context"
	"time"

	"headroom/events"
)

// Publisher publishes events by one Call each time.
type Publisher struct {
	Next interface {
		Publish(ctx context.Context, out ...events.Event) error
	}
	Call Call
}

// Publish calls Next.
func (p Publisher) Publish(ctx context.Context, out ...events.Event) error {
	return p.Call("Publish", func() error { return p.Next.Publish(ctx, out...) })
}

// Notifier notifies by one Call each time.
type Notifier struct {
	Next interface {
		Notify(ctx context.Context, subject, message string, data events.Notice) error
	}
	Call Call
}

// Notify calls Next.
func (n Notifier) Notify(ctx context.Context, subject, message string, data events.Notice) error {
	return n.Call("Notify", func() error { return n.Next.Notify(ctx, subject, message, data) })
}

// Sender sends messages by one Call each.
type Sender struct {
	Next interface {
		Send(ctx context.Context, body any, delay time.Duration) error
		SendRaw(ctx context.Context, body string, attributes map[string]string) error
	}
	Call Call
}

// Send calls Next.
func (s Sender) Send(ctx context.Context, body any, delay time.Duration) error {
	return s.Call("Send", func() error { return s.Next.Send(ctx, body, delay) })
}

// SendRaw calls Next.
func (s Sender) SendRaw(ctx context.Context, body string, attributes map[string]string) error {
	return s.Call("SendRaw", func() error { return s.Next.SendRaw(ctx, body, attributes) })
}
