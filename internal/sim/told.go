package sim

import (
	"context"
	"fmt"

	"headroom/events"
)

// told hears what is announced.
type told struct{ w *world }

// Publish hears events.
func (t told) Publish(_ context.Context, out ...events.Event) error {
	for _, e := range out {
		switch e := e.(type) {
		case events.StorageReady:
			t.w.measured.served(e.TenantID, t.w.line.now)
		case events.StorageWaiting:
			t.w.measured.waits(e, t.w.line.now)
		case events.SignupRejected:
			t.w.broken("signups", fmt.Errorf("the signup of tenant %s was refused: %s %s", e.TenantID, e.Field, e.Reason))
		}
	}
	return nil
}

// Notify hears what people are told.
func (t told) Notify(_ context.Context, subject, _ string, _ events.Notice) error {
	t.w.measured.notices[subject]++
	return nil
}
