package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/local/resource"
)

// stackOf is a template of the given resources, with a parameter P and an output.
func stackOf(resources ...string) string {
	return `{"Parameters":{"P":{"Type":"String","Default":"p"},"Q":{"Type":"String","Default":"q"},"S":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/name"}},
		"Conditions":{"Wanted":{"Fn::Equals":[{"Ref":"P"},"wanted"]}},"Resources":{` + strings.Join(resources, ",") + `},"Outputs":{"P":{"Value":{"Ref":"P"}}}}`
}

// thingOf is a resource of such a template, with properties and further attributes, both as they stand in JSON.
func thingOf(id, properties, more string) string {
	return fmt.Sprintf(`%q:{"Type":"Test::Local::Thing","Properties":{%s}%s}`, id, properties, more)
}

// update asks for an update of the stack s.
func (c *cloud) update(t *testing.T, token, template string, options ...func(*cloudformation.UpdateStackInput)) error {
	t.Helper()
	in := &cloudformation.UpdateStackInput{StackName: aws.String("s"), ClientRequestToken: aws.String(token)}
	if template == "" {
		in.UsePreviousTemplate = aws.Bool(true)
	} else {
		in.TemplateBody = aws.String(template)
	}
	for _, o := range options {
		o(in)
	}
	_, err := c.client.UpdateStack(t.Context(), in)
	return err
}

// updated makes the stack s of one template, and updates it to another.
func updated(t *testing.T, from, to string, want types.StackStatus, options ...func(*cloudformation.UpdateStackInput)) (*cloud, types.Stack) {
	t.Helper()
	c := newCloud(t)
	c.create(t, "s", "made", from)
	c.reach(t, "s", types.StackStatusCreateComplete)
	c.fresh()
	if err := c.update(t, "changed", to, options...); err != nil {
		t.Fatal(err)
	}
	return c, c.reach(t, "s", want)
}

func p(value string) func(*cloudformation.UpdateStackInput) {
	return func(in *cloudformation.UpdateStackInput) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String("P"), ParameterValue: aws.String(value)})
	}
}

func previous(name string) func(*cloudformation.UpdateStackInput) {
	return func(in *cloudformation.UpdateStackInput) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(name), UsePreviousValue: aws.Bool(true)})
	}
}

func (c *cloud) physical(id string) string {
	for _, r := range c.engine.Resources("s") {
		if r.LogicalID == id {
			return r.PhysicalID
		}
	}
	return ""
}

// log is what a stack's events say of resources, the oldest first.
func (c *cloud) log(t *testing.T) (lines []string) {
	t.Helper()
	out, err := c.client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.StackEvents {
		line := fmt.Sprint(aws.ToString(e.LogicalResourceId), " ", e.ResourceStatus, " ", aws.ToString(e.ResourceStatusReason))
		lines = append([]string{strings.TrimSpace(line)}, lines...)
	}
	return lines
}

func TestAnUpdateAddsChangesReplacesAndRemoves(t *testing.T) {
	from := stackOf(thingOf("A", `"of":"1"`, ""), thingOf("B", `"fixed":"1"`, ""), thingOf("C", `"of":{"Ref":"B"}`, ""), thingOf("Gone", "", ""), thingOf("Same", `"of":"1"`, ""))
	to := stackOf(thingOf("A", `"of":"2"`, ""), thingOf("B", `"fixed":"2"`, `,"DependsOn":"A"`), thingOf("C", `"of":{"Ref":"B"}`, ""), thingOf("New", `"of":{"Ref":"C"}`, ""), thingOf("Same", `"of":"1"`, ""))
	c := newCloud(t)
	c.create(t, "s", "made", from)
	before := c.reach(t, "s", types.StackStatusCreateComplete)
	a, b := c.physical("A"), c.physical("B")
	c.fresh()
	if err := c.update(t, "changed", to, p("other")); err != nil {
		t.Fatal(err)
	}
	s := c.reach(t, "s", types.StackStatusUpdateComplete)
	if got, want := c.things.did(), "~A+B~C+New-Gone-B"; got != want {
		t.Errorf("did %s, want %s", got, want)
	}
	if c.physical("A") != a || c.physical("B") == b || c.physical("Gone") != "" {
		t.Errorf("resources %v", c.engine.Resources("s"))
	}
	if of := c.engine.Resources("s")[2]; of.LogicalID != "C" || of.Properties["of"] != c.physical("B") {
		t.Errorf("C is %v", of)
	}
	const want = "UPDATE_IN_PROGRESS changed, UPDATE_COMPLETE_CLEANUP_IN_PROGRESS changed, UPDATE_COMPLETE changed"
	if got := c.seen(); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if before.LastUpdatedTime != nil || s.LastUpdatedTime == nil || aws.ToString(s.Outputs[0].OutputValue) != "other" || len(s.Parameters) != 3 {
		t.Errorf("stack %+v", s)
	}
	template, err := c.client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String("s")})
	if err != nil || aws.ToString(template.TemplateBody) != to {
		t.Errorf("template %v: %v", template, err)
	}
	listed, err := c.client.DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: aws.String("s")})
	if err != nil || len(listed.StackResources) != 5 {
		t.Errorf("resources %v: %v", listed, err)
	}
	log := strings.Join(c.log(t), "\n")
	for _, line := range []string{
		"B UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.\nB UPDATE_COMPLETE",
		"s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS\nGone DELETE_IN_PROGRESS\nGone DELETE_COMPLETE\nB DELETE_IN_PROGRESS\nB DELETE_COMPLETE\ns UPDATE_COMPLETE",
	} {
		if !strings.Contains(log, line) {
			t.Errorf("not logged: %s\nbut\n%s", line, log)
		}
	}
}

