// Package notify tells people: it publishes on an SNS topic.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"headroom/events"
)

const (
	// subjectMax is SNS's limit of a subject, in ASCII characters.
	subjectMax = 100
	// messageMax is SNS's limit of a message in bytes.
	messageMax = 256 << 10
)

type client interface {
	Publish(ctx context.Context, in *sns.PublishInput, opts ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Topic is one SNS topic.
type Topic struct {
	Client client
	ARN    string
}

// Notify publishes a message, with its data as an attribute for machines. The subject is made to fit what SNS takes:
// printable ASCII on one line, 100 characters at most. An attribute counts against the length of the message.
func (t *Topic) Notify(ctx context.Context, subject, message string, data events.Notice) error {
	attribute, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode a notice: %w", err)
	}
	kind, value := "String", string(attribute)
	room := messageMax - len(events.NoticeAttribute) - len(kind) - len(value)
	subject, message = fit(subject), cut(message, room)
	in := &sns.PublishInput{
		TopicArn: &t.ARN, Subject: &subject, Message: &message,
		MessageAttributes: map[string]types.MessageAttributeValue{events.NoticeAttribute: {DataType: &kind, StringValue: &value}},
	}
	if _, err := t.Client.Publish(ctx, in); err != nil {
		return fmt.Errorf("notify %s: %w", t.ARN, err)
	}
	return nil
}

func fit(subject string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, subject)
	return cut(strings.TrimSpace(ascii), subjectMax)
}

// cut shortens s to at most limit bytes, between runes.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
