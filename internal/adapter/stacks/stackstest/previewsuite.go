package stackstest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
)

const suiteSet = "off"

// propose makes a change set; an empty template keeps what the stack has.
func (w World) propose(t *testing.T, template string, parameters ...types.Parameter) error {
	t.Helper()
	in := &cloudformation.CreateChangeSetInput{
		StackName: aws.String(suiteStack), ChangeSetName: aws.String(suiteSet), ChangeSetType: types.ChangeSetTypeUpdate, Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}, UsePreviousTemplate: aws.Bool(true),
	}
	if template != "" {
		in.TemplateBody, in.UsePreviousTemplate = &template, nil
	}
	_, err := w.Client.CreateChangeSet(t.Context(), in)
	return err
}

func (w World) set(t *testing.T) (*cloudformation.DescribeChangeSetOutput, error) {
	t.Helper()
	var all *cloudformation.DescribeChangeSetOutput
	in := &cloudformation.DescribeChangeSetInput{StackName: aws.String(suiteStack), ChangeSetName: aws.String(suiteSet)}
	for {
		out, err := w.Client.DescribeChangeSet(t.Context(), in)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = out
		} else {
			all.Changes = append(all.Changes, out.Changes...)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

// ended waits until a change set is made, or has failed.
func (w World) ended(t *testing.T) *cloudformation.DescribeChangeSetOutput {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		set, err := w.set(t)
		switch {
		case err != nil:
			t.Fatal(err)
		case set.Status == types.ChangeSetStatusCreateComplete || set.Status == types.ChangeSetStatusFailed:
			return set
		case time.Now().After(end):
			t.Fatalf("it stays %s", set.Status)
		}
	}
}

// actions are the changes of a change set, such as "Remove Machine", in order of their resources.
func actions(set *cloudformation.DescribeChangeSetOutput) string {
	var all []string
	for _, change := range set.Changes {
		all = append(all, *change.ResourceChange.LogicalResourceId+" "+string(change.ResourceChange.Action))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (w World) execute(t *testing.T, token string) error {
	t.Helper()
	_, err := w.Client.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{
		StackName: aws.String(suiteStack), ChangeSetName: aws.String(suiteSet), ClientRequestToken: &token,
	})
	return err
}

func (w World) discard(t *testing.T) error {
	t.Helper()
	_, err := w.Client.DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{StackName: aws.String(suiteStack), ChangeSetName: aws.String(suiteSet)})
	return err
}

// PreviewSuite is how CloudFormation previews the change of a stack, and what it refuses.
func PreviewSuite(t *testing.T, newWorld func(*testing.T) World) {
	t.Run("a change is previewed and carried out", func(t *testing.T) {
		w := newWorld(t)
		w.made(t)
		if err := w.propose(t, "", value("HasMachine", "false"), kept("Host")); err != nil {
			t.Fatal(err)
		}
		set := w.ended(t)
		if set.Status != types.ChangeSetStatusCreateComplete || set.ExecutionStatus != types.ExecutionStatusAvailable || actions(set) != "Machine Remove" {
			t.Fatalf("it is %s, %s: %s", set.Status, set.ExecutionStatus, actions(set))
		}
		w.is(t, types.StackStatusCreateComplete, map[string]string{"HasMachine": "true", "Host": "share-standard-1"})
		if err := w.propose(t, "", value("HasMachine", "false"), kept("Host")); awsclient.Code(err) != "AlreadyExistsException" {
			t.Errorf("once more: %v", err)
		}
		w.Hold(true)
		err := w.execute(t, "execute")
		status := w.stack(t).StackStatus
		w.Hold(false)
		if err != nil || !strings.HasPrefix(string(status), "UPDATE_") || !strings.HasSuffix(string(status), "_IN_PROGRESS") {
			t.Fatalf("execute: %v; the stack is %s", err, status)
		}
		w.Settle(t, suiteStack)
		w.is(t, types.StackStatusUpdateComplete, map[string]string{"HasMachine": "false", "Host": "share-standard-1"})
		if err := w.execute(t, "again"); !slices.Contains([]string{"ChangeSetNotFound", "InvalidChangeSetStatus"}, awsclient.Code(err)) {
			t.Errorf("execute it again: %v", err)
		}
	})
	t.Run("what is added and modified", func(t *testing.T) {
		w := newWorld(t)
		w.made(t)
		more := strings.Replace(machineTemplate, `"Resources": {`, `"Resources": {"More": {"Type": "AWS::CDK::Metadata"},`, 1)
		if err := w.propose(t, more, value("Host", "share-standard-2")); err != nil {
			t.Fatal(err)
		}
		set := w.ended(t)
		if actions(set) != "Host Modify, More Add" {
			t.Fatalf("it is %s: %s", set.Status, actions(set))
		}
		for _, change := range set.Changes {
			r := change.ResourceChange
			replaced := slices.Contains([]types.Replacement{types.ReplacementTrue, types.ReplacementFalse, types.ReplacementConditional}, r.Replacement)
			if *r.ResourceType != "AWS::CDK::Metadata" || replaced != (r.Action == types.ChangeActionModify) || slices.Contains(r.Scope, types.ResourceAttributeProperties) != replaced {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("nothing would change", func(t *testing.T) {
		w := newWorld(t)
		w.made(t)
		if err := w.propose(t, "", kept("HasMachine"), kept("Host")); err != nil {
			t.Fatal(err)
		}
		set := w.ended(t)
		if set.Status != types.ChangeSetStatusFailed || set.ExecutionStatus != types.ExecutionStatusUnavailable || !strings.Contains(*set.StatusReason, "didn't contain changes") {
			t.Errorf("it is %s, %s: %s", set.Status, set.ExecutionStatus, aws.ToString(set.StatusReason))
		}
		if err := w.execute(t, "execute"); awsclient.Code(err) != "InvalidChangeSetStatus" {
			t.Errorf("execute: %v", err)
		}
	})
	t.Run("the stack was changed since", func(t *testing.T) {
		w := newWorld(t)
		w.made(t)
		if err := w.propose(t, "", value("HasMachine", "false"), kept("Host")); err != nil {
			t.Fatal(err)
		}
		w.ended(t)
		if err := w.update(t, "a", "", kept("HasMachine"), value("Host", "share-standard-2")); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, suiteStack)
		if set, err := w.set(t); err == nil && set.ExecutionStatus != types.ExecutionStatusObsolete || err != nil && awsclient.Code(err) != "ChangeSetNotFound" {
			t.Errorf("it is %+v, %v", set, err)
		}
		if err := w.execute(t, "execute"); !slices.Contains([]string{"ChangeSetNotFound", "InvalidChangeSetStatus"}, awsclient.Code(err)) {
			t.Errorf("execute: %v", err)
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.set(t); !awsclient.IsNotFound(err) {
			t.Errorf("of no stack: %v", err)
		}
		w.made(t)
		if _, err := w.set(t); awsclient.Code(err) != "ChangeSetNotFound" {
			t.Errorf("no change set: %v", err)
		}
		if err := w.execute(t, "execute"); awsclient.Code(err) != "ChangeSetNotFound" {
			t.Errorf("execute no change set: %v", err)
		}
		if err := w.propose(t, "", kept("HasMachine"), kept("Host"), value("Other", "x")); awsclient.Code(err) != "ValidationError" {
			t.Errorf("a parameter that there is not: %v", err)
		}
		if err := w.propose(t, "", value("HasMachine", "false"), kept("Host")); err != nil {
			t.Fatal(err)
		}
		if err := w.discard(t); awsclient.Code(err) != "InvalidChangeSetStatus" {
			t.Errorf("discard it while it is made: %v", err)
		}
		w.ended(t)
		for range 2 {
			if err := w.discard(t); err != nil && !awsclient.IsNotFound(err) {
				t.Errorf("discard: %v", err)
			}
		}
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, err := w.set(t); awsclient.Code(err) == "ChangeSetNotFound" {
				break
			}
			if time.Now().After(end) {
				t.Fatal("it is still there")
			}
		}
	})
	t.Run("the parameters of a template", func(t *testing.T) {
		w := newWorld(t)
		out, err := w.Client.GetTemplateSummary(t.Context(), &cloudformation.GetTemplateSummaryInput{TemplateBody: aws.String(otherTemplate)})
		if err != nil {
			t.Fatal(err)
		}
		defaults := map[string]string{}
		for _, p := range out.Parameters {
			defaults[*p.ParameterKey] = aws.ToString(p.DefaultValue)
			if *p.ParameterKey == "Type" && p.DefaultValue != nil {
				t.Errorf("%+v", p)
			}
		}
		if len(defaults) != 3 || defaults["HasMachine"] != "true" || defaults["Size"] != "80" {
			t.Errorf("%v", defaults)
		}
	})
}
