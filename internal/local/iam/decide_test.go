package iam_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"headroom/internal/local/iam"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	session = "arn:aws:sts::123456789012:assumed-role/worker/headroom-dev-signup"
	queue   = "arn:aws:sqs:eu-west-1:123456789012:q"
	key     = "arn:aws:kms:eu-west-1:123456789012:key/k"
)

func document(t *testing.T, statements string) iam.Document {
	t.Helper()
	d, err := iam.ParseDocument(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// storeWith holds one role, worker, with one policy.
func storeWith(t *testing.T, statements string) *iam.Store {
	t.Helper()
	s := iam.New(account, region)
	s.PutRole(iam.Role{
		Name: "worker", ARN: "arn:aws:iam::" + account + ":role/path/worker",
		Policies: map[string]iam.Document{"policy": document(t, statements)},
	})
	return s
}

func TestIdentityPoliciesDecide(t *testing.T) {
	tests := []struct {
		name, statements, action, resource string
		conditions                         iam.Context
		want                               string // part of the refusal; empty: allowed
	}{
		{"a grant allows", `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + queue + `"}`, "sqs:SendMessage", queue, nil, ""},
		{"another action is not granted", `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}`, "sqs:ReceiveMessage", queue, nil, "no identity-based policy allows the sqs:ReceiveMessage action"},
		{"another resource is not granted", `{"Effect":"Allow","Action":"sqs:*","Resource":"` + queue + `"}`, "sqs:SendMessage", queue + "2", nil, "no identity-based policy"},
		{"names of actions are not case sensitive", `{"Effect":"Allow","Action":["sqs:sendmessage"],"Resource":["*"]}`, "sqs:SendMessage", queue, nil, ""},
		{"wildcards stand for text and for a character", `{"Effect":"Allow","Action":"sqs:Send*","Resource":"arn:aws:sqs:*:?"}`, "sqs:SendMessage", queue, nil, ""},
		{"a deny is stronger than a grant", `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"sqs:SendMessage","Resource":"*"}`, "sqs:SendMessage", queue, nil, "with an explicit deny in an identity-based policy"},
		{"NotAction grants all others", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "sqs:SendMessage", queue, nil, ""},
		{"NotAction does not grant its own", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "iam:PassRole", queue, nil, "no identity-based policy"},
		{"NotResource grants all others", `{"Effect":"Allow","Action":"*","NotResource":"` + queue + `"}`, "sqs:SendMessage", queue, nil, "no identity-based policy"},
		{
			"a condition that holds allows", `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"cloudformation.amazonaws.com"}}}`,
			"iam:PassRole", "arn:aws:iam::1:role/r",
			iam.Context{"iam:PassedToService": {"cloudformation.amazonaws.com"}},
			"",
		},
		{
			"a condition on an absent key does not hold", `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"x"}}}`,
			"iam:PassRole", "arn:aws:iam::1:role/r", nil, "no identity-based policy",
		},
		{
			"a function's session names its function", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:headroom-dev-signup"}}}`,
			"sqs:SendMessage", queue, nil, "",
		},
		{"calls count as TLS", `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, "sqs:SendMessage", queue, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, storeWith(t, tt.statements).Allowed(session, tt.action, tt.resource, tt.conditions), tt.want)
		})
	}
}

// expect checks that a decision is a refusal with some words, or none.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	var denied *iam.Denied
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && !errors.As(err, &denied):
		t.Errorf("error %v, want a refusal", err)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("refused with %q, want %q", err, want)
	}
}

func TestConditionOperators(t *testing.T) {
	tests := []struct {
		operator, pattern string
		values            []string
		want              bool
	}{
		{"StringLike", "share-*", []string{"share-standard-1"}, true},
		{"StringLike", "share-*", []string{"database-standard-1"}, false},
		{"StringNotEquals", "a", []string{"b"}, true},
		{"StringNotEquals", "a", nil, true},
		{"StringEqualsIfExists", "a", nil, true},
		{"StringEqualsIfExists", "a", []string{"b"}, false},
		{"ArnLike", "arn:aws:events:*:*:rule/x", []string{"arn:aws:events:eu-west-1:1:rule/x"}, true},
		{"ArnLike", "arn:aws:*:rule/x", []string{"arn:aws:events:eu-west-1:1:rule/x"}, false},
		{"ForAllValues:StringEquals", "a", []string{"a", "b"}, false},
		{"ForAllValues:StringEquals", "a", nil, true},
		{"ForAnyValue:StringEquals", "a", []string{"a", "b"}, true},
		{"ForAnyValue:StringEquals", "a", nil, false},
		{"Bool", "true", []string{"true"}, true},
		{"Null", "true", nil, true},
		{"Null", "false", nil, false},
		{"NumericLessThanEquals", "5", []string{"5"}, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.operator, tt.pattern, tt.values), func(t *testing.T) {
			s := storeWith(t, fmt.Sprintf(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{%q:{"k":%q}}}`, tt.operator, tt.pattern))
			err := s.Allowed(session, "sqs:SendMessage", queue, iam.Context{"k": tt.values})
			if (err == nil) != tt.want {
				t.Errorf("allowed: %t, want %t", err == nil, tt.want)
			}
		})
	}
}

