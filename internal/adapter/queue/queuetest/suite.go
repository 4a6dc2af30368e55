package queuetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for SQS, with an empty queue.
type World struct {
	Client interface {
		SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	}
	URL   string
	Count func(t *testing.T) int // messages in the queue, delayed ones too
}

// Suite is what SQS takes, and what it refuses.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	const value, characters = "InvalidParameterValue", "InvalidMessageContents"
	text := func(kind, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"reason": {DataType: &kind, StringValue: &value}}
	}
	many := func(n int) map[string]types.MessageAttributeValue {
		attributes := map[string]types.MessageAttributeValue{}
		for i := range n {
			attributes[fmt.Sprint("a", i)] = text("String", "x")["reason"]
		}
		return attributes
	}
	tests := []struct {
		name       string
		body       string
		delay      int32
		attributes map[string]types.MessageAttributeValue
		code       string // of the refusal; "" when the message is taken
		says       string
	}{
		{"a body", "{}", 0, nil, "", ""},
		{"the longest delay", "{}", 900, nil, "", ""},
		{"a longer delay", "{}", 901, nil, value, "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{"a negative delay", "{}", -1, nil, value, "Value -1 for parameter DelaySeconds is invalid."},
		{"no body", "", 0, nil, "MissingParameter", "The request must contain the parameter MessageBody."},
		{"the largest body", strings.Repeat("x", 1<<20), 0, nil, "", ""},
		{"a larger body", strings.Repeat("x", 1<<20+1), 0, nil, value, "Message must be shorter than 1048576 bytes."},
		{"a larger message, attributes and all", strings.Repeat("x", 1<<20-10), 0, text("String", "x"), value, "Message must be shorter than 1048576 bytes."},
		{"lines and other alphabets", "Gerät\n\t\r\U0001F600", 0, nil, "", ""},
		{"a control character", "a\x00b", 0, nil, characters, "Invalid characters found."},
		{"an attribute", "{}", 0, text("String", "is not JSON"), "", ""},
		{"an empty attribute", "{}", 0, text("String", ""), value, "Message (user) attribute 'reason' must contain a non-empty value of type 'String'."},
		{"an attribute of no type", "{}", 0, text("Text", "x"), value, "The type of message (user) attribute 'reason' is invalid."},
		{"a control character in an attribute", "{}", 0, text("String", "a\x01"), value, "Invalid characters found"},
		{"ten attributes", "{}", 0, many(10), "", ""},
		{"eleven attributes", "{}", 0, many(11), value, "Number of message attributes [11] exceeds the allowed maximum [10]."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.Client.SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: aws.String(w.URL), MessageBody: &test.body, DelaySeconds: test.delay, MessageAttributes: test.attributes,
			})
			if test.code == "" {
				if err != nil || w.Count(t) != 1 {
					t.Errorf("got %v, and %d messages", err, w.Count(t))
				}
				return
			}
			if awsclient.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s: %s", err, test.code, test.says)
			}
			if n := w.Count(t); n != 0 {
				t.Errorf("%d messages are in the queue", n)
			}
		})
	}
}
