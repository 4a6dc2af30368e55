package sqs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestMessagesAreTold(t *testing.T) {
	w := newWorld(t, "")
	ctx := t.Context()
	_, err := w.client("OWNER").SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String("http://x/1/dead"), MessageBody: aws.String("refused"),
		MessageAttributes: map[string]types.MessageAttributeValue{"reason": {DataType: aws.String("String"), StringValue: aws.String("is no name")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.bodies(t, "dead"); len(got) != 1 { // somebody has received it
		t.Fatalf("in the queue: %q", got)
	}
	w.send(t, "dead", "another")
	for range 2 { // telling receives nothing
		messages, err := w.queues.Messages(ctx, "dead")
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]string{}
		for _, m := range messages {
			told[m.Body] = m.Attributes["reason"]
			if m.ID == "" || time.Since(m.Sent) > time.Minute || time.Since(m.Sent) < 0 {
				t.Errorf("message %+v", m)
			}
		}
		if diff := cmp.Diff(map[string]string{"refused": "is no name", "another": ""}, told); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	}
	states, err := w.queues.States(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := states["dead"]; s.Visible != 1 || s.NotVisible != 1 || s.Oldest <= 0 || s.DeadLetters != "" {
		t.Errorf("state of the queue of dead letters: %+v", s)
	}
	if s := states["source"]; s.DeadLetters != "dead" || s.Oldest != 0 {
		t.Errorf("state of its source: %+v", s)
	}
	if _, err := w.queues.Messages(ctx, "gone"); err == nil {
		t.Error("a queue that is not there is told of")
	}
}
