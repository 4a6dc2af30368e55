// Package notifytest is an SNS topic that keeps what was published.
package notifytest

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
)

// Note is a message that was published.
type Note struct{ Subject, Message string }

// Topic keeps notes.
type Topic struct {
	mu    sync.Mutex
	notes []Note
}

// Publish is SNS's, with its rules for subjects.
func (t *Topic) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	subject := aws.ToString(in.Subject)
	odd := strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' })
	if in.Subject != nil && (subject == "" || len(subject) > 100 || odd || strings.HasPrefix(subject, " ")) || aws.ToString(in.Message) == "" {
		return nil, &smithy.GenericAPIError{Code: "InvalidParameter", Message: "Invalid parameter: Subject or Message"}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, Note{subject, aws.ToString(in.Message)})
	return &sns.PublishOutput{MessageId: aws.String("id")}, nil
}

// Notes returns what was published, in order.
func (t *Topic) Notes() []Note {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Note(nil), t.notes...)
}