func TestUnknownOperatorsAreRefusedAtOnce(t *testing.T) {
	_, err := iam.ParseDocument(map[string]any{"Statement": map[string]any{
		"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": map[string]any{"DateGreaterThan": map[string]any{"aws:CurrentTime": "x"}},
	}})
	if err == nil || !strings.Contains(err.Error(), "DateGreaterThan") {
		t.Errorf("error %v", err)
	}
}

func TestBoundariesLimitGrants(t *testing.T) {
	s := storeWith(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	role, _ := s.Role(session)
	boundary := document(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	role.Boundary = &boundary
	s.PutRole(role)
	expect(t, s.Allowed(session, "s3:GetObject", "arn:aws:s3:::b/k", nil), "")
	expect(t, s.Allowed(session, "sqs:SendMessage", queue, nil), "no permissions boundary allows the sqs:SendMessage action")
}

func TestResourcePoliciesDecide(t *testing.T) {
	rule := "arn:aws:events:eu-west-1:123456789012:rule/r"
	s := storeWith(t, `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)
	s.PutResourcePolicy(queue, document(t, `
		{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"`+queue+`","Condition":{"ArnEquals":{"aws:SourceArn":"`+rule+`"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/path/worker"},"Action":"sqs:ReceiveMessage","Resource":"`+queue+`"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sqs:DeleteMessage","Resource":"`+queue+`"},
		{"Effect":"Deny","Principal":"*","Action":"sqs:PurgeQueue","Resource":"`+queue+`"}`))
	from := iam.Context{"aws:SourceArn": {rule}}

	expect(t, s.ServiceAllowed("events.amazonaws.com", "sqs:SendMessage", queue, from), "")
	expect(t, s.ServiceAllowed("events.amazonaws.com", "sqs:SendMessage", queue, iam.Context{"aws:SourceArn": {rule + "2"}}), "no resource-based policy")
	expect(t, s.ServiceAllowed("sns.amazonaws.com", "sqs:SendMessage", queue, from), "no resource-based policy")
	expect(t, s.Allowed(session, "sqs:ReceiveMessage", queue, nil), "")
	expect(t, s.Allowed(session, "sqs:DeleteMessage", queue, nil), "no identity-based policy")
	expect(t, s.Allowed(session, "sqs:PurgeQueue", queue, nil), "explicit deny in a resource-based policy")

	s.PutKeyOf(queue, key)
	expect(t, s.ServiceAllowed("events.amazonaws.com", "sqs:SendMessage", queue, from), "kms:GenerateDataKey")
	s.PutResourcePolicy(key, document(t, `{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*"}`))
	expect(t, s.ServiceAllowed("events.amazonaws.com", "sqs:SendMessage", queue, from), "")
	// This key's policy leaves nothing to the account's identity policies.
	expect(t, s.Allowed(session, "kms:Decrypt", key, nil), "no resource-based policy")
	s.PutResourcePolicy(key, document(t, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`))
	expect(t, s.Allowed(session, "kms:Decrypt", key, nil), "")
}

func TestOnlyTrustedServicesAssume(t *testing.T) {
	s := storeWith(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	role, _ := s.Role("worker")
	role.Trust = document(t, `{"Effect":"Allow","Principal":{"Service":"storagegateway.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}`)
	s.PutRole(role)
	expect(t, s.MayAssume("storagegateway.amazonaws.com", role.ARN, iam.Context{"aws:SourceAccount": {account}}), "")
	expect(t, s.MayAssume("storagegateway.amazonaws.com", role.ARN, nil), "no trust policy")
	expect(t, s.MayAssume("lambda.amazonaws.com", role.ARN, iam.Context{"aws:SourceAccount": {account}}), "no trust policy")
	expect(t, s.MayAssume("storagegateway.amazonaws.com", "arn:aws:iam::123456789012:role/none", nil), "does not exist")
}

func TestTagsOfResourcesAreConditions(t *testing.T) {
	group := "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1"
	s := storeWith(t, `{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/headroom:stage":"dev"}}}`)
	expect(t, s.Allowed(session, "ec2:AuthorizeSecurityGroupIngress", group, nil), "no identity-based policy")
	s.TagsFrom(func(arn string) map[string]string {
		if arn != group {
			return nil
		}
		return map[string]string{"headroom:stage": "dev"}
	})
	expect(t, s.Allowed(session, "ec2:AuthorizeSecurityGroupIngress", group, nil), "")
}

func TestGrantsAreTalliedAndRevoked(t *testing.T) {
	s := storeWith(t, `{"Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"*"},{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`)
	expect(t, s.Allowed(session, "sqs:SendMessage", queue, nil), "")
	var unused []string
	for _, g := range s.Unused("worker") {
		unused = append(unused, g.Action)
	}
	if got, want := strings.Join(unused, ","), "sqs:ReceiveMessage,s3:Get*"; got != want {
		t.Errorf("unused %s, want %s", got, want)
	}
	if n := s.Revoke("arn:aws:iam::123456789012:role/path/worker", "sqs:SendMessage"); n != 1 {
		t.Errorf("revoked from %d statements", n)
	}
	expect(t, s.Allowed(session, "sqs:SendMessage", queue, nil), "no identity-based policy allows the sqs:SendMessage action")
	expect(t, s.Allowed(session, "sqs:ReceiveMessage", queue, nil), "")
}
