package notifytest

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for SNS, with a topic.
type World struct {
	Client interface {
		Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	}
	ARN string
}

// Suite is what SNS takes, and what it refuses.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	const subject = "Invalid parameter: Subject"
	tests := []struct {
		name    string
		subject *string
		message string
		says    string // what the refusal says; "" when the message is taken
	}{
		{"no subject", nil, "m", ""},
		{"a subject", aws.String("Headroom dev: a host is cordoned"), "m", ""},
		{"100 characters", aws.String(strings.Repeat("x", 100)), "m", ""},
		{"101 characters", aws.String(strings.Repeat("x", 101)), "m", subject},
		{"an empty subject", aws.String(""), "m", subject},
		{"a newline", aws.String("a\nb"), "m", subject},
		{"another alphabet", aws.String("Gerät"), "m", subject},
		{"a space first", aws.String(" a"), "m", subject},
		{"an empty message", aws.String("a"), "", "Invalid parameter: Empty message"},
		{"the longest message", aws.String("a"), strings.Repeat("m", 256<<10), ""},
		{"a longer message", aws.String("a"), strings.Repeat("m", 256<<10+1), "Invalid parameter: Message too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.Client.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(w.ARN), Subject: test.subject, Message: &test.message})
			if test.says == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if awsclient.Code(err) != "InvalidParameter" || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}
