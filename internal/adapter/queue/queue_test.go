package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestAMessageIsSentWithItsDelayAndComesUntilItIsDone(t *testing.T) {
	now := start
	fake := queuetest.New(func() time.Time { return now })
	sender := &queue.Sender{Client: fake, URL: "https://queue"}
	if err := sender.Send(t.Context(), map[string]int{"a": 1}, 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if batch := fake.Receive(10, time.Minute); len(batch.Records) != 0 {
		t.Fatal("delivered before its delay")
	}
	now = now.Add(2 * time.Second)
	var seen []queue.Message
	handle := func(fail bool) {
		batch := fake.Receive(10, time.Minute)
		out, _ := queue.Batch(t.Context(), batch, func(_ context.Context, m queue.Message) error {
			seen = append(seen, m)
			if fail {
				return errors.New("not now")
			}
			return nil
		})
		fake.Settle(batch, out)
		now = now.Add(time.Minute)
	}
	handle(true)
	handle(false)
	handle(false)
	if len(seen) != 2 {
		t.Fatalf("delivered %d times", len(seen))
	}
	if seen[0].Body != `{"a":1}` || !seen[0].SentAt.Equal(start) || seen[0].Redelivered() || !seen[1].Redelivered() {
		t.Errorf("delivered %+v", seen)
	}
}

func TestADelayIsNeverLongerThanSQSAllows(t *testing.T) {
	fake := queuetest.New(func() time.Time { return start })
	sender := &queue.Sender{Client: fake, URL: "https://queue"}
	if err := sender.Send(t.Context(), "x", time.Hour); err != nil {
		t.Fatal(err)
	}
	if at := fake.Messages()[0].VisibleAt; !at.Equal(start.Add(queue.DelayMax)) {
		t.Errorf("visible at %v", at)
	}
}

func TestARawMessageKeepsItsBodyAndAttributes(t *testing.T) {
	fake := queuetest.New(func() time.Time { return start })
	sender := &queue.Sender{Client: fake, URL: "https://queue"}
	if err := sender.SendRaw(t.Context(), "{not json", map[string]string{"reason": "is not JSON"}); err != nil {
		t.Fatal(err)
	}
	if m := fake.Messages()[0]; m.Body != "{not json" || m.Attributes["reason"] != "is not JSON" {
		t.Errorf("%+v", m)
	}
}
