package sts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint/endpointtest"
)

func TestCallersAreToldWhoTheyAre(t *testing.T) {
	for principal, want := range map[string]string{
		"":                                      "arn:aws:iam::123456789012:root",
		"arn:aws:iam::123456789012:role/signup": "arn:aws:sts::123456789012:assumed-role/signup/local",
		"arn:aws:sts::123456789012:assumed-role/signup/proc1":  "arn:aws:sts::123456789012:assumed-role/signup/proc1",
		"arn:aws:sts::123456789012:assumed-role/reader/acme;7": "arn:aws:sts::123456789012:assumed-role/reader/acme",
	} {
		if got := identity("123456789012", principal)["Arn"]; got != want {
			t.Errorf("%q is %v, want %s", principal, got, want)
		}
	}
}

const reader = "arn:aws:iam::123456789012:role/reader"

// keys are whose access keys are.
type keys map[string]string

func (k keys) Issue(key, principal string) { k[key] = principal }

func newClient(t *testing.T) (*sdk.Client, keys) {
	t.Helper()
	issued := keys{}
	s := New(Config{
		Account: endpointtest.Account, Keys: issued,
		Assume: func(principal, role, session, policy string) (string, error) {
			if role != reader {
				return "", errors.New("not trusted")
			}
			return "arn:aws:sts::123456789012:assumed-role/reader/" + session + ";1 under " + policy, nil
		},
	})
	return sdk.NewFromConfig(endpointtest.Serve(t, s.Service())), issued
}

func TestARoleIsAssumed(t *testing.T) {
	client, issued := newClient(t)
	out, err := client.AssumeRole(t.Context(), &sdk.AssumeRoleInput{
		RoleArn: aws.String(reader), RoleSessionName: aws.String("acme"), Policy: aws.String("{}"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := issued[*out.Credentials.AccessKeyId]; got != "arn:aws:sts::123456789012:assumed-role/reader/acme;1 under {}" {
		t.Errorf("the key is %q's", got)
	}
	if got := *out.AssumedRoleUser.Arn; got != "arn:aws:sts::123456789012:assumed-role/reader/acme" {
		t.Errorf("it is %s", got)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("it ends in %v", left)
	}
}

func TestWhatIsNoAssumptionIsRefused(t *testing.T) {
	client, issued := newClient(t)
	for _, test := range []struct {
		name   string
		change func(*sdk.AssumeRoleInput)
		want   string
	}{
		{"an untrusting role", func(in *sdk.AssumeRoleInput) { in.RoleArn = aws.String(reader + "2") }, "AccessDenied"},
		{"no role", func(in *sdk.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:s3:::a-bucket-of-mine") }, "ValidationError"},
		{"a short session", func(in *sdk.AssumeRoleInput) { in.RoleSessionName = aws.String("a") }, "ValidationError"},
		{"a session with a slash", func(in *sdk.AssumeRoleInput) { in.RoleSessionName = aws.String("a/b") }, "ValidationError"},
		{"a long policy", func(in *sdk.AssumeRoleInput) { in.Policy = aws.String(strings.Repeat(" ", 2049)) }, "ValidationError"},
		{"for a minute", func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(60) }, "ValidationError"},
		{"for two hours", func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) }, "ValidationError"},
	} {
		in := &sdk.AssumeRoleInput{RoleArn: aws.String(reader), RoleSessionName: aws.String("acme")}
		test.change(in)
		_, err := client.AssumeRole(t.Context(), in)
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if len(issued) > 0 {
		t.Errorf("issued %v", issued)
	}
}
