package stackstest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/local/constraint"
)

// updatable are the states in which a stack can be changed.
var updatable = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete, types.StackStatusImportComplete,
}

// proposal is what an update and a change set have in common.
type proposal struct {
	name, url, body *string
	previous        *bool
	parameters      []types.Parameter
	tags            []types.Tag // nil: as they are
	capabilities    []types.Capability
}

// next is the stack as a proposal has it, with nothing done yet. The caller holds the lock.
func (f *CloudFormation) next(p proposal) (from *Stack, to Stack, err error) {
	from = f.find(aws.ToString(p.name))
	if from == nil || from.gone() {
		return nil, to, invalid("Stack [" + aws.ToString(p.name) + "] does not exist")
	}
	if !slices.Contains(updatable, from.Status) {
		return nil, to, invalid("Stack:" + from.ID + " is in " + string(from.Status) + " state and can not be updated.")
	}
	to = *from
	if aws.ToBool(p.previous) == (p.url != nil || p.body != nil) {
		return nil, to, invalid("Either Template URL or Template Body must be specified.")
	}
	if !aws.ToBool(p.previous) {
		if to.template, err = f.read(p.url, p.body); err != nil {
			return nil, to, err
		}
	}
	if !slices.Contains(p.capabilities, types.CapabilityCapabilityNamedIam) {
		return nil, to, &types.InsufficientCapabilitiesException{Message: aws.String("Requires capabilities : [CAPABILITY_NAMED_IAM]")}
	}
	if to.Parameters, err = valued(to.template, p.parameters, from.Parameters); err != nil {
		return nil, to, err
	}
	if p.tags != nil {
		to.Tags = map[string]string{}
		for _, t := range p.tags {
			to.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	return from, to, nil
}

// valued are the values of a template's parameters. One that is neither given nor said to keep its value has its default,
// whatever it was before.
func valued(t template, given []types.Parameter, was map[string]string) (map[string]string, error) {
	values := map[string]string{}
	var unknown, missing []string
	for _, p := range given {
		key := aws.ToString(p.ParameterKey)
		if _, declared := t.Parameters[key]; !declared {
			unknown = append(unknown, key)
			continue
		}
		if !aws.ToBool(p.UsePreviousValue) {
			values[key] = aws.ToString(p.ParameterValue)
			continue
		}
		value, there := was[key]
		if !there {
			return nil, invalid("Invalid input for parameter key " + key + ". Cannot specify usePreviousValue as true for a parameter key not in the previous template")
		}
		values[key] = value
	}
	if len(unknown) > 0 {
		return nil, invalid("Parameters: [" + strings.Join(unknown, ", ") + "] do not exist in the template")
	}
	for _, key := range slices.Sorted(maps.Keys(t.Parameters)) {
		if _, there := values[key]; there {
			continue
		}
		if fallback := t.Parameters[key].Default; fallback != nil {
			values[key] = *fallback
		} else {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return nil, invalid("Parameters: [" + strings.Join(missing, ", ") + "] must have values")
	}
	return values, nil
}

// nothing reports whether a stack is as it is to be.
func nothing(from *Stack, to Stack) bool {
	return len(difference(from.template, to.template, from.Parameters, to.Parameters)) == 0 && maps.Equal(from.Tags, to.Tags)
}

// UpdateStack is CloudFormation's. Its answer to a token that it knows differs, as it does in AWS: while the change is
// under way it is the first one again, and later the token is known already.
func (f *CloudFormation) UpdateStack(ctx context.Context, in *cloudformation.UpdateStackInput, _ ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name, s := in.StackName, f.find(aws.ToString(in.StackName))
	if s != nil { // which may be called by its ID, too
		name = &s.Name
	}
	if r := constraint.Stack(name, in.ClientRequestToken, nil); r != nil {
		return nil, invalid(r.Message)
	}
	token := aws.ToString(in.ClientRequestToken)
	if s != nil && token != "" {
		if slices.Contains(s.tokens, token) && s.before != nil {
			return &cloudformation.UpdateStackOutput{StackId: &s.ID}, nil
		}
		if slices.Contains(s.tokens, token) || s.Token == token {
			return nil, &types.TokenAlreadyExistsException{Message: aws.String("A client request token already exists.")}
		}
	}
	from, to, err := f.next(proposal{in.StackName, in.TemplateURL, in.TemplateBody, in.UsePreviousTemplate, in.Parameters, in.Tags, in.Capabilities})
	if err != nil {
		return nil, err
	}
	if nothing(from, to) {
		return nil, invalid("No updates are to be performed.")
	}
	f.begin(from, to, token, aws.ToString(in.RoleARN))
	for _, set := range f.sets {
		if set.stack == from.ID && set.execution == types.ExecutionStatusAvailable {
			set.execution = types.ExecutionStatusObsolete
		}
	}
	return &cloudformation.UpdateStackOutput{StackId: &from.ID}, nil
}

// begin starts a change of a stack, which shows its new parameters at once. The caller holds the lock.
func (f *CloudFormation) begin(s *Stack, to Stack, token, role string) {
	before := *s
	s.before, s.template, s.Parameters, s.Tags = &before, to.template, to.Parameters, to.Tags
	s.Status, s.Reason, s.tokens = types.StackStatusUpdateInProgress, "User Initiated", append(s.tokens, token)
	s.Updates++
	if role != "" {
		s.Role = role
	}
}

// settle ends a change. What is carried out takes all change sets of the stack with it. The caller holds the lock.
func (f *CloudFormation) settle(s *Stack, status types.StackStatus) {
	if strings.Contains(string(status), "ROLLBACK") {
		s.template, s.Parameters, s.Tags = s.before.template, s.before.Parameters, s.before.Tags
	}
	s.before = nil
	f.sets = slices.DeleteFunc(f.sets, func(set *changeSet) bool {
		if set.stack != s.ID || set.execution != types.ExecutionStatusExecuteInProgress {
			return false
		}
		set.execution = types.ExecutionStatusExecuteFailed
		return status == types.StackStatusUpdateComplete
	})
}