func TestConditionsTakeResourcesAwayAndBringOthers(t *testing.T) {
	template := stackOf(thingOf("A", "", ""), thingOf("B", "", `,"Condition":"Wanted"`))
	c, _ := updated(t, template, "", types.StackStatusUpdateComplete, p("wanted"))
	first := c.physical("B")
	for _, value := range []string{"unwanted", "wanted"} {
		if err := c.update(t, value, "", p(value)); err != nil {
			t.Fatal(err)
		}
		c.reach(t, "s", types.StackStatusUpdateComplete)
	}
	if second := c.physical("B"); second == "" || second == first {
		t.Errorf("first %q, then %q", first, second)
	}
	if got := c.things.did(); got != "+B-B+B" {
		t.Errorf("did %s", got)
	}
}

func TestParametersKeepTheirValuesIfSoAsked(t *testing.T) {
	template := stackOf(thingOf("A", `"of":{"Fn::Sub":"${P} ${Q}"}`, ""))
	c, _ := updated(t, template, "", types.StackStatusUpdateComplete, p("given"), previous("Q"))
	of := func() any { return c.engine.Resources("s")[0].Properties["of"] }
	if of() != "given q" {
		t.Errorf("of %v", of())
	}
	if err := c.update(t, "again", "", previous("P"), previous("Q")); err == nil || !strings.Contains(err.Error(), "ValidationError: No updates are to be performed.") {
		t.Errorf("nothing changes: %v", err)
	}
	if err := c.update(t, "again", ""); err != nil { // what is not mentioned has its default
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
	if of() != "p q" {
		t.Errorf("of %v", of())
	}
}

func TestAnUpdateThatFailsIsRolledBack(t *testing.T) {
	from := stackOf(thingOf("A", `"of":"1"`, ""), thingOf("B", `"fixed":"1"`, `,"DependsOn":"A"`), thingOf("C", `"of":{"Ref":"B"}`, ""), thingOf("Gone", "", ""))
	to := stackOf(thingOf("A", `"of":"2"`, ""), thingOf("B", `"fixed":"2"`, `,"DependsOn":"A"`), thingOf("C", `"of":{"Ref":"B"}`, ""), thingOf("New", "", `,"DependsOn":"C"`), thingOf("Last", "", `,"DependsOn":"New"`))
	c := newCloud(t)
	c.create(t, "s", "made", from)
	c.reach(t, "s", types.StackStatusCreateComplete)
	before := fmt.Sprint(c.engine.Resources("s"))
	c.fresh()
	c.things.fail = "Last"
	if err := c.update(t, "changed", to, p("other")); err != nil {
		t.Fatal(err)
	}
	s := c.reach(t, "s", types.StackStatusUpdateRollbackComplete)
	if got, want := c.things.did(), "~A+B~C+New~A~C-New-B"; got != want {
		t.Errorf("did %s, want %s", got, want)
	}
	if after := fmt.Sprint(c.engine.Resources("s")); after != before {
		t.Errorf("resources were\n%s\nand are\n%s", before, after)
	}
	const want = "UPDATE_IN_PROGRESS changed, UPDATE_ROLLBACK_IN_PROGRESS changed, UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS changed, UPDATE_ROLLBACK_COMPLETE changed"
	if got := c.seen(); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if aws.ToString(s.Outputs[0].OutputValue) != "p" || !strings.Contains(strings.Join(c.log(t), "\n"), "s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Last].") {
		t.Errorf("outputs %v, log %v", s.Outputs, c.log(t))
	}
	template, err := c.client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String("s")})
	if err != nil || aws.ToString(template.TemplateBody) != from {
		t.Errorf("template %v: %v", template, err)
	}
	c.things.fail = ""
	if err := c.update(t, "once-more", to); err != nil {
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
}

