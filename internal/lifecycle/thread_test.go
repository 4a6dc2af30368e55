package lifecycle_test

import (
	"context"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// What AWS says of a record bears no correlation id of ours. What is done then is of the record's thread all the same, to the message
// by which it is gone on with.
func TestARecordIsDrivenByItsOwnThread(t *testing.T) {
	var heard []string
	hear := func(ctx context.Context) { heard = append(heard, events.Correlation(ctx)) }
	machine := lifecycle.Machine[pool.Host]{
		Save:     func(_ context.Context, _, after pool.Host, _ pool.Outcome) (pool.Host, error) { return after, nil },
		Progress: func(h *pool.Host) *pool.Progress { return &h.Progress },
		History:  func(h pool.Host) []pool.Entry { return h.History },
		Steps: map[pool.Step]lifecycle.Do[pool.Host]{pool.StepActivate: func(ctx context.Context, h pool.Host) (lifecycle.Next[pool.Host], error) {
			hear(ctx)
			return lifecycle.Next[pool.Host]{Record: h, Wait: time.Second}, nil
		}},
		Later: func(ctx context.Context, _ string, _ lifecycle.Cursor, _ time.Duration) error { hear(ctx); return nil },
		Moved: func(ctx context.Context, _, _ pool.Host) { hear(ctx) },
		Time:  func(context.Context) bool { return true },
	}
	for _, test := range []struct{ thread, want string }{{"of-the-order", "of-the-order"}, {"", "of-an-event"}} {
		heard = nil
		host := pool.Host{Progress: pool.Started(pool.StepActivate, start), History: []pool.Entry{{What: "ordered", Correlation: test.thread}}}
		if err := machine.Go(events.WithCorrelation(t.Context(), "of-an-event"), "share-standard-1", host); err != nil {
			t.Fatal(err)
		}
		if len(heard) != 3 || heard[0] != test.want || heard[1] != test.want || heard[2] != test.want {
			t.Errorf("by %q it is driven as %q", test.thread, heard)
		}
	}
}
