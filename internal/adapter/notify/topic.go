// Package notify tells people: it publishes on an SNS topic.
package notify

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"
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

// Notify publishes a message. The subject is made to fit what SNS takes: printable ASCII on one
// line, 100 characters at most.
func (t *Topic) Notify(ctx context.Context, subject, message string) error {
	subject, message = fit(subject), cut(message, messageMax)
	if _, err := t.Client.Publish(ctx, &sns.PublishInput{TopicArn: &t.ARN, Subject: &subject, Message: &message}); err != nil {
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
