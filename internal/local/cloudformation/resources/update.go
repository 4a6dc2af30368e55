package resources

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// schemas say which properties a resource keeps for life.
var schemas = map[string]resource.Schema{
	"AWS::SQS::Queue":         {Name: "QueueName", CreateOnly: []string{"FifoQueue"}, Tagged: true},
	"AWS::SNS::Topic":         {Name: "TopicName", CreateOnly: []string{"FifoTopic"}, Tagged: true},
	"AWS::SNS::Subscription":  {CreateOnly: []string{"Endpoint", "Protocol", "Region", "TopicArn"}},
	"AWS::S3::Bucket":         {Name: "BucketName", CreateOnly: []string{"BucketNamePrefix"}, Tagged: true},
	"AWS::S3::BucketPolicy":   {CreateOnly: []string{"Bucket"}},
	"AWS::DynamoDB::Table":    {Name: "TableName", CreateOnly: []string{"ImportSourceSpecification", "KeySchema"}, Tagged: true},
	"AWS::IAM::Role":          {Name: "RoleName", CreateOnly: []string{"Path"}, Tagged: true},
	"AWS::IAM::ManagedPolicy": {Name: "ManagedPolicyName", CreateOnly: []string{"Description", "Path"}},
	"AWS::KMS::Key":           {Tagged: true},
}

// Schema says which properties a resource keeps for life.
func (r *Resources) Schema(resourceType string) resource.Schema { return schemas[resourceType] }

// Update gives a bucket another policy.
func (b bucketPolicy) Update(ctx context.Context, _, after resource.Resource) (resource.Created, error) {
	return b.Create(ctx, after)
}

// Update sets a queue's attributes. One that is not declared any more has its default again.
func (q queue) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	attributes, err := attributesOf(after)
	if err != nil {
		return resource.Created{}, err
	}
	for _, name := range resource.Changed(before, after) {
		if _, declared := attributes[name]; !declared && slices.Contains(queueAttributes, name) {
			attributes[name] = queueDefaults[name]
		}
	}
	delete(attributes, "FifoQueue")
	if len(attributes) > 0 {
		_, err = q.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: aws.String(after.PhysicalID), Attributes: attributes})
		if err != nil {
			return resource.Created{}, fmt.Errorf("set attributes of queue %s: %w", after.PhysicalID, err)
		}
	}
	return q.made(after.PhysicalID, attributes["KmsMasterKeyId"]), nil
}

// queueDefaults are the attributes of a queue that declares none.
var queueDefaults = map[string]string{
	"DelaySeconds": "0", "KmsDataKeyReusePeriodSeconds": "300", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
	"ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30", "ContentBasedDeduplication": "false",
}

// Update gives the queues another policy, and takes it from those that it is no longer for.
func (q queuePolicy) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	for _, url := range texts(before.Properties, "Queues") {
		if !slices.Contains(texts(after.Properties, "Queues"), url) {
			q.Policies.DeleteResourcePolicy(q.arn("sqs", endpoint.QueueName(url)))
		}
	}
	return q.Create(ctx, after)
}

// Update says with which key a topic is encrypted.
func (t topic) Update(_ context.Context, _, after resource.Resource) (resource.Created, error) {
	return t.made(after), nil
}

// Update gives the topics another policy, and takes it from those that it is no longer for.
func (t topicPolicy) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	for _, arn := range texts(before.Properties, "Topics") {
		if !slices.Contains(texts(after.Properties, "Topics"), arn) {
			t.Policies.DeleteResourcePolicy(arn)
		}
	}
	return t.Create(ctx, after)
}

// Update changes whether a subscription's messages come as they were sent; the rest has no effect here.
func (s subscription) Update(ctx context.Context, _, after resource.Resource) (resource.Created, error) {
	_, err := s.SNS.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: aws.String(after.PhysicalID), AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String(raw(after)),
	})
	if err != nil {
		return resource.Created{}, fmt.Errorf("set attributes of subscription %s: %w", after.PhysicalID, err)
	}
	return resource.Created{PhysicalID: after.PhysicalID}, nil
}

// Update changes whether a table is protected, and its key. Its indexes stay as they are.
func (t table) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	if err := resource.Fixed(before, after, "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"); err != nil {
		return resource.Created{}, err
	}
	var p tableProperties
	if err := weakjson.Decode(after.Properties, &p); err != nil {
		return resource.Created{}, err
	}
	if slices.Contains(resource.Changed(before, after), "DeletionProtectionEnabled") {
		_, err := t.DynamoDB.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName: aws.String(after.PhysicalID), DeletionProtectionEnabled: aws.Bool(bool(p.DeletionProtectionEnabled)),
		})
		var gone *types.ResourceNotFoundException
		if err != nil && !errors.As(err, &gone) {
			return resource.Created{}, fmt.Errorf("update table %s: %w", after.PhysicalID, err)
		}
	}
	return t.made(after.PhysicalID, p), nil
}

// Update changes a role's policies, trust and boundary. Policies that are resources of their own stay.
func (o role) Update(_ context.Context, before, after resource.Resource) (resource.Created, error) {
	was, err := o.declared(before)
	if err != nil {
		return resource.Created{}, err
	}
	toBe, err := o.declared(after)
	if err != nil {
		return resource.Created{}, err
	}
	is, _ := o.Policies.Role(toBe.Name)
	for name, document := range is.Policies {
		if _, own := was.Policies[name]; !own {
			toBe.Policies[name] = document
		}
	}
	o.Policies.PutRole(toBe)
	return o.made(after, toBe), nil
}

// Update changes an inline policy, its name, and whose it is.
func (o policy) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	updated, err := o.Create(ctx, after)
	if err != nil {
		return resource.Created{}, err
	}
	name := text(before.Properties, "PolicyName")
	for _, role := range texts(before.Properties, "Roles") {
		if name != updated.PhysicalID || !slices.Contains(texts(after.Properties, "Roles"), role) {
			o.Policies.Detach(role, name)
		}
	}
	return updated, nil
}

// Update changes a managed policy, and whose it is.
func (o managedPolicy) Update(ctx context.Context, before, after resource.Resource) (resource.Created, error) {
	updated, err := o.Create(ctx, after)
	if err != nil {
		return resource.Created{}, err
	}
	for _, role := range texts(before.Properties, "Roles") {
		if !slices.Contains(texts(after.Properties, "Roles"), role) {
			o.Policies.Detach(role, updated.PhysicalID)
		}
	}
	return updated, nil
}

// Update changes a key's policy.
func (k key) Update(ctx context.Context, _, after resource.Resource) (resource.Created, error) {
	return k.Create(ctx, after)
}
