package faults

import (
	"context"
	"testing"
	"time"

	"headroom/events"
)

func TestADeadProcessDoesNothingMore(t *testing.T) {
	for _, orphaned := range []float64{0, 1} {
		w := newWorld(Plan{Seed: 1})
		for _, c := range w.chances {
			c.rate = 0
		}
		w.chances[Killed].rate, w.chances[Orphaned].rate = 1, orphaned
		did := 0
		q := &queue{w: w, name: "test", function: "test", timeout: time.Minute, away: map[*message]bool{}}
		q.handle = func(context.Context, []events.Delivery) error {
			for range 3 { // whatever came of the call before
				_ = w.call("Do", func() error { did++; return nil })
			}
			return nil
		}
		w.start(q, []*message{{copies: 1}})
		w.runUntil(w.now.Add(10 * time.Second))
		if want := int(orphaned); did != want { // the call that it had sent
			t.Errorf("orphaned %v: %d calls took effect, not %d", orphaned, did, want)
		}
		w.end()
	}
}

func TestAWorldEndsWithABrokenFunctionUnderWay(t *testing.T) {
	w := newWorld(Plan{Seed: 1})
	w.broken["test"] = w.now.Add(time.Hour)
	w.start(&queue{w: w, function: "test", timeout: time.Minute, away: map[*message]bool{}}, []*message{{copies: 1}})
	w.end()
}
