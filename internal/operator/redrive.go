package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Moved is what became of dead letters.
type Moved struct {
	Queue    string   `json:"queue"`
	Did      string   `json:"did"`                  // redriven or dropped
	Messages int      `json:"messages"`             // how many, about
	ID       string   `json:"messageId,omitempty"`  // of the one, where it was one
	Task     string   `json:"taskHandle,omitempty"` // of SQS, which moves them
	Next     []string `json:"next,omitempty"`
}

// Redrive sends the dead letters of a queue back to it: all of them, by a task of SQS, or the one with an ID. It is handled
// as if it had just been sent, and comes back here if it fails again.
func (o *Operator) Redrive(ctx context.Context, name, id string) (Moved, error) {
	q, err := o.deadLetters(ctx, name)
	if err != nil {
		return Moved{}, err
	}
	moved := Moved{Queue: q.Queue, Did: "redriven", ID: id, Next: []string{"headroom dlq list", "headroom dlq show " + q.Queue}}
	switch {
	case q.url == "":
		return moved, refused("They are events of AWS's that did not reach their queue: headroom dlq show undelivered has them; drop them once what they told of is seen to.", "what is undelivered has no queue to go back to")
	case q.DeadLetters == 0:
		return moved, refused("headroom dlq list shows where there are some.", "queue %s has no dead letters", q.Queue)
	case id == "":
		source, destination, err := o.arns(ctx, q)
		if err != nil {
			return moved, err
		}
		out, err := o.Queues.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination})
		if err != nil {
			return moved, fmt.Errorf("redrive the dead letters of %s: %w", q.Queue, err)
		}
		moved.Messages, moved.Task = q.DeadLetters, aws.ToString(out.TaskHandle)
		return moved, nil
	}
	letter, err := o.takeOne(ctx, q, id)
	if err != nil {
		return moved, err
	}
	// Commit point: it is on its way again. Killed after this, it is here as well, and may be handled twice, which is harmless.
	if _, err := o.Queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &letter.Body}); err != nil {
		return moved, fmt.Errorf("redrive dead letter %s of %s: %w", id, q.Queue, err)
	}
	moved.Messages = 1
	return moved, o.delete(ctx, q, letter)
}

// Drop deletes a queue's dead letter with an ID for good; an empty ID: all of them.
func (o *Operator) Drop(ctx context.Context, name, id string) (Moved, error) {
	q, err := o.deadLetters(ctx, name)
	if err != nil {
		return Moved{}, err
	}
	moved := Moved{Queue: q.Queue, Did: "dropped", ID: id, Next: []string{"headroom dlq list"}}
	if id != "" {
		letter, err := o.takeOne(ctx, q, id)
		if err != nil {
			return moved, err
		}
		moved.Messages = 1
		return moved, o.delete(ctx, q, letter)
	}
	letters, err := o.take(ctx, q)
	if err != nil {
		return moved, err
	}
	for i, letter := range letters { // one by one: what comes meanwhile stays
		if err := o.delete(ctx, q, letter); err != nil {
			for _, left := range letters[i:] {
				err = errors.Join(err, o.putBack(ctx, q, left))
			}
			return moved, err
		}
		moved.Messages++
	}
	return moved, nil
}

// takeOne takes the dead letter with an ID, and puts all others back.
func (o *Operator) takeOne(ctx context.Context, q Queue, id string) (DeadLetter, error) {
	letters, err := o.take(ctx, q)
	if err != nil {
		return DeadLetter{}, err
	}
	found := slices.IndexFunc(letters, func(l DeadLetter) bool { return l.ID == id })
	for i, l := range letters {
		if i != found {
			if err := o.putBack(ctx, q, l); err != nil {
				return DeadLetter{}, err
			}
		}
	}
	if found < 0 {
		return DeadLetter{}, missing("headroom dlq show "+q.Queue+" has those there are; one that somebody else looks at is hidden for half a minute.", "queue %s has no dead letter %s", q.Queue, id)
	}
	return letters[found], nil
}

func (o *Operator) delete(ctx context.Context, q Queue, l DeadLetter) error {
	if _, err := o.Queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.dead, ReceiptHandle: &l.receipt}); err != nil {
		return fmt.Errorf("delete dead letter %s of %s: %w", l.ID, q.Queue, err)
	}
	return nil
}

// arns are those of a queue's dead letters, and of the queue.
func (o *Operator) arns(ctx context.Context, q Queue) (dead, queue string, err error) {
	for url, into := range map[string]*string{q.dead: &dead, q.url: &queue} {
		out, err := o.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
		if err != nil {
			return "", "", fmt.Errorf("look at queue %s: %w", q.Queue, err)
		}
		*into = out.Attributes[string(types.QueueAttributeNameQueueArn)]
	}
	return dead, queue, nil
}
