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

// Update asks for a change of a stack and returns as soon as CloudFormation has accepted it; false when there is nothing
// to change. Asking again under the same token changes nothing more: it may return either, so the stack is looked at.
// pool.ErrInTransit while CloudFormation is at work on the stack, pool.ErrNotFound when there is none.
//
// A parameter of the stack that the change does not name keeps its value, unless the new template has dropped it. One
// that the new template has added has its default, if it is not named.
func (c *Client) Update(ctx context.Context, change pool.StackChange) (changed bool, err error) {
	f, err := c.form(ctx, change)
	if err != nil {
		return false, fmt.Errorf("update stack %s: %w", change.Name, err)
	}
	_, err = c.API.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &change.Name, ClientRequestToken: word(change.Token), RoleARN: word(change.RoleARN),
		TemplateURL: f.template, UsePreviousTemplate: f.previous, Parameters: f.parameters, Capabilities: f.capabilities,
		// Without Tags the stack keeps those that it has. What an update that fails has made holds nothing.
		RetainExceptOnCreate: aws.Bool(true),
	})
	switch {
	case awsclient.IsStackUnchanged(err):
		return false, nil
	case awsclient.Code(err) == "TokenAlreadyExistsException": // accepted by an earlier try
		return true, nil
	case err != nil:
		return false, fmt.Errorf("update stack %s: %w", change.Name, meaning(err))
	}
	return true, nil
}

// form is what an update and a change set have in common.
type form struct {
	template     *string
	previous     *bool
	parameters   []types.Parameter
	capabilities []types.Capability
}

func (c *Client) form(ctx context.Context, change pool.StackChange) (form, error) {
	stack, err := c.describe(ctx, change.Name)
	if err != nil {
		return form{}, err
	}
	f := form{template: word(change.TemplateURL), capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}}
	declared := func(string) bool { return true } // the stack has no parameter that its template lacks
	if f.template == nil {
		f.previous = aws.Bool(true)
	} else {
		summary, err := c.API.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{TemplateURL: f.template})
		if err != nil {
			return form{}, fmt.Errorf("read which parameters the template has: %w", err)
		}
		declared = func(key string) bool {
			return slices.ContainsFunc(summary.Parameters, func(p types.ParameterDeclaration) bool { return aws.ToString(p.ParameterKey) == key })
		}
	}
	f.parameters = parameters(change.Parameters) // also those that the template lacks, which CloudFormation refuses
	kept := map[string]bool{}
	for _, p := range stack.Parameters {
		key := aws.ToString(p.ParameterKey)
		if _, named := change.Parameters[key]; !named && declared(key) {
			kept[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		f.parameters = append(f.parameters, types.Parameter{ParameterKey: aws.String(key), UsePreviousValue: aws.Bool(true)})
	}
	return f, nil
}

// meaning marks an error of CloudFormation's with what it means to who called: pool.ErrNotFound or pool.ErrInTransit.
func meaning(err error) error {
	switch {
	case awsclient.IsNotFound(err):
		return fmt.Errorf("%w: %w", pool.ErrNotFound, err)
	case awsclient.IsStackBusy(err):
		return fmt.Errorf("%w: %w", pool.ErrInTransit, err)
	}
	return err
}

// word is a member that is left out when it is empty.
func word(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}
