package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
)

// queueAttributes are the properties of a queue that are attributes of the same name.
var queueAttributes = []string{
	"ContentBasedDeduplication", "DelaySeconds", "FifoQueue", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId",
	"MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy",
	"RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout",
}

type queue struct{ *Resources }

// Create makes a queue. Ref returns its URL.
func (q queue) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	name := r.Name("QueueName")
	attributes, err := attributesOf(r)
	if err != nil {
		return resource.Created{}, err
	}
	out, err := q.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	if err != nil {
		return resource.Created{}, fmt.Errorf("create queue %s: %w", name, err)
	}
	return q.made(aws.ToString(out.QueueUrl), attributes["KmsMasterKeyId"]), nil
}

// made notes a queue's key, and says what Ref and Fn::GetAtt of it are.
func (q queue) made(url, key string) resource.Created {
	name := endpoint.QueueName(url)
	arn := q.arn("sqs", name)
	q.Policies.PutKeyOf(arn, key)
	return resource.Created{PhysicalID: url, Attributes: map[string]any{"Arn": arn, "QueueName": name, "QueueUrl": url}}
}

// attributesOf are the properties of a queue that are attributes.
func attributesOf(r resource.Resource) (map[string]string, error) {
	attributes := map[string]string{}
	for _, attribute := range queueAttributes {
		switch v := r.Properties[attribute].(type) {
		case nil:
		case map[string]any:
			encoded, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("encode %s: %w", attribute, err)
			}
			attributes[attribute] = string(encoded)
		default:
			attributes[attribute] = template.Text(v)
		}
	}
	return attributes, nil
}

// Delete deletes a queue.
func (q queue) Delete(ctx context.Context, r resource.Resource) error {
	_, err := q.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: aws.String(r.PhysicalID)})
	var gone *types.QueueDoesNotExist
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete queue: %w", err)
	}
	q.Policies.DeleteResource(q.arn("sqs", endpoint.QueueName(r.PhysicalID)))
	return nil
}

type queuePolicy struct{ *Resources }

// Create gives queues their policy.
func (q queuePolicy) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	document, err := iam.ParseDocument(r.Properties["PolicyDocument"])
	if err != nil {
		return resource.Created{}, err
	}
	for _, url := range texts(r.Properties, "Queues") {
		q.Policies.PutResourcePolicy(q.arn("sqs", endpoint.QueueName(url)), document)
	}
	return resource.Created{PhysicalID: r.GeneratedName()}, nil
}

// Delete takes the queues' policy away.
func (q queuePolicy) Delete(_ context.Context, r resource.Resource) error {
	for _, url := range texts(r.Properties, "Queues") {
		q.Policies.DeleteResourcePolicy(q.arn("sqs", endpoint.QueueName(url)))
	}
	return nil
}
