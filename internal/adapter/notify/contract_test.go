package notify_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/endpoint/endpointtest"
	localsns "headroom/internal/local/service/sns"
)

func TestTheFakePublishesAsSNSDoes(t *testing.T) {
	notifytest.Suite(t, func(*testing.T) notifytest.World {
		return notifytest.World{Client: &notifytest.Topic{}, ARN: "arn:aws:sns:eu-west-1:123456789012:x"}
	})
}

func TestTheLocalCloudPublishesAsSNSDoes(t *testing.T) {
	client := sns.NewFromConfig(endpointtest.Messaging(t, map[string]func(endpoint.Call) error{"sns": localsns.Check}))
	topic, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("x")})
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Suite(t, func(*testing.T) notifytest.World { return notifytest.World{Client: client, ARN: *topic.TopicArn} })
}
