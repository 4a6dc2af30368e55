package sqs

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// task moves the messages of a dead-letter queue to another queue.
type task struct {
	handle              string
	source, destination string // ARNs; destination is as it was given
	target              string // name of the queue that the messages go to
	perSecond           int    // 0: as fast as it can
	started             time.Time
	status, failure     string
	moved, toMove       int
	cancel              context.CancelFunc
}

// The statuses of a task.
const (
	running   = "RUNNING"
	completed = "COMPLETED"
	canceling = "CANCELLING"
	canceled  = "CANCELLED"
	failed    = "FAILED"
)

func (q *Queues) start(ctx context.Context, call endpoint.Call) (any, error) {
	var input struct {
		SourceArn                    string       `json:"SourceArn"`
		DestinationArn               string       `json:"DestinationArn"`
		MaxNumberOfMessagesPerSecond weakjson.Int `json:"MaxNumberOfMessagesPerSecond"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalidValue(err.Error())
	}
	source, err := q.queueOf(input.SourceArn)
	if err != nil {
		return nil, err
	}
	t := &task{
		handle: rand.Text(), source: input.SourceArn, destination: input.DestinationArn,
		perSecond: int(input.MaxNumberOfMessagesPerSecond), started: q.cfg.Now(), status: running,
	}
	if t.target, err = q.target(ctx, source, t); err != nil {
		return nil, err
	}
	if t.toMove, err = q.waiting(ctx, source); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, other := range q.tasks {
		if other.source == t.source && (other.status == running || other.status == canceling) {
			return nil, &endpoint.Error{
				Code:    "com.amazonaws.sqs#UnsupportedOperation",
				Message: "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
			}
		}
	}
	if q.ctx.Err() != nil {
		return nil, fmt.Errorf("move messages: %w", q.ctx.Err())
	}
	q.tasks = append(q.tasks, t)
	moving, cancel := context.WithCancel(q.ctx)
	t.cancel = cancel
	client := q.cfg.Client(endpoint.AccessKeyID(call.Request))
	q.work.Go(func() { q.run(moving, client, source, t) })
	return map[string]any{"TaskHandle": t.handle}, nil
}

// target finds where the messages of a dead-letter queue go to: where the task says, or back to where they
// came from.
func (q *Queues) target(ctx context.Context, source string, t *task) (string, error) {
	owner := q.cfg.Client(ownerKey)
	if err := exists(ctx, owner, source); err != nil {
		return "", err
	}
	sources, err := q.sources(ctx, owner, t.source)
	if err != nil {
		return "", err
	}
	switch {
	case len(sources) == 0:
		return "", invalidValue("Source queue must be configured as a Dead Letter Queue.")
	case t.destination != "":
		name, err := q.queueOf(t.destination)
		if err != nil {
			return "", err
		}
		return name, exists(ctx, owner, name)
	case len(sources) > 1:
		return "", &endpoint.Error{
			Code:    "com.amazonaws.sqs#UnsupportedOperation",
			Message: "the local SQS does not remember which of several queues a dead letter came from: give a DestinationArn of " + strings.Join(sources, ", "),
		}
	}
	return sources[0], nil
}

// waiting is how many messages a queue has.
func (q *Queues) waiting(ctx context.Context, name string) (int, error) {
	const visible = types.QueueAttributeNameApproximateNumberOfMessages
	got, err := q.cfg.Client(ownerKey).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: q.url(name), AttributeNames: []types.QueueAttributeName{visible},
	})
	if err != nil {
		return 0, fmt.Errorf("count the messages of %s: %w", name, err)
	}
	return atoi(got.Attributes[string(visible)]), nil
}

// url is a queue's: of its host and account nothing is asked.
func (q *Queues) url(name string) *string {
	return aws.String("http://sqs.localhost/" + q.cfg.Account + "/" + name)
}

// run moves messages until there are none, or the task is called off.
func (q *Queues) run(ctx context.Context, client *sqs.Client, source string, t *task) {
	var err error
	for err == nil && ctx.Err() == nil {
		var moved int
		moved, err = q.move(ctx, client, source, t)
		if moved == 0 {
			break
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		t.status = canceled
	case err != nil:
		t.status, t.failure = failed, err.Error()
		q.cfg.Log.Warn("messages could not be moved", "source", t.source, "error", err)
	default:
		t.status = completed
	}
	t.cancel()
}

// batch is the most messages that SQS hands out at once.
const batch = 10

// move moves a batch of messages, each sent before it is deleted: cut off in between, it is there twice.
func (q *Queues) move(ctx context.Context, client *sqs.Client, source string, t *task) (moved int, err error) {
	most := batch
	if t.perSecond > 0 {
		most = min(most, t.perSecond)
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: q.url(source), MaxNumberOfMessages: int32(most), MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return 0, fmt.Errorf("receive from %s: %w", source, err)
	}
	for _, message := range got.Messages {
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: q.url(t.target), MessageBody: message.Body, MessageAttributes: message.MessageAttributes,
		})
		if err != nil {
			return moved, fmt.Errorf("send to %s: %w", t.target, err)
		}
		if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: q.url(source), ReceiptHandle: message.ReceiptHandle}); err != nil {
			return moved, fmt.Errorf("delete from %s: %w", source, err)
		}
		moved++
		q.mu.Lock()
		t.moved++
		q.mu.Unlock()
	}
	if t.perSecond > 0 && moved > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second * time.Duration(moved) / time.Duration(t.perSecond)):
		}
	}
	return moved, nil
}

func (q *Queues) list(ctx context.Context, call endpoint.Call) (any, error) {
	var input struct {
		SourceArn  string       `json:"SourceArn"`
		MaxResults weakjson.Int `json:"MaxResults"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalidValue(err.Error())
	}
	name, err := q.queueOf(input.SourceArn)
	if err != nil {
		return nil, err
	}
	if err := exists(ctx, q.cfg.Client(ownerKey), name); err != nil {
		return nil, err
	}
	most := max(int(input.MaxResults), 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	results := []any{}
	for i := len(q.tasks) - 1; i >= 0 && len(results) < most; i-- { // the newest first
		if q.tasks[i].source == input.SourceArn {
			results = append(results, q.tasks[i].shown())
		}
	}
	return map[string]any{"Results": results}, nil
}

// shown is a task as ListMessageMoveTasks answers it; the caller holds the lock.
func (t *task) shown() map[string]any {
	shown := map[string]any{
		"Status": t.status, "SourceArn": t.source, "ApproximateNumberOfMessagesMoved": t.moved,
		"ApproximateNumberOfMessagesToMove": t.toMove, "StartedTimestamp": t.started.UnixMilli(),
	}
	if t.status == running {
		shown["TaskHandle"] = t.handle
	}
	if t.destination != "" {
		shown["DestinationArn"] = t.destination
	}
	if t.perSecond > 0 {
		shown["MaxNumberOfMessagesPerSecond"] = t.perSecond
	}
	if t.failure != "" {
		shown["FailureReason"] = t.failure
	}
	return shown
}

func (q *Queues) cancelTask(_ context.Context, call endpoint.Call) (any, error) {
	handle, _ := call.Params["TaskHandle"].(string)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.tasks {
		if t.handle != handle {
			continue
		}
		if t.status != running {
			return nil, &endpoint.Error{Code: "com.amazonaws.sqs#UnsupportedOperation", Message: "Only active tasks can be cancelled."}
		}
		t.status = canceling
		t.cancel()
		return map[string]any{"ApproximateNumberOfMessagesMoved": t.moved}, nil
	}
	return nil, &endpoint.Error{Code: "com.amazonaws.sqs#ResourceNotFoundException", Message: "Task does not exist."}
}
