package stacks_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/adapter/stacks"
	"headroom/internal/adapter/stacks/stackstest"
	"headroom/internal/pool"
)

const (
	// template is a host whose machine can go and come back.
	template = `{
		"Parameters": {"HasMachine": {"Default": "true"}, "HostId": {}, "Slots": {"Default": "1"}},
		"Conditions": {"WithMachine": {"Fn::Equals": [{"Ref": "HasMachine"}, "true"]}},
		"Resources": {
			"Machine": {"Type": "AWS::EC2::Instance", "Condition": "WithMachine"},
			"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Tag": {"Ref": "Slots"}}}
		}
	}`
	// later has dropped the slots, and has an image.
	later = `{
		"Parameters": {"HasMachine": {"Default": "true"}, "HostId": {}, "ImageId": {}, "Type": {"Default": "m6i.xlarge"}},
		"Resources": {"Machine": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": {"Ref": "ImageId"}}}}
	}`
	laterURL = "https://bucket/later.json"
	role     = "arn:aws:iam::123456789012:role/r"
)

// standing is a stack that has been made from the template.
func standing(t *testing.T) (*stackstest.CloudFormation, *stacks.Client) {
	t.Helper()
	fake := &stackstest.CloudFormation{Templates: map[string]string{order().TemplateURL: template, laterURL: later}, Late: 1}
	c := &stacks.Client{API: fake}
	id, err := c.Create(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	fake.Finish(id, types.StackStatusCreateComplete, "", nil)
	return fake, c
}

// change is an update of it.
func change(token string, parameters map[string]string) pool.StackChange {
	return pool.StackChange{Name: order().Name, Token: token, RoleARN: role, Parameters: parameters}
}

func has(machine string) map[string]string { return map[string]string{"HasMachine": machine} }

func TestAnUpdateChangesWhatItNames(t *testing.T) {
	fake, c := standing(t)
	changed, err := c.Update(t.Context(), change("off", has("false")))
	if err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	changed, err = c.Update(t.Context(), change("off", has("false")))
	if err != nil || !changed {
		t.Errorf("asked again meanwhile: %v, %v", changed, err)
	}
	if _, err := c.Update(t.Context(), change("on", has("true"))); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("another meanwhile: %v", err)
	}
	fake.Finish(order().Name, types.StackStatusUpdateComplete, "", map[string]string{"DnsName": "a.b"})
	changed, err = c.Update(t.Context(), change("off", has("false")))
	if err != nil || !changed {
		t.Errorf("asked again afterwards: %v, %v", changed, err)
	}
	changed, err = c.Update(t.Context(), change("off-once-more", has("false")))
	if err != nil || changed {
		t.Errorf("asked for what is so: %v, %v", changed, err)
	}
	s, err := c.Describe(t.Context(), order().Name)
	if err != nil {
		t.Fatal(err)
	}
	want := pool.StackStatus{
		ID: s.ID, Name: order().Name, Status: "UPDATE_COMPLETE", Outputs: map[string]string{"DnsName": "a.b"}, Tags: order().Tags,
		Parameters: map[string]string{"HasMachine": "false", "HostId": "share-standard-1", "Slots": "10"},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	if s, _ := fake.Stack(s.ID); s.Updates != 1 || s.Role != role {
		t.Errorf("updated %d times, by %q", s.Updates, s.Role)
	}
}

func TestAnUpdateThatFailsIsNoTransit(t *testing.T) {
	fake, c := standing(t)
	fake.Finish(order().Name, types.StackStatusUpdateRollbackFailed, "", nil)
	if _, err := c.Update(t.Context(), change("off", has("false"))); err == nil || errors.Is(err, pool.ErrInTransit) {
		t.Errorf("a stack that is stuck: %v", err)
	}
	other := change("off", nil)
	other.Name = "nobody"
	if _, err := c.Update(t.Context(), other); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("no stack: %v", err)
	}
}

