// Package stacks orders, describes and deletes the CloudFormation stacks of hosts.
package stacks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// ErrForeign says that a stack of the name is there, and that it is not the one that was ordered.
var ErrForeign = errors.New("a stack of that name is somebody else's")

type client interface {
	CreateStack(ctx context.Context, in *cloudformation.CreateStackInput, opts ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error)
	DescribeStacks(ctx context.Context, in *cloudformation.DescribeStacksInput, opts ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackEvents(ctx context.Context, in *cloudformation.DescribeStackEventsInput, opts ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
	DeleteStack(ctx context.Context, in *cloudformation.DeleteStackInput, opts ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
}

// Order is what a stack is made of.
type Order struct {
	Name        string
	TemplateURL string // in S3
	Token       string // client request token: the same order again makes nothing new
	RoleARN     string // service role, by which CloudFormation makes the resources
	Parameters  map[string]string
	Tags        map[string]string // put on the stack and its resources; they also tell whose it is
}

// Formation is CloudFormation.
type Formation struct{ Client client }

// Create orders a stack and gives its ID. It returns as soon as CloudFormation accepted the order;
// ordering again gives the same ID. ErrForeign when a stack of the name lacks the order's tags.
func (f *Formation) Create(ctx context.Context, o Order) (string, error) {
	out, err := f.Client.CreateStack(ctx, &cloudformation.CreateStackInput{
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
	stack, err := f.describe(ctx, o.Name)
	if err != nil {
		return "", fmt.Errorf("look at stack %s, which is there already: %w", o.Name, err)
	}
	if !bears(stack, o.Tags) {
		return "", fmt.Errorf("create stack %s: %w", o.Name, ErrForeign)
	}
	return aws.ToString(stack.StackId), nil
}

// Stack is a stack as it is.
type Stack struct {
	ID      string
	Name    string
	Status  string // such as CREATE_COMPLETE
	Reason  string // of the status; empty when all is well
	Outputs map[string]string
}

// Describe reads a stack by its ID or name; pool.ErrNotFound when there is none. By its ID a deleted
// stack is still found.
func (f *Formation) Describe(ctx context.Context, nameOrID string) (Stack, error) {
	s, err := f.describe(ctx, nameOrID)
	if err != nil {
		return Stack{}, err
	}
	out := Stack{
		ID: aws.ToString(s.StackId), Name: aws.ToString(s.StackName),
		Status: string(s.StackStatus), Reason: aws.ToString(s.StackStatusReason), Outputs: map[string]string{},
	}
	for _, o := range s.Outputs {
		out.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return out, nil
}

func (f *Formation) describe(ctx context.Context, nameOrID string) (types.Stack, error) {
	out, err := f.Client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
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
func (f *Formation) Delete(ctx context.Context, nameOrID, token string) error {
	_, err := f.Client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &nameOrID, ClientRequestToken: &token})
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

// bears says whether a stack has all these tags.
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
