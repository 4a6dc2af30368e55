package function_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"headroom/events"
	"headroom/internal/function"
)

// timeout is how long the tests' invocations may take.
const timeout = 20 * time.Second

// outlive waits until messages that did not heed their context have ended too, as a synctest bubble
// wants it.
func outlive() { time.Sleep(2 * timeout) }

// batchOf is a batch of messages, each with its ID as its body.
func batchOf(ids ...string) lambdaevents.SQSEvent {
	var batch lambdaevents.SQSEvent
	for _, id := range ids {
		batch.Records = append(batch.Records, lambdaevents.SQSMessage{MessageId: id, Body: id})
	}
	return batch
}

// handle has each message of a batch handled.
func handle(ctx context.Context, batch lambdaevents.SQSEvent, each func(context.Context, events.Delivery) error) (lambdaevents.SQSEventResponse, error) {
	return function.Batch(each)(ctx, batch)
}

// failures names the messages that a response says have failed, in its order.
func failures(response lambdaevents.SQSEventResponse) string {
	var ids []string
	for _, f := range response.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return strings.Join(ids, " ")
}

func TestWhatFailsInABatch(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	// do is what a message does, by its ID; what is not here is done at once.
	do := map[string]func(context.Context) error{
		"fails":  func(context.Context) error { return errors.New("no good") },
		"panics": func(context.Context) error { panic("at the disco") },
		"slow":   func(context.Context) error { time.Sleep(timeout / 2); return nil },
		"late":   func(context.Context) error { time.Sleep(timeout / 2); return errors.New("no good") },
		"silent": hang,
		"mute":   hang,
		"deaf":   func(context.Context) error { time.Sleep(2 * timeout); return nil },
	}
	tests := []struct {
		name   string
		batch  string
		failed string
	}{
		{"nothing of a batch that is done", "a b c", ""},
		{"a message that fails, alone", "a fails b", "fails"},
		{"a message that panics, alone", "panics a b", "panics"},
		{"a message that hangs, alone, wherever it is", "silent a slow b", "silent"},
		{"several that hang", "silent a mute b", "silent mute"},
		{"a message that does not heed its context, alone", "deaf a slow b", "deaf"},
		{"those that fail, in the order of the batch", "late silent a fails slow panics deaf", "late silent fails panics deaf"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer outlive()
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				var mu sync.Mutex
				var handled []string
				ids := strings.Fields(test.batch)
				out, err := handle(ctx, batchOf(ids...), func(ctx context.Context, m events.Delivery) error {
					mu.Lock()
					handled = append(handled, m.Body)
					mu.Unlock()
					if act, ok := do[m.Body]; ok {
						return act(ctx)
					}
					return nil
				})
				if err != nil {
					t.Errorf("the batch failed: %v", err)
				}
				if ctx.Err() != nil {
					t.Error("the response came after the deadline")
				}
				if got := failures(out); got != test.failed {
					t.Errorf("failed: %s, want %s", got, test.failed)
				}
				mu.Lock()
				defer mu.Unlock()
				if got := slices.Sorted(slices.Values(handled)); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
					t.Errorf("handled: %v", got)
				}
			})
		})
	}
}

func TestTheResponseHasTimeToGetOut(t *testing.T) {
	for _, what := range []string{"heeds its context", "does not heed it"} {
		t.Run("of a message that "+what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer outlive()
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				began := time.Now()
				_, _ = handle(ctx, batchOf("1"), func(ctx context.Context, _ events.Delivery) error {
					<-ctx.Done()
					if what == "does not heed it" {
						time.Sleep(timeout)
					}
					return ctx.Err()
				})
				if took := time.Since(began); took < timeout-2*time.Second || took > timeout-time.Second {
					t.Errorf("the response came after %v of %v", took, timeout)
				}
			})
		})
	}
}

func TestABatchWithoutADeadlineSetsNone(t *testing.T) {
	out, _ := handle(t.Context(), batchOf("1"), func(ctx context.Context, _ events.Delivery) error {
		if _, ok := ctx.Deadline(); ok {
			return errors.New("has a deadline")
		}
		return nil
	})
	if got := failures(out); got != "" {
		t.Errorf("failed: %s", got)
	}
}

