package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"headroom/internal/local/iam"
)

// as makes the command run with a role that has policies of the stack's, by the outputs with their ARNs.
func (d *deployed) as(t *testing.T, role string, outputs ...string) {
	t.Helper()
	d.asDenied(t, role, nil, outputs...)
}

// asDenied is as, of a role that is refused some actions all the same.
func (d *deployed) asDenied(t *testing.T, role string, denied []string, outputs ...string) {
	t.Helper()
	policies := map[string]iam.Document{"denied": {Statements: []iam.Statement{{Actions: denied, Resources: []string{"*"}}}}}
	for _, output := range outputs {
		policy, ok := d.Policies.ManagedPolicy(d.outputs[output])
		if !ok {
			t.Fatalf("there is no policy %s", output)
		}
		policies[output] = policy
	}
	assumed, err := d.assume(t.Context(), role, "jo", policies)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", *assumed.AccessKeyId)
	t.Setenv("AWS_SECRET_ACCESS_KEY", *assumed.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", *assumed.SessionToken)
	t.Setenv("HEADROOM_STAGE", "dev")
}

// assume makes a role with policies, and takes it.
func (d *deployed) assume(ctx context.Context, role, session string, policies map[string]iam.Document) (*types.Credentials, error) {
	trust, err := iam.ParseDocument(map[string]any{"Statement": map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + d.Account + ":root"},
	}})
	if err != nil {
		return nil, err
	}
	arn := "arn:aws:iam::" + d.Account + ":role/" + role
	d.Policies.PutRole(iam.Role{Name: role, ARN: arn, Trust: trust, Policies: policies})
	out, err := sts.NewFromConfig(d.Config()).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: &session})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

func TestTheReadOnlyPolicyIsEnoughToReadAndForNothingElse(t *testing.T) {
	d := cloud(t)
	d.as(t, "reader", "ReadOnlyPolicyArn")
	t.Setenv("HEADROOM_STAGE", "")
	if status, _, stderr := execute(newRoot(), "status", "--endpoint", d.Endpoint); status != denied || !strings.Contains(stderr, "--stage dev") {
		t.Errorf("without a stage: status %d, said %s", status, stderr)
	}
	t.Setenv("HEADROOM_STAGE", "dev")
	for _, args := range append(slices.Clone(readVerbs), "simulate --until 2026-01-06") {
		if status, _, stderr := execute(newRoot(), append(strings.Fields(args), "--endpoint", d.Endpoint)...); status != 0 {
			t.Errorf("%s: status %d, said %s", args, status, stderr)
		}
	}
	for _, test := range changeVerbs {
		status, _, stderr := execute(newRoot(), append(strings.Fields(test.args), "--endpoint", d.Endpoint)...)
		if status != denied || !strings.Contains(stderr, "assumed-role/reader/jo is not authorized to perform: sqs:SendMessage") || !strings.Contains(stderr, "the one in OperatorPolicyArn") {
			t.Errorf("%s: status %d, said %s", test.args, status, stderr)
		}
	}
	for _, args := range []string{"dlq redrive signup --reason test --yes", "dlq drop signup --all --reason test --yes"} {
		if status, _, stderr := execute(newRoot(), append(strings.Fields(args), "--endpoint", d.Endpoint)...); status != denied {
			t.Errorf("%s: status %d, said %s", args, status, stderr)
		}
	}
}

// What the doctor may not look at it says, and never takes for clean.
func TestTheDoctorSaysWhatItMayNotLookAt(t *testing.T) {
	d := cloud(t)
	d.as(t, "doctor", "ReadOnlyPolicyArn")
	if status, stdout, stderr := execute(newRoot(), "doctor", "--endpoint", d.Endpoint); status != notWell || strings.Contains(stdout, "could not look") {
		t.Errorf("with the policy for reading: status %d, said %s\n%s", status, stderr, stdout)
	}
	d.asDenied(t, "blind", []string{"secretsmanager:ListSecrets", "ec2:DescribeVolumes", "storagegateway:ListGateways"}, "ReadOnlyPolicyArn")
	status, stdout, _ := execute(newRoot(), "doctor", "--endpoint", d.Endpoint)
	if status != notWell {
		t.Errorf("status %d", status)
	}
	for _, line := range []string{
		"- secrets in AWS: could not look", "- volumes in AWS: could not look", "- gateways in AWS: could not look", "- shares in AWS: could not look",
		"could not look at secrets: AccessDeniedException", "- machines in AWS: needs somebody",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("it does not say %q:\n%s", line, stdout)
		}
	}
	if strings.Contains(stdout, "the secret of tenant acme is not there") {
		t.Error("what could not be seen is found missing")
	}
}

func TestTheOperatorsPolicyIsEnoughForAllVerbs(t *testing.T) {
	d := cloud(t)
	d.as(t, "operator", "ReadOnlyPolicyArn", "OperatorPolicyArn")
	for _, args := range readVerbs {
		if status, _, stderr := execute(newRoot(), append(strings.Fields(args), "--endpoint", d.Endpoint)...); status != 0 {
			t.Errorf("%s: status %d, said %s", args, status, stderr)
		}
	}
	for _, test := range changeVerbs {
		if status, _, stderr := execute(newRoot(), append(strings.Fields(test.args), "--endpoint", d.Endpoint)...); status != 0 {
			t.Errorf("%s: status %d, said %s", test.args, status, stderr)
		}
		for _, body := range d.sentTo(t, test.output) {
			if by, asked := body["requestedBy"]; asked && by != "arn:aws:sts::"+d.Account+":assumed-role/operator/jo" {
				t.Errorf("%s: it is requested by %v", test.args, by)
			}
		}
	}
	if status, _, stderr := execute(newRoot(), "dlq", "redrive", "signup", "--reason", "test", "--yes", "--endpoint", d.Endpoint); status != 0 {
		t.Errorf("redrive: status %d, said %s", status, stderr)
	}
	d.awaitRedriven(t)
	if said := d.sentTo(t, "HostEventsQueueUrl"); len(said) != 1 || said[0]["action"] != "dlq redrive" {
		t.Errorf("redrive: sent to be put on record %v", said)
	}
	if err := d.spoil(t.Context()); err != nil {
		t.Fatal(err)
	}
}