func TestARollbackThatFailsSaysSo(t *testing.T) {
	template := func(of string) string { return stackOf(thingOf("A", `"of":"`+of+`"`, "")) }
	c := newCloud(t)
	c.create(t, "s", "made", template("1"))
	c.reach(t, "s", types.StackStatusCreateComplete)
	c.things.fail = "A" // also when it is brought back
	if err := c.update(t, "changed", template("2")); err != nil {
		t.Fatal(err)
	}
	s := c.reach(t, "s", types.StackStatusUpdateRollbackFailed)
	if got := aws.ToString(s.StackStatusReason); got != "The following resource(s) failed to update: [A]." {
		t.Errorf("reason %q", got)
	}
	if err := c.update(t, "again", template("3")); err == nil || !strings.Contains(err.Error(), "is in UPDATE_ROLLBACK_FAILED state and can not be updated.") {
		t.Errorf("updated all the same: %v", err)
	}
	c.things.fail = ""
	c.delete(t, "s", "deleted")
	c.reach(t, aws.ToString(s.StackId), types.StackStatusDeleteComplete)
}

func TestWhatPoliciesKeepOutlivesAnUpdate(t *testing.T) {
	const keep, keepOld = `,"DeletionPolicy":"Retain"`, `,"UpdateReplacePolicy":"Retain"`
	from := stackOf(thingOf("A", "", ""), thingOf("Kept", "", keep), thingOf("Old", `"fixed":"1"`, keepOld), thingOf("Gone", `"fixed":"1"`, keep))
	to := stackOf(thingOf("A", "", ""), thingOf("Old", `"fixed":"2"`, keepOld), thingOf("Gone", `"fixed":"2"`, keep))
	c, _ := updated(t, from, to, types.StackStatusUpdateComplete)
	did := c.things.did()
	if strings.Contains(did, "-Kept") || strings.Contains(did, "-Old") || !strings.Contains(did, "-Gone") {
		t.Errorf("did %s", did)
	}
	if log := strings.Join(c.log(t), "\n"); strings.Count(log, "DELETE_SKIPPED") != 2 {
		t.Errorf("log %s", log)
	}
}

