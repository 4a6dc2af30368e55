package stacks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

const (
	// changePages bounds how many pages of a change set are read.
	changePages = 50
	// hidden is how CloudFormation shows the value of a parameter that is not to be seen.
	hidden = "****"
)

// unchanged are the words in which CloudFormation says that a change set failed because nothing would change.
var unchanged = []string{"didn't contain changes", "No updates are to be performed"}

// errOtherChange means that a change set of the name is for another change.
var errOtherChange = errors.New("a change set of that name is for another change")

// Preview returns what a change would do to a stack, by a change set of the name, which it makes first if there is none.
// None means that nothing would change. The token of the change is not used. pool.ErrInTransit while the change set is
// being made, or while CloudFormation is at work on the stack; pool.ErrConflict when the stack was changed since, so that
// the change set is to be discarded; pool.ErrNotFound when there is no such stack.
func (c *Client) Preview(ctx context.Context, change pool.StackChange, name string) ([]pool.ResourceChange, error) {
	failed := func(err error) ([]pool.ResourceChange, error) {
		return nil, fmt.Errorf("preview change %s of stack %s: %w", name, change.Name, err)
	}
	set, err := c.changeSet(ctx, change.Name, name)
	if errors.Is(err, pool.ErrNotFound) {
		if err := c.propose(ctx, change, name); err != nil {
			return failed(err)
		}
		return failed(pool.ErrInTransit)
	}
	if err != nil {
		return failed(err)
	}
	for _, p := range set.Parameters {
		wanted, named := change.Parameters[aws.ToString(p.ParameterKey)]
		if is := aws.ToString(p.ParameterValue); named && is != wanted && is != hidden {
			return failed(errOtherChange)
		}
	}
	changes, err := changesOf(set)
	if err != nil {
		return failed(err)
	}
	return changes, nil
}

// propose asks for a change set.
func (c *Client) propose(ctx context.Context, change pool.StackChange, name string) error {
	f, err := c.form(ctx, change)
	if err != nil {
		return err
	}
	_, err = c.API.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
		StackName: &change.Name, ChangeSetName: &name, ChangeSetType: types.ChangeSetTypeUpdate, RoleARN: word(change.RoleARN),
		TemplateURL: f.template, UsePreviousTemplate: f.previous, Parameters: f.parameters, Capabilities: f.capabilities,
	})
	if awsclient.IsAlreadyExists(err) { // somebody was faster, or it did not show yet
		return nil
	}
	return meaning(err)
}

// changeSet reads all of a change set; pool.ErrNotFound when there is none.
func (c *Client) changeSet(ctx context.Context, stack, name string) (*cloudformation.DescribeChangeSetOutput, error) {
	in := &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: &name}
	var set *cloudformation.DescribeChangeSetOutput
	for range changePages {
		page, err := c.API.DescribeChangeSet(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("look at the change set: %w", meaning(err))
		}
		if set == nil {
			set = page
		} else {
			set.Changes = append(set.Changes, page.Changes...)
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return set, nil
		}
	}
	return nil, fmt.Errorf("look at the change set: it has more than %d pages", changePages)
}

func changesOf(set *cloudformation.DescribeChangeSetOutput) ([]pool.ResourceChange, error) {
	reason := aws.ToString(set.StatusReason)
	switch {
	case set.Status == types.ChangeSetStatusFailed:
		for _, words := range unchanged {
			if strings.Contains(reason, words) {
				return nil, nil
			}
		}
		return nil, fmt.Errorf("the change set failed: %s", reason)
	case set.Status != types.ChangeSetStatusCreateComplete: // coming, or going
		return nil, fmt.Errorf("the change set is %s: %w", set.Status, pool.ErrInTransit)
	case set.ExecutionStatus == types.ExecutionStatusObsolete:
		return nil, fmt.Errorf("the change set is %s: %w", set.ExecutionStatus, pool.ErrConflict)
	}
	var changes []pool.ResourceChange
	for _, change := range set.Changes {
		r := change.ResourceChange
		if r == nil { // a change of another kind
			continue
		}
		to := pool.ResourceChange{
			Action: string(r.Action), Resource: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), Replacement: string(r.Replacement),
		}
		for _, scope := range r.Scope {
			to.Scope = append(to.Scope, string(scope))
		}
		changes = append(changes, to)
	}
	return changes, nil
}

// Execute has a change set carried out, and returns as soon as CloudFormation has accepted that. One that is being
// carried out is no error. pool.ErrInTransit while it is being made, or while CloudFormation is at work on the stack;
// pool.ErrConflict when the stack was changed since; pool.ErrNotFound when there is none, or it was carried out, however that ended.
func (c *Client) Execute(ctx context.Context, stack, changeSet, token string) error {
	_, err := c.API.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &stack, ChangeSetName: &changeSet, ClientRequestToken: word(token)})
	switch awsclient.Code(err) {
	case "TokenAlreadyExistsException":
		return nil
	case "InvalidChangeSetStatus":
		if set, missing := c.changeSet(ctx, stack, changeSet); missing == nil {
			switch {
			case set.ExecutionStatus == types.ExecutionStatusExecuteInProgress:
				return nil
			// One that was carried out may be kept, and be carried out no more.
			case set.ExecutionStatus == types.ExecutionStatusExecuteComplete, set.ExecutionStatus == types.ExecutionStatusExecuteFailed:
				err = fmt.Errorf("%w: %w", pool.ErrNotFound, err)
			case set.ExecutionStatus == types.ExecutionStatusObsolete:
				err = fmt.Errorf("%w: %w", pool.ErrConflict, err)
			case set.Status == types.ChangeSetStatusCreatePending || set.Status == types.ChangeSetStatusCreateInProgress:
				err = fmt.Errorf("%w: %w", pool.ErrInTransit, err)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("execute change %s of stack %s: %w", changeSet, stack, meaning(err))
	}
	return nil
}

// Discard deletes a change set; the stack stays as it is. One that is gone is no error. pool.ErrInTransit while it is being
// made, or carried out.
func (c *Client) Discard(ctx context.Context, stack, changeSet string) error {
	_, err := c.API.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &stack, ChangeSetName: &changeSet})
	switch {
	case err == nil || awsclient.IsNotFound(err):
		return nil
	case awsclient.Code(err) == "InvalidChangeSetStatus":
		err = fmt.Errorf("%w: %w", pool.ErrInTransit, err)
	}
	return fmt.Errorf("discard change %s of stack %s: %w", changeSet, stack, err)
}