func TestNoMessageIsBegunOnceTimeIsOver(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	over, release := context.WithTimeout(t.Context(), time.Millisecond)
	defer release()
	for name, ctx := range map[string]context.Context{"a canceled invocation": canceled, "an invocation at its end": over} {
		t.Run(name, func(t *testing.T) {
			out, _ := handle(ctx, batchOf("1", "2"), func(context.Context, events.Delivery) error {
				t.Error("begun")
				return nil
			})
			if got := failures(out); got != "1 2" {
				t.Errorf("failed: %s", got)
			}
		})
	}
}

func TestACanceledInvocationAnswersWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer outlive()
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		out, _ := handle(ctx, batchOf("deaf", "done", "cancels", "silent"), func(ctx context.Context, m events.Delivery) error {
			switch m.Body {
			case "deaf":
				time.Sleep(timeout)
			case "cancels":
				time.Sleep(time.Second)
				cancel()
			case "silent":
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		if got := failures(out); got != "deaf silent" {
			t.Errorf("failed: %s", got)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the response came after %v", took)
		}
	})
}

func TestMessagesAreHandledAtOnce(t *testing.T) {
	// Each waits for all the others.
	ids := strings.Fields("1 2 3 4 5 6 7 8 9 10")
	var all sync.WaitGroup
	all.Add(len(ids))
	out, _ := handle(t.Context(), batchOf(ids...), func(context.Context, events.Delivery) error {
		all.Done()
		all.Wait()
		return nil
	})
	if got := failures(out); got != "" {
		t.Errorf("failed: %s", got)
	}
}

// recordOf is a message as SQS hands it to Lambda, for the n-th time.
func recordOf(id, body, received string) lambdaevents.SQSMessage {
	return lambdaevents.SQSMessage{
		MessageId: id, Body: body, EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:signups",
		Attributes: map[string]string{"ApproximateReceiveCount": received, "SentTimestamp": "1793610000250"},
	}
}

func TestADeliveryIsWhatSQSSaysOfAMessage(t *testing.T) {
	sent := time.Date(2026, 11, 2, 9, 0, 0, 250_000_000, time.UTC)
	redriven := func(at string) lambdaevents.SQSMessage {
		r := recordOf("m", `{"a":1}`, "1")
		r.MessageAttributes = map[string]lambdaevents.SQSMessageAttribute{"sentAt": {DataType: "String", StringValue: &at}}
		return r
	}
	told := func(first time.Time) events.Delivery {
		return events.Delivery{ID: "m", Body: `{"a":1}`, Queue: "signups", SentAt: first, QueuedAt: sent}
	}
	tests := map[string]struct {
		record lambdaevents.SQSMessage
		want   events.Delivery
	}{
		"the first time":       {recordOf("m", `{"a":1}`, "1"), told(sent)},
		"sent again":           {redriven("1793600000250"), told(sent.Add(-10_000 * time.Second))},
		"sent again, it lies":  {redriven("1793620000250"), told(sent)},
		"sent again, no time":  {redriven("soon"), told(sent)},
		"again":                {recordOf("m", `{"a":1}`, "2"), events.Delivery{ID: "m", Body: `{"a":1}`, Queue: "signups", SentAt: sent, QueuedAt: sent, Redelivered: true}},
		"when SQS says little": {lambdaevents.SQSMessage{MessageId: "m", Body: "b"}, events.Delivery{ID: "m", Body: "b"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			batch := lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{test.record}}
			var got events.Delivery
			_, _ = handle(t.Context(), batch, func(_ context.Context, d events.Delivery) error {
				got = d
				return nil
			})
			if got != test.want {
				t.Errorf("delivered %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAWholeBatchIsHandledOnce(t *testing.T) {
	for _, want := range []error{nil, errors.New("no good")} {
		calls, ids := 0, ""
		err := function.Whole(func(_ context.Context, all []events.Delivery) error {
			calls++
			for _, d := range all {
				ids += d.ID
			}
			return want
		})(t.Context(), batchOf("a", "b", "c"))
		if calls != 1 || ids != "abc" || !errors.Is(err, want) {
			t.Errorf("%d calls with %s: %v", calls, ids, err)
		}
	}
}
