// Package notifytest is an SNS topic that keeps what was published.
package notifytest

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"headroom/events"
	"headroom/internal/local/constraint"
)

// Note is a message that was published, with the data that it has for machines, as JSON.
type Note struct{ Subject, Message, Data string }

// Topic keeps notes.
type Topic struct {
	mu    sync.Mutex
	notes []Note
}

// Publish is SNS's.
func (t *Topic) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var attributes []string
	for name, a := range in.MessageAttributes {
		attributes = append(attributes, name, aws.ToString(a.DataType), aws.ToString(a.StringValue))
	}
	if r := constraint.Notification(in.Subject, aws.ToString(in.Message), attributes...); r != nil {
		return nil, &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	data := aws.ToString(in.MessageAttributes[events.NoticeAttribute].StringValue)
	t.notes = append(t.notes, Note{aws.ToString(in.Subject), aws.ToString(in.Message), data})
	return &sns.PublishOutput{MessageId: aws.String("id")}, nil
}

// Notes returns what was published, in order.
func (t *Topic) Notes() []Note {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Note(nil), t.notes...)
}
