package queue_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/endpoint/endpointtest"
	localsqs "headroom/internal/local/service/sqs"
)

func TestTheFakeTakesMessagesAsSQSDoes(t *testing.T) {
	queuetest.Suite(t, func(*testing.T) queuetest.World {
		fake := queuetest.New(func() time.Time { return start })
		return queuetest.World{Client: fake, URL: "https://queue", Count: func(*testing.T) int { return len(fake.Messages()) }}
	})
}

func TestTheLocalCloudTakesMessagesAsSQSDoes(t *testing.T) {
	client := sqs.NewFromConfig(endpointtest.Messaging(t, map[string]func(endpoint.Call) error{"sqs": localsqs.Check}))
	made := 0
	queuetest.Suite(t, func(t *testing.T) queuetest.World {
		made++
		queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
			QueueName: aws.String(fmt.Sprint("queue-", made)), Attributes: map[string]string{"MaximumMessageSize": "1048576"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return queuetest.World{Client: client, URL: *queue.QueueUrl, Count: func(t *testing.T) int {
			visible, delayed := types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesDelayed
			out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
				QueueUrl: queue.QueueUrl, AttributeNames: []types.QueueAttributeName{visible, delayed},
			})
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for _, name := range []types.QueueAttributeName{visible, delayed} {
				n, err := strconv.Atoi(out.Attributes[string(name)])
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
			return sum
		}}
	})
}
