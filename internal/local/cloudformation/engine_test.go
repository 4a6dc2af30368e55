package cloudformation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/local/iam"
)

func TestAStackIsMadeAndDescribed(t *testing.T) {
	c := newCloud(t)
	id := c.create(t, "s", "token", chain, func(in *cloudformation.CreateStackInput) {
		in.Parameters = []types.Parameter{{ParameterKey: aws.String("P"), ParameterValue: aws.String("given")}}
		in.Tags = []types.Tag{{Key: aws.String("headroom:host"), Value: aws.String("h")}}
	})
	s := c.reach(t, "s", types.StackStatusCreateComplete)
	if aws.ToString(s.StackId) != id || len(s.Outputs) != 1 || aws.ToString(s.Outputs[0].OutputValue) != "blue given" || s.Outputs[0].Description != nil {
		t.Errorf("stack %v", s)
	}
	if got := c.things.did(); got != "+A+B+C" {
		t.Errorf("made %s", got)
	}
	if got, want := c.seen(), "CREATE_IN_PROGRESS token, CREATE_COMPLETE token"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	resources := c.engine.Resources("s")
	if len(resources) != 3 || !strings.HasPrefix(resources[0].PhysicalID, "s-A-") {
		t.Fatalf("resources %v", resources)
	}
	if tags := c.engine.Tags("arn:aws:thing:::thing/" + resources[0].PhysicalID); tags["headroom:host"] != "h" {
		t.Errorf("tags %v", tags)
	}
	log, err := c.client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String(id)})
	if err != nil || len(log.StackEvents) != 8 || log.StackEvents[0].ResourceStatus != types.ResourceStatusCreateComplete {
		t.Errorf("events %v: %v", log, err)
	}
}

func TestTheSameRequestMakesOneStack(t *testing.T) {
	c := newCloud(t)
	first := c.create(t, "s", "token", chain)
	if again := c.create(t, "s", "token", chain); again != first {
		t.Errorf("again: %s, first: %s", again, first)
	}
	c.reach(t, "s", types.StackStatusCreateComplete)
	if again := c.create(t, "s", "token", chain); again != first {
		t.Errorf("later: %s, first: %s", again, first)
	}
	_, err := c.client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("s"), ClientRequestToken: aws.String("other"), TemplateBody: aws.String(chain),
	})
	var exists *types.AlreadyExistsException
	if !errors.As(err, &exists) {
		t.Errorf("another request: %v", err)
	}
}

