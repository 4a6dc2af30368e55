package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"headroom/internal/queue"
	"headroom/internal/queue/queuetest"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestOneFailedMessageDoesNotFailItsNeighbours(t *testing.T) {
	batch := lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{
		{MessageId: "good", Body: "good"},
		{MessageId: "bad", Body: "bad"},
		{MessageId: "panics", Body: "panics"},
		{MessageId: "last", Body: "last"},
	}}
	var done []string
	out, err := queue.Batch(t.Context(), batch, func(_ context.Context, m queue.Message) error {
		switch m.Body {
		case "bad":
			return errors.New("bad")
		case "panics":
			panic("at the disco")
		}
		done = append(done, m.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range out.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	if got := strings.Join(failed, " "); got != "bad panics" {
		t.Errorf("failed: %s", got)
	}
	if got := strings.Join(done, " "); got != "good last" {
		t.Errorf("done: %s", got)
	}
}

func TestNoMessageIsBegunAfterTheDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	batch := lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{{MessageId: "1"}, {MessageId: "2"}}}
	out, _ := queue.Batch(ctx, batch, func(context.Context, queue.Message) error { cancel(); return nil })
	if len(out.BatchItemFailures) != 1 || out.BatchItemFailures[0].ItemIdentifier != "2" {
		t.Errorf("failures %v", out.BatchItemFailures)
	}
}

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
