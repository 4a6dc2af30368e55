package queue_test

import (
	"testing"
	"time"

	"headroom/events"
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
	if _, ok := fake.Receive(time.Minute); ok {
		t.Fatal("delivered before its delay")
	}
	now = now.Add(2 * time.Second)
	first, ok := fake.Receive(time.Minute)
	if want := (events.Delivery{ID: first.ID, Body: `{"a":1}`, Queue: queuetest.Name, SentAt: start, QueuedAt: start}); !ok || first != want {
		t.Errorf("delivered %+v, want %+v", first, want)
	}
	if _, ok := fake.Receive(time.Minute); ok {
		t.Error("delivered while it is being handled")
	}
	now = now.Add(time.Minute)
	again, ok := fake.Receive(time.Minute)
	if !ok || again.ID != first.ID || !again.Redelivered {
		t.Errorf("delivered %+v", again)
	}
	fake.Delete(again.ID)
	now = now.Add(time.Minute)
	if d, ok := fake.Receive(time.Minute); ok {
		t.Errorf("delivered %+v, which is done", d)
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

func TestAPartOfASecondIsAWholeOne(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{
		-time.Minute: 0, 0: 0, time.Nanosecond: time.Second, 1100 * time.Millisecond: 2 * time.Second, 2 * time.Second: 2 * time.Second,
	} {
		fake := queuetest.New(func() time.Time { return start })
		if err := (&queue.Sender{Client: fake, URL: "https://queue"}).Send(t.Context(), "x", delay); err != nil {
			t.Fatal(err)
		}
		if got := fake.Messages()[0].VisibleAt.Sub(start); got != want {
			t.Errorf("a delay of %s became %s, want %s", delay, got, want)
		}
	}
}
