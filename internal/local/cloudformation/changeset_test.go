package cloudformation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// propose asks for a change set of the stack s, with its template if that is empty.
func (c *cloud) propose(t *testing.T, name, template string, options ...func(*cloudformation.CreateChangeSetInput)) error {
	t.Helper()
	in := &cloudformation.CreateChangeSetInput{StackName: aws.String("s"), ChangeSetName: &name}
	if template == "" {
		in.UsePreviousTemplate = aws.Bool(true)
	} else {
		in.TemplateBody = &template
	}
	for _, o := range options {
		o(in)
	}
	_, err := c.client.CreateChangeSet(t.Context(), in)
	return err
}

func given(name, value string) func(*cloudformation.CreateChangeSetInput) {
	return func(in *cloudformation.CreateChangeSetInput) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
}

func (c *cloud) proposed(t *testing.T, name string) *cloudformation.DescribeChangeSetOutput {
	t.Helper()
	out, err := c.client.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: aws.String("s"), ChangeSetName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// code is the code of a refusal.
func code(err error) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

// ready waits until a change set has been made, or has failed.
func (c *cloud) ready(t *testing.T, name string, want types.ChangeSetStatus) *cloudformation.DescribeChangeSetOutput {
	t.Helper()
	for range 1000 {
		if out := c.proposed(t, name); out.Status == want {
			return out
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("change set %s never became %s: %+v", name, want, c.proposed(t, name))
	return nil
}

func (c *cloud) execute(t *testing.T, name, token string) error {
	t.Helper()
	_, err := c.client.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: aws.String("s"), ChangeSetName: &name, ClientRequestToken: &token})
	return err
}

// lines are changes as text, one a line.
func lines(changes []types.Change) (list []string) {
	for _, change := range changes {
		r := change.ResourceChange
		line := fmt.Sprint(r.Action, " ", *r.LogicalResourceId, " ", r.Replacement, " ", r.PolicyAction, " ", r.Scope)
		for _, d := range r.Details {
			line += fmt.Sprint(" ", d.ChangeSource, "/", d.Evaluation, "/", aws.ToString(d.CausingEntity), "/", aws.ToString(d.Target.Name), "/", d.Target.RequiresRecreation)
		}
		list = append(list, line)
	}
	return list
}

// made is the stack s of a template.
func made(t *testing.T, template string) *cloud {
	t.Helper()
	c := newCloud(t)
	c.create(t, "s", "made", template)
	c.reach(t, "s", types.StackStatusCreateComplete)
	c.fresh()
	return c
}

func TestAChangeSetSaysWhatAnUpdateWouldDoAndDoesIt(t *testing.T) {
	from := stackOf(thingOf("A", `"of":{"Ref":"P"}`, ""), thingOf("B", `"fixed":"1"`, ""), thingOf("C", `"fixed":{"Ref":"B"}`, `,"UpdateReplacePolicy":"Retain"`), thingOf("Gone", "", `,"DeletionPolicy":"Retain"`), thingOf("Same", `"of":"1"`, ""))
	to := stackOf(thingOf("A", `"of":{"Ref":"P"}`, ""), thingOf("B", `"fixed":"2"`, ""), thingOf("C", `"fixed":{"Ref":"B"}`, `,"UpdateReplacePolicy":"Retain"`), thingOf("New", "", ""), thingOf("Same", `"of":"1"`, ""))
	c := made(t, from)
	if err := c.propose(t, "changes", to, given("P", "other")); err != nil {
		t.Fatal(err)
	}
	out := c.ready(t, "changes", types.ChangeSetStatusCreateComplete)
	want := []string{
		"Modify A False  [Properties] ParameterReference/Static/P/of/Never",
		"Modify B True ReplaceAndDelete [Properties] DirectModification/Static//fixed/Always",
		"Modify C Conditional ReplaceAndRetain [Properties] ResourceReference/Dynamic/B/fixed/Always",
		"Add New   []",
		"Remove Gone  Retain []",
	}
	if got := lines(out.Changes); !slices.Equal(got, want) {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if out.ExecutionStatus != types.ExecutionStatusAvailable || c.things.did() != "" {
		t.Errorf("it is %s, and did %s", out.ExecutionStatus, c.things.did())
	}
	for range 2 { // the same request again does nothing
		if err := c.execute(t, "changes", "now"); err != nil {
			t.Fatal(err)
		}
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
	if got, want := c.things.did(), "~A+B+C+New-B"; len(got) != len(want) || !strings.Contains(got, "+B+C") {
		t.Errorf("did %s, want what %s is", got, want)
	}
	for range 1000 {
		if out = c.proposed(t, "changes"); out.ExecutionStatus == types.ExecutionStatusExecuteComplete {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if out.ExecutionStatus != types.ExecutionStatusExecuteComplete {
		t.Errorf("it is %s", out.ExecutionStatus)
	}
	if got := c.seen(); !strings.HasPrefix(got, "UPDATE_IN_PROGRESS now") {
		t.Errorf("events %s", got)
	}
	if err := c.execute(t, "changes", "again"); code(err) != "InvalidChangeSetStatus" {
		t.Errorf("executed twice: %v", err)
	}
}

func TestAChangeSetTakesAWhileToBeMade(t *testing.T) {
	c := newCloudWith(t, time.Hour)
	c.create(t, "s", "made", stackOf(thingOf("A", `"of":{"Ref":"P"}`, "")))
	c.reach(t, "s", types.StackStatusCreateComplete)
	if err := c.propose(t, "early", "", given("P", "other")); err != nil {
		t.Fatal(err)
	}
	if out := c.proposed(t, "early"); out.Status != types.ChangeSetStatusCreatePending || out.ExecutionStatus != types.ExecutionStatusUnavailable || len(out.Changes) > 0 {
		t.Errorf("at once it is %+v", out)
	}
	if err := c.execute(t, "early", "now"); code(err) != "InvalidChangeSetStatus" {
		t.Errorf("executed before it is made: %v", err)
	}
}

func TestAChangeSetWithoutChangesFails(t *testing.T) {
	c := made(t, stackOf(thingOf("A", `"of":"1"`, "")))
	if err := c.propose(t, "nothing", ""); err != nil {
		t.Fatal(err)
	}
	out := c.ready(t, "nothing", types.ChangeSetStatusFailed)
	if !strings.Contains(aws.ToString(out.StatusReason), "The submitted information didn't contain changes") || out.ExecutionStatus != types.ExecutionStatusUnavailable {
		t.Errorf("it is %+v", out)
	}
	if err := c.execute(t, "nothing", "now"); code(err) != "InvalidChangeSetStatus" {
		t.Errorf("executed: %v", err)
	}
}

func TestAChangeSetOfWhatTheStackWasIsOfNoUse(t *testing.T) {
	c := made(t, stackOf(thingOf("A", `"of":{"Ref":"P"}`, "")))
	for _, name := range []string{"one", "two", "three"} {
		if err := c.propose(t, name, "", given("P", name)); err != nil {
			t.Fatal(err)
		}
		c.ready(t, name, types.ChangeSetStatusCreateComplete)
	}
	if err := c.propose(t, "one", "", given("P", "x")); code(err) != "AlreadyExistsException" {
		t.Errorf("two of a name: %v", err)
	}
	list, err := c.client.ListChangeSets(t.Context(), &cloudformation.ListChangeSetsInput{StackName: aws.String("s")})
	if err != nil || len(list.Summaries) != 3 {
		t.Errorf("listed %+v, %v", list, err)
	}
	if err := c.execute(t, "two", "two"); err != nil {
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
	if err := c.execute(t, "one", "one"); code(err) != "ChangeSetNotFound" {
		t.Errorf("execute one that was deleted by another's execution: %v", err)
	}
	if err := c.propose(t, "four", "", given("P", "four")); err != nil {
		t.Fatal(err)
	}
	c.ready(t, "four", types.ChangeSetStatusCreateComplete)
	if err := c.update(t, "directly", "", p("five")); err != nil {
		t.Fatal(err)
	}
	if out := c.proposed(t, "four"); out.ExecutionStatus != types.ExecutionStatusObsolete {
		t.Errorf("after an update it is %s", out.ExecutionStatus)
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
	if err := c.execute(t, "four", "four"); code(err) != "InvalidChangeSetStatus" {
		t.Errorf("execute one that is obsolete: %v", err)
	}
	remove := func(name string) error {
		_, err := c.client.DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{StackName: aws.String("s"), ChangeSetName: &name})
		return err
	}
	for range 2 {
		if err := remove("four"); err != nil {
			t.Error(err)
		}
	}
	_, err = c.client.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: aws.String("s"), ChangeSetName: aws.String("four")})
	if code(err) != "ChangeSetNotFound" {
		t.Errorf("describe one that was deleted: %v", err)
	}
}

func TestAnExecutionThatFailsIsRolledBack(t *testing.T) {
	c := made(t, stackOf(thingOf("A", `"of":{"Ref":"P"}`, "")))
	if err := c.propose(t, "bad", "", given("P", "x")); err != nil {
		t.Fatal(err)
	}
	c.ready(t, "bad", types.ChangeSetStatusCreateComplete)
	c.things.fail = "A"
	if err := c.execute(t, "bad", "bad"); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if c.proposed(t, "bad").ExecutionStatus == types.ExecutionStatusExecuteFailed {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("it is %s", c.proposed(t, "bad").ExecutionStatus)
}

func TestAChangeSetThatCannotBeIsRefused(t *testing.T) {
	c := made(t, stackOf(thingOf("A", "", "")))
	onStack := func(name string) func(*cloudformation.CreateChangeSetInput) {
		return func(in *cloudformation.CreateChangeSetInput) { in.StackName = &name }
	}
	for what, err := range map[string]error{
		"of no stack":      c.propose(t, "x", "", onStack("none")),
		"of a bad name":    c.propose(t, "1", ""),
		"of a bad type":    c.propose(t, "x", "", func(in *cloudformation.CreateChangeSetInput) { in.ChangeSetType = types.ChangeSetTypeCreate }),
		"with no template": c.propose(t, "x", "{}"),
	} {
		if code(err) != "ValidationError" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
