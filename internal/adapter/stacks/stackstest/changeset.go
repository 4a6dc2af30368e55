package stackstest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// changesPage is how many changes a page has: few, so that callers have to page.
const changesPage = 1

type changeSet struct {
	id, name, stack string // of the stack: its ID
	status          types.ChangeSetStatus
	execution       types.ExecutionStatus
	reason, role    string
	to              Stack
	changes         []types.Change
	looks           int
}

// ChangeSets are the names of a stack's change sets, in order.
func (f *CloudFormation) ChangeSets(nameOrID string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	if s := f.find(nameOrID); s != nil {
		for _, set := range f.sets {
			if set.stack == s.ID {
				names = append(names, set.name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// set finds a change set by its name. The caller holds the lock.
func (f *CloudFormation) set(stack, name *string) (*Stack, *changeSet, error) {
	s := f.find(aws.ToString(stack))
	if s == nil {
		return nil, nil, invalid("Stack [" + aws.ToString(stack) + "] does not exist")
	}
	for _, set := range f.sets {
		if set.stack == s.ID && (set.name == aws.ToString(name) || set.id == aws.ToString(name)) {
			return s, set, nil
		}
	}
	return s, nil, &types.ChangeSetNotFoundException{Message: aws.String("ChangeSet [" + aws.ToString(name) + "] does not exist")}
}

// CreateChangeSet is CloudFormation's, of stacks that are there: what would change is known some looks later.
func (f *CloudFormation) CreateChangeSet(ctx context.Context, in *cloudformation.CreateChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if in.ChangeSetType != "" && in.ChangeSetType != types.ChangeSetTypeUpdate {
		return nil, invalid("ChangeSet of type " + string(in.ChangeSetType) + " is not known here")
	}
	from, to, err := f.next(proposal{in.StackName, in.TemplateURL, in.TemplateBody, in.UsePreviousTemplate, in.Parameters, in.Tags, in.Capabilities})
	if err != nil {
		return nil, err
	}
	if _, set, _ := f.set(in.StackName, in.ChangeSetName); set != nil {
		return nil, &types.AlreadyExistsException{Message: aws.String("ChangeSet " + set.name + " cannot be created due to a mismatch with existing attribute Template")}
	}
	set := &changeSet{
		id:   fmt.Sprintf("arn:aws:cloudformation:eu-west-1:123456789012:changeSet/%s/%08d", aws.ToString(in.ChangeSetName), len(f.sets)+1),
		name: aws.ToString(in.ChangeSetName), stack: from.ID, role: aws.ToString(in.RoleARN), to: to, looks: f.Late,
		status: types.ChangeSetStatusCreatePending, execution: types.ExecutionStatusUnavailable,
		changes: difference(from.template, to.template, from.Parameters, to.Parameters),
	}
	if nothing(from, to) {
		set.reason = "The submitted information didn't contain changes. Submit different information to create a change set."
	}
	f.sets = append(f.sets, set)
	return &cloudformation.CreateChangeSetOutput{Id: &set.id, StackId: &from.ID}, nil
}

// DescribeChangeSet is CloudFormation's.
func (f *CloudFormation) DescribeChangeSet(ctx context.Context, in *cloudformation.DescribeChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, set, err := f.set(in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	if set.status == types.ChangeSetStatusCreatePending || set.status == types.ChangeSetStatusCreateInProgress {
		set.status = types.ChangeSetStatusCreateInProgress
		if set.looks--; set.looks < 0 {
			set.status, set.execution = types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable
			if set.reason != "" {
				set.status, set.execution = types.ChangeSetStatusFailed, types.ExecutionStatusUnavailable
			}
		}
	}
	out := &cloudformation.DescribeChangeSetOutput{
		ChangeSetId: &set.id, ChangeSetName: &set.name, StackId: &s.ID, StackName: &s.Name, Status: set.status, ExecutionStatus: set.execution,
	}
	for _, key := range slices.Sorted(maps.Keys(set.to.Parameters)) {
		out.Parameters = append(out.Parameters, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(set.to.Parameters[key])})
	}
	if set.status == types.ChangeSetStatusFailed {
		out.StatusReason = &set.reason
	}
	if set.status == types.ChangeSetStatusCreateComplete {
		from, _ := strconv.Atoi(aws.ToString(in.NextToken))
		to := min(from+changesPage, len(set.changes))
		if out.Changes = slices.Clone(set.changes[from:to]); to < len(set.changes) {
			out.NextToken = aws.String(strconv.Itoa(to))
		}
	}
	return out, nil
}

// ExecuteChangeSet is CloudFormation's: the stack is in progress then, until the test says how it ended.
func (f *CloudFormation) ExecuteChangeSet(ctx context.Context, in *cloudformation.ExecuteChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, set, err := f.set(in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	switch {
	case set.status != types.ChangeSetStatusCreateComplete:
		return nil, &types.InvalidChangeSetStatusException{Message: aws.String("ChangeSet [" + set.id + "] cannot be executed in its current status of [" + string(set.status) + "]")}
	case set.execution != types.ExecutionStatusAvailable:
		return nil, &types.InvalidChangeSetStatusException{Message: aws.String("ChangeSet [" + set.id + "] cannot be executed in its current execution status of [" + string(set.execution) + "]")}
	case !slices.Contains(updatable, s.Status):
		return nil, invalid("Stack:" + s.ID + " is in " + string(s.Status) + " state and can not be updated.")
	}
	f.begin(s, set.to, aws.ToString(in.ClientRequestToken), set.role)
	set.execution = types.ExecutionStatusExecuteInProgress
	f.sets = slices.DeleteFunc(f.sets, func(other *changeSet) bool { return other.stack == s.ID && other != set })
	return &cloudformation.ExecuteChangeSetOutput{}, nil
}

// DeleteChangeSet is CloudFormation's: of one that is not there it says nothing.
func (f *CloudFormation) DeleteChangeSet(ctx context.Context, in *cloudformation.DeleteChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, set, err := f.set(in.StackName, in.ChangeSetName)
	if s == nil {
		return nil, err
	}
	switch {
	case set == nil:
		return &cloudformation.DeleteChangeSetOutput{}, nil
	case set.status == types.ChangeSetStatusCreatePending || set.status == types.ChangeSetStatusCreateInProgress:
		return nil, &types.InvalidChangeSetStatusException{Message: aws.String("ChangeSet [" + set.id + "] cannot be deleted in its current status of [" + string(set.status) + "]")}
	case set.execution == types.ExecutionStatusExecuteInProgress:
		return nil, &types.InvalidChangeSetStatusException{Message: aws.String("ChangeSet [" + set.id + "] cannot be deleted in its current execution status of [" + string(set.execution) + "]")}
	}
	f.sets = slices.DeleteFunc(f.sets, func(other *changeSet) bool { return other == set })
	return &cloudformation.DeleteChangeSetOutput{}, nil
}
