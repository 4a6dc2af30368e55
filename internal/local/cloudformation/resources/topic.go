package resources

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
)

type topic struct{ *Resources }

// Create makes a topic. Ref returns its ARN.
func (t topic) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	name := r.Name("TopicName")
	out, err := t.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(name)})
	if err != nil {
		return resource.Created{}, fmt.Errorf("create topic %s: %w", name, err)
	}
	r.PhysicalID = aws.ToString(out.TopicArn)
	return t.made(r), nil
}

// made notes a topic's key, and says what Ref and Fn::GetAtt of it are.
func (t topic) made(r resource.Resource) resource.Created {
	t.Policies.PutKeyOf(r.PhysicalID, text(r.Properties, "KmsMasterKeyId"))
	return resource.Created{PhysicalID: r.PhysicalID, Attributes: map[string]any{
		"TopicArn": r.PhysicalID, "TopicName": r.PhysicalID[strings.LastIndex(r.PhysicalID, ":")+1:],
	}}
}

// Delete deletes a topic with its subscriptions.
func (t topic) Delete(ctx context.Context, r resource.Resource) error {
	_, err := t.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String(r.PhysicalID)})
	var gone *types.NotFoundException
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete topic: %w", err)
	}
	t.Policies.DeleteResource(r.PhysicalID)
	return nil
}

type topicPolicy struct{ *Resources }

// Create gives topics their policy.
func (t topicPolicy) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	document, err := iam.ParseDocument(r.Properties["PolicyDocument"])
	if err != nil {
		return resource.Created{}, err
	}
	for _, arn := range texts(r.Properties, "Topics") {
		t.Policies.PutResourcePolicy(arn, document)
	}
	return resource.Created{PhysicalID: r.GeneratedName()}, nil
}

// Delete takes the topics' policy away.
func (t topicPolicy) Delete(_ context.Context, r resource.Resource) error {
	for _, arn := range texts(r.Properties, "Topics") {
		t.Policies.DeleteResourcePolicy(arn)
	}
	return nil
}

type subscription struct{ *Resources }

// Create subscribes a queue; other protocols are noted and deliver nothing here.
func (s subscription) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	out, err := s.SNS.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(text(r.Properties, "TopicArn")), Protocol: aws.String(text(r.Properties, "Protocol")),
		Endpoint: aws.String(text(r.Properties, "Endpoint")), ReturnSubscriptionArn: true,
		Attributes: map[string]string{"RawMessageDelivery": raw(r)},
	})
	if err != nil {
		return resource.Created{}, fmt.Errorf("subscribe to %s: %w", text(r.Properties, "TopicArn"), err)
	}
	return resource.Created{PhysicalID: aws.ToString(out.SubscriptionArn)}, nil
}

// raw says whether a subscription's messages come as they were sent.
func raw(r resource.Resource) string {
	if text(r.Properties, "RawMessageDelivery") == "true" || r.Properties["RawMessageDelivery"] == true {
		return "true"
	}
	return "false"
}

// Delete ends a subscription.
func (s subscription) Delete(ctx context.Context, r resource.Resource) error {
	_, err := s.SNS.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(r.PhysicalID)})
	var gone *types.NotFoundException
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	return nil
}