func TestATemplatesNewParametersAreThoseThatAreSent(t *testing.T) {
	fake, c := standing(t)
	to := change("later", map[string]string{"ImageId": "ami-2"})
	to.TemplateURL = laterURL
	if changed, err := c.Update(t.Context(), to); err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	fake.Finish(order().Name, types.StackStatusUpdateComplete, "", nil)
	want := map[string]string{"HasMachine": "true", "HostId": "share-standard-1", "ImageId": "ami-2", "Type": "m6i.xlarge"}
	if s, err := c.Describe(t.Context(), order().Name); err != nil || !maps.Equal(s.Parameters, want) || !maps.Equal(s.Tags, order().Tags) {
		t.Errorf("it is %+v, %v", s, err)
	}
	for name, spoil := range map[string]func(*pool.StackChange){
		"a parameter that it does not have": func(c *pool.StackChange) { c.Parameters["Slots"] = "3" },
		"a template that is not there":      func(c *pool.StackChange) { c.TemplateURL = "https://bucket/none.json" },
	} {
		fake, c := standing(t)
		to := change("spoilt", map[string]string{"ImageId": "ami-2"})
		to.TemplateURL = laterURL
		spoil(&to)
		if _, err := c.Update(t.Context(), to); err == nil || errors.Is(err, pool.ErrNotFound) || errors.Is(err, pool.ErrInTransit) {
			t.Errorf("%s: %v", name, err)
		}
		if s, _ := fake.Stack(order().Name); s.Updates != 0 {
			t.Errorf("%s: updated", name)
		}
	}
	_, c = standing(t)
	to = change("image", nil) // the new template wants an image
	to.TemplateURL = laterURL
	if _, err := c.Update(t.Context(), to); err == nil || !strings.Contains(err.Error(), "ImageId") {
		t.Errorf("without an image: %v", err)
	}
}

// preview looks until a change is previewed.
func preview(t *testing.T, c *stacks.Client, change pool.StackChange) ([]pool.ResourceChange, error) {
	t.Helper()
	for range 10 {
		changes, err := c.Preview(t.Context(), change, "set")
		if !errors.Is(err, pool.ErrInTransit) {
			return changes, err
		}
	}
	t.Fatal("it stays in transit")
	return nil, nil
}

func TestAChangeIsPreviewedAndCarriedOut(t *testing.T) {
	fake, c := standing(t)
	ctx := t.Context()
	to := change("", map[string]string{"HasMachine": "false", "Slots": "9"})
	if _, err := c.Preview(ctx, to, "set"); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("at once: %v", err)
	}
	if err := c.Execute(ctx, to.Name, "set", "execute"); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("execute it before it is made: %v", err)
	}
	if err := c.Discard(ctx, to.Name, "set"); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("discard it before it is made: %v", err)
	}
	changes, err := preview(t, c, to)
	want := []pool.ResourceChange{
		{Action: "Modify", Resource: "Bucket", Type: "AWS::S3::Bucket", Replacement: "Conditional", Scope: []string{"Properties"}},
		{Action: "Remove", Resource: "Machine", Type: "AWS::EC2::Instance"},
	}
	if diff := cmp.Diff(want, changes); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := preview(t, c, change("", map[string]string{"HasMachine": "false", "Slots": "8"})); err == nil {
		t.Error("the change set of another change was taken for this one")
	}
	if got := fake.ChangeSets(to.Name); !slices.Equal(got, []string{"set"}) {
		t.Errorf("there are %q", got)
	}
	for range 2 {
		if err := c.Execute(ctx, to.Name, "set", "execute"); err != nil {
			t.Errorf("execute: %v", err)
		}
	}
	if err := c.Discard(ctx, to.Name, "set"); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("discard what is being carried out: %v", err)
	}
	fake.Finish(to.Name, types.StackStatusUpdateComplete, "", nil)
	if err := c.Execute(ctx, to.Name, "set", "execute"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("execute it afterwards: %v", err)
	}
	if s, _ := fake.Stack(to.Name); s.Updates != 1 || s.Parameters["Slots"] != "9" || s.Parameters["HasMachine"] != "false" || s.Role != role {
		t.Errorf("it is %+v", s)
	}
}

