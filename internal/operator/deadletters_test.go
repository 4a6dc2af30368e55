package operator

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A dead letter is told as its sender sent it, whoever has put it there.
func TestADeadLetterNamesItsSender(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	o := &Operator{Deployment: Deployment{Stage: "dev"}, Now: func() time.Time { return now }}
	letter := func(queue, sender string, attributes map[string]string) DeadLetter {
		m := types.Message{
			MessageId: aws.String("kept-1"), Body: aws.String(`{"version":"1","tenantId":"acme","tier":"gold","instanceIp":"here"}`),
			Attributes:        map[string]string{"SenderId": sender, "SentTimestamp": "1793620800000", "ApproximateReceiveCount": "1"},
			MessageAttributes: map[string]types.MessageAttributeValue{},
		}
		for name, value := range attributes {
			m.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
		return o.letterOf(Queue{Queue: queue}, m)
	}
	kept := map[string]string{"field": "tier", "reason": "is unknown", "firstId": "sent-1", "sender": "AROAX:billing", "sentAt": "1793610000000"}
	const function = "AROAF:headroom-dev-signup"
	l := letter("signup", function, kept)
	if l.ID != "kept-1" || l.FirstID != "sent-1" || l.SentBy != "AROAX:billing" || l.Why != "refused: tier is unknown" || l.Thread != "sent-1" || l.SentAt.UnixMilli() != 1793610000000 {
		t.Errorf("of one that was kept: %+v", l)
	}
	if len(l.Faults) != 1 || l.Faults[0].Error() != "instanceIp is not one IPv4 address" {
		t.Errorf("its faults are %v", l.Faults)
	}
	if l := letter("signupsteps", function, kept); l.SentBy != "AROAX:billing" {
		t.Errorf("of another queue of the function: by %s", l.SentBy)
	}
	if l := letter("signup", "AROAX:mallory", kept); l.SentBy != "AROAX:mallory" {
		t.Errorf("who gives a message attributes passes for %s", l.SentBy)
	}
	if l := letter("signup", "AROAF:headroom-dev-restore", kept); l.SentBy != "AROAF:headroom-dev-restore" {
		t.Errorf("another function passes for %s", l.SentBy)
	}
	if l := letter("signup", function, nil); l.SentBy != "" {
		t.Errorf("of one that was kept without its sender: by %s", l.SentBy)
	}
	if l := letter("signup", "AROAX:billing", nil); l.SentBy != "AROAX:billing" || l.FirstID != "" || l.Thread != "kept-1" {
		t.Errorf("of one that SQS has put there: %+v", l)
	}
}