func TestTagsGoToWhatBearsThem(t *testing.T) {
	template := stackOf(thingOf("A", "", ""), `"B":{"Type":"AWS::S3::BucketPolicy"}`)
	c := newCloud(t)
	c.engine.Register(plain{c.things}, "AWS::S3::BucketPolicy")
	c.create(t, "s", "made", template)
	c.reach(t, "s", types.StackStatusCreateComplete)
	if err := c.update(t, "changed", "", func(in *cloudformation.UpdateStackInput) {
		in.Tags = []types.Tag{{Key: aws.String("headroom:host"), Value: aws.String("h")}}
	}); err != nil {
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
	if tags := c.engine.Tags(c.physical("A")); tags["headroom:host"] != "h" || !strings.HasSuffix(c.things.did(), "~A") {
		t.Errorf("tags %v, did %s", tags, c.things.did())
	}
	if err := c.update(t, "not-mentioned", ""); err == nil || !strings.Contains(err.Error(), "No updates are to be performed.") {
		t.Errorf("tags that are not mentioned: %v", err)
	}
	if err := c.update(t, "none", "", func(in *cloudformation.UpdateStackInput) { in.Tags = []types.Tag{} }); err != nil {
		t.Fatal(err)
	}
	if s := c.reach(t, "s", types.StackStatusUpdateComplete); len(s.Tags) != 0 || len(c.engine.Tags(c.physical("A"))) != 0 {
		t.Errorf("tags %v", s.Tags)
	}
}

// plain provides what can't be updated.
type plain struct{ resource.Provider }

func TestWhatCannotBeUpdatedSaysSo(t *testing.T) {
	c := newCloud(t)
	c.engine.Register(plain{c.things}, thing)
	c.create(t, "s", "made", stackOf(thingOf("A", `"of":"1"`, "")))
	c.reach(t, "s", types.StackStatusCreateComplete)
	if err := c.update(t, "changed", stackOf(thingOf("A", `"of":"2"`, ""))); err != nil {
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateRollbackFailed)
	if log := strings.Join(c.log(t), "\n"); !strings.Contains(log, "A UPDATE_FAILED the local cloud does not update resources of type "+thing) {
		t.Errorf("log %s", log)
	}
}

func TestUpdatesThatCannotBeAreRefused(t *testing.T) {
	template := stackOf(thingOf("A", `"name":"mine","fixed":"1"`, ""))
	gate := make(chan string)
	c := newCloud(t)
	c.things.block = map[string]chan string{"A": gate}
	c.create(t, "s", "made", template)
	refused := func(what, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	refused("in the making", "is in CREATE_IN_PROGRESS state and can not be updated.", c.update(t, "x", "", p("v")))
	close(gate)
	c.reach(t, "s", types.StackStatusCreateComplete)
	refused("no stack", "Stack [t] does not exist", c.update(t, "x", "", func(in *cloudformation.UpdateStackInput) { in.StackName = aws.String("t") }))
	refused("nothing new", "No updates are to be performed.", c.update(t, "x", template))
	refused("another type", "Update of resource type is not permitted. The new template modifies resource type of the following resources: [A]", c.update(t, "x", stackOf(`"A":{"Type":"AWS::S3::Bucket"}`)))
	refused("both templates", "Either Template URL or Template Body must be specified.", c.update(t, "x", template, func(in *cloudformation.UpdateStackInput) { in.UsePreviousTemplate = aws.Bool(true) }))
	refused("a parameter from nowhere", "usePreviousValue as true for a parameter key not in the previous template", c.update(t, "x", "", previous("R")))
	refused("a role nobody acknowledged", "Requires capabilities : [CAPABILITY_IAM]", c.update(t, "x", stackOf(`"R":{"Type":"AWS::IAM::Role"}`)))

	if err := c.update(t, "rename", stackOf(thingOf("A", `"name":"mine","fixed":"2"`, ""))); err != nil {
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateRollbackComplete)
	if log := strings.Join(c.log(t), "\n"); !strings.Contains(log, "A UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename mine and update the stack again.") {
		t.Errorf("log %s", log)
	}
}

func TestTheSameUpdateIsDoneOnce(t *testing.T) {
	c := newCloud(t)
	c.create(t, "s", "made", stackOf(thingOf("A", "", "")))
	s := c.reach(t, "s", types.StackStatusCreateComplete)
	gate := make(chan string)
	c.things.block = map[string]chan string{"B": gate}
	to := stackOf(thingOf("A", "", ""), thingOf("B", "", ""))
	for range 2 {
		if err := c.update(t, "changed", to); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.update(t, "other", to); err == nil || !strings.Contains(err.Error(), "is in UPDATE_IN_PROGRESS state and can not be updated.") {
		t.Errorf("another update meanwhile: %v", err)
	}
	_, err := c.client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("s")})
	if err == nil || !strings.Contains(err.Error(), "cannot be deleted while in status UPDATE_IN_PROGRESS") {
		t.Errorf("deletion meanwhile: %v", err)
	}
	close(gate)
	c.reach(t, "s", types.StackStatusUpdateComplete)
	if err := c.update(t, "changed", to); err != nil {
		t.Errorf("once it is over: %v", err)
	}
	if got := c.things.did(); got != "+A+B" {
		t.Errorf("did %s", got)
	}
	c.delete(t, "s", "deleted")
	c.reach(t, aws.ToString(s.StackId), types.StackStatusDeleteComplete)
	if got := c.things.did(); got != "+A+B-B-A" {
		t.Errorf("did %s", got)
	}
}

func TestAStackIsUpdatedByItsIDToo(t *testing.T) {
	c := newCloud(t)
	c.create(t, "s", "made", stackOf(thingOf("A", `"of":"1"`, "")))
	id := c.reach(t, "s", types.StackStatusCreateComplete).StackId
	byID := func(in *cloudformation.UpdateStackInput) { in.StackName = id }
	if err := c.update(t, "changed", stackOf(thingOf("A", `"of":"2"`, "")), byID); err != nil {
		t.Fatal(err)
	}
	c.reach(t, "s", types.StackStatusUpdateComplete)
}