func TestAPreviewOfNothingIsEmpty(t *testing.T) {
	_, c := standing(t)
	if changes, err := preview(t, c, change("", has("true"))); err != nil || len(changes) != 0 {
		t.Errorf("%v, %v", changes, err)
	}
	if err := c.Execute(t.Context(), order().Name, "set", "execute"); err == nil || errors.Is(err, pool.ErrInTransit) {
		t.Errorf("execute it: %v", err)
	}
	for range 2 {
		if err := c.Discard(t.Context(), order().Name, "set"); err != nil {
			t.Errorf("discard it: %v", err)
		}
	}
}

func TestAPreviewThatIsOverIsAConflict(t *testing.T) {
	fake, c := standing(t)
	to := change("", has("false"))
	if _, err := preview(t, c, to); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(t.Context(), change("other", map[string]string{"Slots": "3"})); err != nil {
		t.Fatal(err)
	}
	fake.Finish(to.Name, types.StackStatusUpdateComplete, "", nil)
	if _, err := preview(t, c, to); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("preview: %v", err)
	}
	if err := c.Execute(t.Context(), to.Name, "set", "execute"); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("execute: %v", err)
	}
	if err := c.Discard(t.Context(), to.Name, "set"); err != nil {
		t.Error(err)
	}
	if changes, err := preview(t, c, to); err != nil || len(changes) != 1 {
		t.Errorf("anew: %v, %v", changes, err)
	}
}

func TestAPreviewOfAStackThatIsBusyWaits(t *testing.T) {
	fake, c := standing(t)
	if _, err := c.Update(t.Context(), change("off", has("false"))); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := c.Preview(t.Context(), change("", has("true")), "set"); !errors.Is(err, pool.ErrInTransit) {
			t.Fatalf("%v", err)
		}
	}
	fake.Finish(order().Name, types.StackStatusUpdateComplete, "", nil)
	if changes, err := preview(t, c, change("", has("true"))); err != nil || len(changes) != 1 || changes[0].Action != "Add" {
		t.Errorf("%v, %v", changes, err)
	}
	other := change("", nil)
	other.Name = "nobody"
	if _, err := preview(t, c, other); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("of no stack: %v", err)
	}
	if err := c.Execute(t.Context(), "nobody", "set", "execute"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("execute it: %v", err)
	}
	if err := c.Discard(t.Context(), "nobody", "set"); err != nil {
		t.Errorf("discard it: %v", err)
	}
}

// failing answers that a change set has failed.
type failing struct {
	*stackstest.CloudFormation
	reason string
}

func (f failing) DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	return &cloudformation.DescribeChangeSetOutput{Status: types.ChangeSetStatusFailed, StatusReason: aws.String(f.reason)}, nil
}

func TestWhyAChangeSetFailedIsToldApart(t *testing.T) {
	for reason, fails := range map[string]bool{
		"The submitted information didn't contain changes. Submit different information to create a change set.": false,
		"No updates are to be performed.": false,
		"Transform failed":                true,
	} {
		changes, err := (&stacks.Client{API: failing{reason: reason}}).Preview(t.Context(), change("", nil), "set")
		if (err != nil) != fails || len(changes) != 0 || fails && !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, %v", reason, changes, err)
		}
	}
}

// overtaken looks for a change set just before somebody else makes it.
type overtaken struct{ *stackstest.CloudFormation }

func (overtaken) DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	return nil, &types.ChangeSetNotFoundException{Message: aws.String("ChangeSet [set] does not exist")}
}

func TestTwoThatPreviewMakeOneChangeSet(t *testing.T) {
	fake, c := standing(t)
	to := change("", has("false"))
	if _, err := preview(t, c, to); err != nil {
		t.Fatal(err)
	}
	if _, err := (&stacks.Client{API: overtaken{fake}}).Preview(t.Context(), to, "set"); !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("%v", err)
	}
	if got := fake.ChangeSets(to.Name); !slices.Equal(got, []string{"set"}) {
		t.Errorf("there are %q", got)
	}
}
