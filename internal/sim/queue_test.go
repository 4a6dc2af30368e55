package sim

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"headroom/events"
)

func TestMessagesComeInTheOrderInWhichTheyAreDue(t *testing.T) {
	line := &timeline{now: monday}
	var got []string
	q := &queue{line: line, name: "q", handle: each(func(_ context.Context, d events.Delivery) error {
		got = append(got, line.now.Sub(monday).String()+d.Body)
		return nil
	})}
	for _, m := range []struct {
		body  int
		delay time.Duration
	}{{1, time.Minute}, {2, 0}, {3, time.Second}, {4, 0}} {
		if err := q.Send(t.Context(), m.body, m.delay); err != nil {
			t.Fatal(err)
		}
	}
	line.run(monday.Add(time.Hour))
	if want := []string{"0s2", "0s4", "1s3", "1m0s1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhatFailsComesAgainUntilItIsDead(t *testing.T) {
	line := &timeline{now: monday}
	var at []time.Duration
	var dead []string
	q := &queue{
		line: line, name: "q",
		handle: each(func(_ context.Context, d events.Delivery) error {
			if d.Redelivered != (len(at) > 0) {
				t.Errorf("delivery %d: redelivered is %v", len(at), d.Redelivered)
			}
			at = append(at, line.now.Sub(monday))
			return errors.New("no")
		}),
		failed: func(queue string, err error) { dead = append(dead, queue+err.Error()) },
	}
	if err := q.Send(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	line.run(monday.Add(time.Hour))
	if want := []time.Duration{0, visibility, 2 * visibility, 3 * visibility, 4 * visibility}; !slices.Equal(at, want) || !slices.Equal(dead, []string{"qno"}) {
		t.Errorf("delivered at %v, dead %v", at, dead)
	}
}

func TestAQueueIsDrainedInBatches(t *testing.T) {
	line := &timeline{now: monday}
	var sizes []int
	q := &queue{line: line, name: "q", whole: true, takes: time.Second, handle: func(_ context.Context, all []events.Delivery) error {
		sizes = append(sizes, len(all))
		return nil
	}}
	for range 12 {
		if err := q.Send(t.Context(), 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	line.run(monday.Add(time.Hour))
	if !slices.Equal(sizes, []int{10, 2}) {
		t.Errorf("batches of %v", sizes)
	}
}
