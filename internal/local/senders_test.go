package local_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Who receives a message is told who sent it, and by nobody else than SQS.
func TestMessagesTellWhoSentThem(t *testing.T) {
	cloud := start(t, options(t))
	ctx, client := t.Context(), sqs.NewFromConfig(cloud.Config())
	queue := must[*sqs.CreateQueueOutput](t)(client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("inbox")})).QueueUrl
	must[*sqs.SendMessageOutput](t)(client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("one")}))
	must[*sqs.SendMessageBatchOutput](t)(client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: queue, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("two")}},
	}))
	for n := 0; n < 2; {
		got := must[*sqs.ReceiveMessageOutput](t)(client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: queue, WaitTimeSeconds: 5, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		}))
		for _, m := range got.Messages {
			if n++; m.Attributes["SenderId"] != cloud.Account { // the owner's ID is the account's
				t.Errorf("%s is from %q", *m.Body, m.Attributes["SenderId"])
			}
		}
		if len(got.Messages) == 0 {
			t.Fatal("nothing was received")
		}
	}
}
