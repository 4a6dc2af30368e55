// Package queue is SQS: messages going out.
package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/events"
)

// DelayMax is the longest delay that SQS has for one message.
const DelayMax = 900 * time.Second

type client interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Sender sends messages to one queue.
type Sender struct {
	Client client
	URL    string
}

// Send sends body as JSON, with the correlation id of the context where it bears none, to be delivered after delay: whole seconds, rounded up, DelayMax at most.
func (s *Sender) Send(ctx context.Context, body any, delay time.Duration) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write a message as JSON: %w", err)
	}
	in := &sqs.SendMessageInput{
		QueueUrl: &s.URL, MessageBody: aws.String(string(events.Correlate(ctx, text))),
		DelaySeconds: int32(math.Ceil(min(max(delay, 0), DelayMax).Seconds())),
	}
	if _, err := s.Client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("send a message to %s: %w", s.URL, err)
	}
	return nil
}

// SendRaw sends a body as it is, with attributes, which must not be empty strings.
func (s *Sender) SendRaw(ctx context.Context, body string, attributes map[string]string) error {
	in := &sqs.SendMessageInput{QueueUrl: &s.URL, MessageBody: &body}
	if len(attributes) > 0 {
		in.MessageAttributes = map[string]types.MessageAttributeValue{}
	}
	for name, value := range attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	if _, err := s.Client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("send a message to %s: %w", s.URL, err)
	}
	return nil
}
