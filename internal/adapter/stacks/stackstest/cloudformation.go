// Package stackstest is an in-memory CloudFormation. A stack stays in progress until the test says
// how it ended; change sets are made over several looks.
package stackstest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/constraint"
)

// Stack is one stack.
type Stack struct {
	ID, Name, Token string
	Parameters      map[string]string
	Tags            map[string]string
	Status          types.StackStatus
	Reason          string
	Outputs         map[string]string
	Deletions       int                // how often its deletion was asked for
	Failures        []types.StackEvent // of its resources, the newest first
	Updates         int                // how often it was changed
	Role            string             // that changed it last

	template template
	before   *Stack   // while it is changed
	tokens   []string // of its changes
}

func (s *Stack) gone() bool { return s.Status == types.StackStatusDeleteComplete }

// CloudFormation holds stacks.
type CloudFormation struct {
	// Late is how many looks a change set takes.
	Late int
	// Templates are those in S3, as JSON by their URLs. A stack may also be made from one that is none of them: then it
	// has the parameters that it was made with.
	Templates map[string]string

	mu      sync.Mutex
	sets    []*changeSet
	stacks  []*Stack
	deleted []string // tokens with which deletions were asked for
}

func (f *CloudFormation) find(nameOrID string) *Stack {
	for _, s := range slices.Backward(f.stacks) {
		if s.ID == nameOrID || s.Name == nameOrID && !s.gone() {
			return s
		}
	}
	return nil
}

// Add puts a stack in, as if it had been created before. It returns its ID.
func (f *CloudFormation) Add(name, token string, tags map[string]string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(name, token, nil, tags, template{})
}

func (f *CloudFormation) add(name, token string, parameters, tags map[string]string, t template) string {
	id := fmt.Sprintf("arn:aws:cloudformation:eu-west-1:123456789012:stack/%s/%08d", name, len(f.stacks)+1)
	f.stacks = append(f.stacks, &Stack{ID: id, Name: name, Token: token, Parameters: parameters, Tags: tags, Status: types.StackStatusCreateInProgress, template: t})
	return id
}

// Finish ends what is being done to a stack, with a status and its reason. A change that is rolled back leaves what was
// before.
func (f *CloudFormation) Finish(nameOrID string, status types.StackStatus, reason string, outputs map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(nameOrID)
	if s.before != nil && !strings.HasSuffix(string(status), "_IN_PROGRESS") {
		f.settle(s, status)
	}
	s.Status, s.Reason = status, reason
	if outputs != nil {
		s.Outputs = outputs
	}
}

// Fail has the making of one of a stack's resources fail.
func (f *CloudFormation) Fail(nameOrID, resource, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(nameOrID)
	s.Failures = slices.Insert(s.Failures, 0, types.StackEvent{
		StackId: &s.ID, LogicalResourceId: &resource, ResourceStatus: types.ResourceStatusCreateFailed, ResourceStatusReason: &reason,
	})
}

// eventsPage is how many events a page has: few, so that callers have to page.
const eventsPage = 2

// DescribeStackEvents is CloudFormation's, of what failed only.
func (f *CloudFormation) DescribeStackEvents(ctx context.Context, in *cloudformation.DescribeStackEventsInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name := aws.ToString(in.StackName)
	s := f.find(name)
	if s == nil {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack [" + name + "] does not exist"}
	}
	from, _ := strconv.Atoi(aws.ToString(in.NextToken)) // no token: from the beginning
	to := min(from+eventsPage, len(s.Failures))
	out := &cloudformation.DescribeStackEventsOutput{StackEvents: slices.Clone(s.Failures[from:to])}
	if to < len(s.Failures) {
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	return out, nil
}

// Stack returns a copy of a stack; false when there is none.
func (f *CloudFormation) Stack(nameOrID string) (Stack, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(nameOrID)
	if s == nil {
		return Stack{}, false
	}
	return *s, true
}

// Count returns how many stacks were ever made.
func (f *CloudFormation) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.stacks)
}

// CreateStack is CloudFormation's.
func (f *CloudFormation) CreateStack(ctx context.Context, in *cloudformation.CreateStackInput, _ ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name, token := aws.ToString(in.StackName), aws.ToString(in.ClientRequestToken)
	parameters, tags := map[string]string{}, map[string]string{}
	for _, p := range in.Parameters {
		parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, t := range in.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if r := constraint.Stack(in.StackName, in.ClientRequestToken, tags); r != nil {
		return nil, &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
	}
	if in.TemplateURL == nil && in.TemplateBody == nil {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Either Template URL or Template Body must be specified."}
	}
	if s := f.find(name); s != nil {
		if s.Token == token && token != "" {
			return &cloudformation.CreateStackOutput{StackId: &s.ID}, nil
		}
		return nil, &types.AlreadyExistsException{Message: aws.String("Stack [" + name + "] already exists")}
	}
	t, err := f.read(in.TemplateURL, in.TemplateBody)
	if err != nil {
		t = declaring(parameters)
	}
	if parameters, err = valued(t, in.Parameters, nil); err != nil {
		return nil, err
	}
	return &cloudformation.CreateStackOutput{StackId: aws.String(f.add(name, token, parameters, tags, t))}, nil
}

// DescribeStacks is CloudFormation's.
func (f *CloudFormation) DescribeStacks(ctx context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name := aws.ToString(in.StackName)
	s := f.find(name)
	if s == nil {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id " + name + " does not exist"}
	}
	out := types.Stack{StackId: &s.ID, StackName: &s.Name, StackStatus: s.Status, StackStatusReason: &s.Reason}
	for _, key := range slices.Sorted(maps.Keys(s.Outputs)) {
		out.Outputs = append(out.Outputs, types.Output{OutputKey: aws.String(key), OutputValue: aws.String(s.Outputs[key])})
	}
	for _, key := range slices.Sorted(maps.Keys(s.Parameters)) {
		out.Parameters = append(out.Parameters, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(s.Parameters[key])})
	}
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(s.Tags[key])})
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{out}}, nil
}

// DeleteStack is CloudFormation's: of a stack that is not there it says nothing.
func (f *CloudFormation) DeleteStack(ctx context.Context, in *cloudformation.DeleteStackInput, _ ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.find(aws.ToString(in.StackName)); s != nil {
		token := aws.ToString(in.ClientRequestToken)
		if slices.Contains(f.deleted, token) { // the request was answered before, and nothing is done
			return &cloudformation.DeleteStackOutput{}, nil
		}
		f.deleted = append(f.deleted, token)
		s.Deletions++
		if !strings.HasPrefix(string(s.Status), "DELETE_") || s.Status == types.StackStatusDeleteFailed {
			s.Status, s.Reason = types.StackStatusDeleteInProgress, ""
		}
	}
	return &cloudformation.DeleteStackOutput{}, nil
}