func TestNoStackIsMadeBeyondTheQuota(t *testing.T) {
	c := newCloud(t)
	c.most.Store(2)
	c.create(t, "a", "1", chain)
	c.create(t, "b", "2", chain)
	c.create(t, "b", "2", chain) // no other one
	third := &cloudformation.CreateStackInput{StackName: aws.String("c"), TemplateBody: aws.String(chain)}
	var exceeded *types.LimitExceededException
	if _, err := c.client.CreateStack(t.Context(), third); !errors.As(err, &exceeded) {
		t.Errorf("a third of two: %v", err)
	}
	c.reach(t, "a", types.StackStatusCreateComplete)
	c.delete(t, "a", "3")
	c.reach(t, "b", types.StackStatusCreateComplete)
	for i := 0; ; i++ {
		if _, err := c.client.CreateStack(t.Context(), third); err == nil {
			break
		} else if !errors.As(err, &exceeded) || i == 1000 {
			t.Fatalf("once one is gone: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAFailureRollsBack(t *testing.T) {
	c := newCloud(t)
	c.things.fail = "C"
	c.create(t, "s", "token", chain)
	s := c.reach(t, "s", types.StackStatusRollbackComplete)
	if len(s.Outputs) != 0 {
		t.Errorf("outputs %v", s.Outputs)
	}
	if got := c.things.did(); got != "+A+B-B-A" {
		t.Errorf("did %s", got)
	}
	if got, want := c.seen(), "CREATE_IN_PROGRESS token, ROLLBACK_IN_PROGRESS token, ROLLBACK_COMPLETE token"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	log, err := c.client.DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(log.StackResources[2].ResourceStatusReason); !strings.Contains(got, "out of stock") {
		t.Errorf("reason %q", got)
	}
}

func TestOnFailureIsTheCallersChoice(t *testing.T) {
	for choice, want := range map[types.OnFailure]types.StackStatus{
		types.OnFailureDoNothing: types.StackStatusCreateFailed,
		types.OnFailureDelete:    types.StackStatusDeleteComplete,
	} {
		c := newCloud(t)
		c.things.fail = "C"
		id := c.create(t, "s", "token", chain, func(in *cloudformation.CreateStackInput) { in.OnFailure = choice })
		c.reach(t, id, want)
	}
}

func TestStacksFailByOrder(t *testing.T) {
	c := newCloud(t)
	c.engine.FailStacks("share-", 1, "Instance limit exceeded")
	c.create(t, "database-1", "a", chain)
	c.create(t, "share-1", "b", chain)
	c.reach(t, "database-1", types.StackStatusCreateComplete)
	c.reach(t, "share-1", types.StackStatusRollbackComplete)
	c.create(t, "share-2", "c", chain)
	c.reach(t, "share-2", types.StackStatusCreateComplete)
}

func TestADeletedStackKeepsWhatItsPolicyKeeps(t *testing.T) {
	c := newCloud(t)
	id := c.create(t, "s", "made", chain)
	c.reach(t, "s", types.StackStatusCreateComplete)
	c.delete(t, "s", "deleted")
	c.delete(t, "s", "deleted")
	c.reach(t, id, types.StackStatusDeleteComplete)
	if got := c.things.did(); got != "+A+B+C-B" {
		t.Errorf("did %s", got)
	}
	if got, want := c.seen(), "CREATE_IN_PROGRESS made, CREATE_COMPLETE made, DELETE_IN_PROGRESS deleted, DELETE_COMPLETE deleted"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	_, err := c.client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("s")})
	if err == nil || !strings.Contains(err.Error(), "ValidationError: Stack with id s does not exist") {
		t.Errorf("describe by name: %v", err)
	}
	c.delete(t, "never-there", "x")
	if again := c.create(t, "s", "made", chain); again == id {
		t.Error("the name of a deleted stack is not free")
	}
}

func TestAStackInTheMakingCanBeDeleted(t *testing.T) {
	c := newCloud(t)
	gate := make(chan string)
	c.things.block = map[string]chan string{"B": gate}
	id := c.create(t, "s", "made", chain)
	c.delete(t, "s", "deleted")
	close(gate)
	c.reach(t, id, types.StackStatusDeleteComplete)
	if got := c.things.did(); strings.Contains(got, "C") || strings.Count(got, "+") != strings.Count(got, "-") {
		t.Errorf("did %s", got)
	}
}

func TestBadRequestsAreRefusedAtOnce(t *testing.T) {
	tests := []struct {
		name, template, want string
		option               func(*cloudformation.CreateStackInput)
	}{
		{"no JSON", `{`, "Template format error", nil},
		{"an unknown parameter", chain, "Parameters: [Q] do not exist in the template", func(in *cloudformation.CreateStackInput) {
			in.Parameters = []types.Parameter{{ParameterKey: aws.String("Q"), ParameterValue: aws.String("x")}}
		}},
		{"a bad name", chain, "stackName", func(in *cloudformation.CreateStackInput) { in.StackName = aws.String("a_b") }},
		{"a bad token", chain, "clientRequestToken", func(in *cloudformation.CreateStackInput) { in.ClientRequestToken = aws.String("a b") }},
		{"a role that does not exist", chain, "invalid or cannot be assumed", func(in *cloudformation.CreateStackInput) {
			in.RoleARN = aws.String("arn:aws:iam::123456789012:role/none")
		}},
		{"a role that nobody acknowledged", `{"Resources":{"R":{"Type":"AWS::IAM::Role"}}}`, "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_IAM]", nil},
		{"a template that is not there", "", "S3 error: NoSuchKey", func(in *cloudformation.CreateStackInput) {
			in.TemplateBody, in.TemplateURL = nil, aws.String("https://s3.eu-west-1.amazonaws.com/bucket/none.json")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &cloudformation.CreateStackInput{StackName: aws.String("s"), TemplateBody: aws.String(tt.template)}
			if tt.option != nil {
				tt.option(in)
			}
			if _, err := newCloud(t).client.CreateStack(t.Context(), in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAServiceRoleLimitsItsStack(t *testing.T) {
	c := newCloud(t)
	role := iam.Role{
		Name: "stacks", ARN: "arn:aws:iam::123456789012:role/stacks",
		Trust: policy(t, `{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}`),
		Policies: map[string]iam.Document{"p": policy(t,
			`{"Effect":"Allow","Action":["s3:CreateBucket","s3:DeleteBucket"],"Resource":"arn:aws:s3:::good-*","Condition":{"StringEquals":{"aws:RequestTag/stage":"dev"}}}`)},
	}
	c.roles.PutRole(role)
	const bucket = `{"Resources":{"Bucket":{"Type":"AWS::S3::Bucket"}}}`
	option := func(in *cloudformation.CreateStackInput) {
		in.RoleARN = aws.String(role.ARN)
		in.Tags = []types.Tag{{Key: aws.String("stage"), Value: aws.String("dev")}}
	}
	c.create(t, "good-1", "a", bucket, option)
	c.create(t, "bad-1", "b", bucket, option)
	c.reach(t, "good-1", types.StackStatusCreateComplete)
	s := c.reach(t, "bad-1", types.StackStatusRollbackComplete)
	log, err := c.client.DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: s.StackName})
	want := "assumed-role/stacks/AWSCloudFormation is not authorized to perform: s3:CreateBucket on resource: arn:aws:s3:::bad-1-bucket-"
	if err != nil || !strings.Contains(aws.ToString(log.StackResources[0].ResourceStatusReason), want) {
		t.Errorf("reason %s: %v", aws.ToString(log.StackResources[0].ResourceStatusReason), err)
	}
}

func TestParametersAreReadWithTheRightsOfCallerAndServiceRole(t *testing.T) {
	const (
		reading = `{"Parameters":{"P":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/aws/service/image"}},"Resources":{"A":{"Type":"Test::Local::Thing"}}}`
		granted = `{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:eu-west-1::parameter/aws/service/image"}`
		other   = `{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:eu-west-1:123456789012:parameter/aws/service/image"}`
	)
	tests := []struct{ name, caller, service, denied string }{
		{"both are granted it", granted, granted, ""},
		{"the caller is not", other, granted, "assumed-role/caller/f is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-1::parameter/aws/service/image"},
		{"the service role is not", granted, other, "assumed-role/service/AWSCloudFormation is not authorized to perform: ssm:GetParameters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.keys.Issue("owner", "arn:aws:sts::123456789012:assumed-role/caller/f")
			c.roles.PutRole(iam.Role{Name: "caller", Policies: map[string]iam.Document{"p": policy(t, tt.caller)}})
			c.roles.PutRole(iam.Role{
				Name: "service", Policies: map[string]iam.Document{"p": policy(t, tt.service)},
				Trust: policy(t, `{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}`),
			})
			_, err := c.client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
				StackName: aws.String("s"), TemplateBody: aws.String(reading), RoleARN: aws.String("arn:aws:iam::123456789012:role/service"),
			})
			if tt.denied == "" && err != nil || tt.denied != "" && (err == nil || !strings.Contains(err.Error(), tt.denied)) {
				t.Errorf("error %v, want %q", err, tt.denied)
			}
			if unused := c.roles.Unused("caller"); tt.denied == "" && len(unused) > 0 {
				t.Errorf("unused: %v", unused)
			}
		})
	}
}

func policy(t *testing.T, statement string) iam.Document {
	t.Helper()
	d, err := iam.ParseDocument(`{"Statement":` + statement + `}`)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
