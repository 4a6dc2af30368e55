// Package stacks orders, describes, changes and deletes the CloudFormation stacks of hosts.
package stacks

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// api is what is used of CloudFormation. Deadlines and retries of requests are its own.
type api interface {
	CreateStack(ctx context.Context, in *cloudformation.CreateStackInput, opts ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error)
	DescribeStacks(ctx context.Context, in *cloudformation.DescribeStacksInput, opts ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackEvents(ctx context.Context, in *cloudformation.DescribeStackEventsInput, opts ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
	DeleteStack(ctx context.Context, in *cloudformation.DeleteStackInput, opts ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
	UpdateStack(ctx context.Context, in *cloudformation.UpdateStackInput, opts ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error)
	GetTemplateSummary(ctx context.Context, in *cloudformation.GetTemplateSummaryInput, opts ...func(*cloudformation.Options)) (*cloudformation.GetTemplateSummaryOutput, error)
	CreateChangeSet(ctx context.Context, in *cloudformation.CreateChangeSetInput, opts ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error)
	DescribeChangeSet(ctx context.Context, in *cloudformation.DescribeChangeSetInput, opts ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	ExecuteChangeSet(ctx context.Context, in *cloudformation.ExecuteChangeSetInput, opts ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error)
	DeleteChangeSet(ctx context.Context, in *cloudformation.DeleteChangeSetInput, opts ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
}

// Client is CloudFormation.
type Client struct{ API api }

// Create orders a stack and returns its ID, as soon as CloudFormation accepted the order; ordering
// again returns the same ID. pool.ErrForeign when a stack of the name lacks the order's tags.
func (c *Client) Create(ctx context.Context, o pool.StackOrder) (string, error) {
	out, err := c.API.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &o.Name, TemplateURL: &o.TemplateURL, ClientRequestToken: &o.Token, RoleARN: &o.RoleARN,
		Parameters:   parameters(o.Parameters),
		Tags:         tags(o.Tags),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		// What a failed creation made holds nothing, so it goes with the rollback even where the
		// template says to retain it.
		OnFailure: types.OnFailureRollback, RetainExceptOnCreate: aws.Bool(true),
	})
	if err == nil {
		return aws.ToString(out.StackId), nil
	}
	if code := awsclient.Code(err); code != "AlreadyExistsException" && code != "TokenAlreadyExistsException" {
		return "", fmt.Errorf("create stack %s: %w", o.Name, err)
	}
	stack, err := c.describe(ctx, o.Name)
	if err != nil {
		return "", fmt.Errorf("look at stack %s, which is there already: %w", o.Name, err)
	}
	if !bears(stack, o.Tags) {
		return "", fmt.Errorf("create stack %s: %w", o.Name, pool.ErrForeign)
	}
	return aws.ToString(stack.StackId), nil
}

// Describe reads a stack by its ID or name; pool.ErrNotFound when there is none. By its ID a deleted
// stack is still found.
func (c *Client) Describe(ctx context.Context, nameOrID string) (pool.StackStatus, error) {
	s, err := c.describe(ctx, nameOrID)
	if err != nil {
		return pool.StackStatus{}, err
	}
	out := pool.StackStatus{
		ID: aws.ToString(s.StackId), Name: aws.ToString(s.StackName),
		Status: string(s.StackStatus), Reason: aws.ToString(s.StackStatusReason),
		Outputs: map[string]string{}, Parameters: map[string]string{}, Tags: map[string]string{},
	}
	for _, o := range s.Outputs {
		out.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range s.Parameters {
		out.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, t := range s.Tags {
		out.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out, nil
}

func (c *Client) describe(ctx context.Context, nameOrID string) (types.Stack, error) {
	out, err := c.API.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
	if awsclient.IsNotFound(err) || err == nil && len(out.Stacks) == 0 {
		return types.Stack{}, fmt.Errorf("describe stack %s: %w", nameOrID, pool.ErrNotFound)
	}
	if err != nil {
		return types.Stack{}, fmt.Errorf("describe stack %s: %w", nameOrID, err)
	}
	return out.Stacks[0], nil
}

// Delete has a stack deleted, by its ID or name, and returns as soon as CloudFormation accepted
// that. A stack that is gone, or being deleted, is no error.
func (c *Client) Delete(ctx context.Context, nameOrID, token string) error {
	_, err := c.API.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &nameOrID, ClientRequestToken: &token})
	if err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("delete stack %s: %w", nameOrID, err)
	}
	return nil
}

func parameters(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(values[key])})
	}
	return out
}

func tags(values map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(values[key])})
	}
	return out
}

// bears reports whether a stack has all these tags.
func bears(s types.Stack, want map[string]string) bool {
	have := map[string]string{}
	for _, t := range s.Tags {
		have[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}
