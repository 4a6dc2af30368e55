package iam_test

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/local/iam"
)

// trusting holds the role worker, and a reader that whoever it trusts may be.
func trusting(t *testing.T, trust string) *iam.Store {
	t.Helper()
	s := storeWith(t, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	s.PutRole(iam.Role{
		Name: "reader", ARN: "arn:aws:iam::" + account + ":role/reader",
		Trust:    document(t, `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":`+trust+`}`),
		Policies: map[string]iam.Document{"read": document(t, `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`)},
	})
	return s
}

func TestASessionIsBounded(t *testing.T) {
	s := trusting(t, `{"AWS":"arn:aws:iam::`+account+`:role/path/worker"}`)
	bound := document(t, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::acme/*"}`)
	acme, err := s.Assume(session, "arn:aws:iam::"+account+":role/reader", "copy", &bound)
	if err != nil {
		t.Fatal(err)
	}
	free, err := s.Assume(session, "reader", "copy", nil)
	if err != nil || free == acme {
		t.Fatalf("a second session is %s, the first %s: %v", free, acme, err)
	}
	for _, test := range []struct{ principal, action, resource, want string }{
		{acme, "s3:GetObject", "arn:aws:s3:::acme/file", ""},
		{acme, "s3:GetObject", "arn:aws:s3:::other/file", "assumed-role/reader/copy is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::other/file because no session policy allows"},
		{acme, "s3:PutObject", "arn:aws:s3:::acme/file", "because no identity-based policy allows"},
		{free, "s3:GetObject", "arn:aws:s3:::other/file", ""},
		{session, "s3:GetObject", "arn:aws:s3:::acme/file", "because no identity-based policy allows"},
	} {
		err := s.Allowed(test.principal, test.action, test.resource, nil)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %s of %s: %v", test.principal, test.action, test.resource, err)
		}
	}
}

func TestABoundHoldsForWhatAResourceAllows(t *testing.T) {
	s := trusting(t, `{"AWS":"*"}`)
	s.PutResourcePolicy("arn:aws:s3:::other", document(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"AWS":"arn:aws:iam::`+account+`:role/reader"}}`))
	bound := document(t, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::acme/*"}`)
	acme, err := s.Assume(session, "reader", "copy", &bound)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Allowed(acme, "s3:PutObject", "arn:aws:s3:::other/file", nil); err == nil {
		t.Error("a session wrote what its policy does not allow")
	}
}

func TestARoleIsAssumedByWhomItTrusts(t *testing.T) {
	for _, test := range []struct {
		name, trust, principal string
		may                    bool
	}{
		{"the role", `{"AWS":"arn:aws:iam::` + account + `:role/path/worker"}`, session, true},
		{"the account", `{"AWS":"arn:aws:iam::` + account + `:root"}`, session, true},
		{"the account's owner", `{"AWS":"` + account + `"}`, "", true},
		{"another role", `{"AWS":"arn:aws:iam::` + account + `:role/other"}`, session, false},
		{"a service", `{"Service":"ecs-tasks.amazonaws.com"}`, session, false},
	} {
		_, err := trusting(t, test.trust).Assume(test.principal, "reader", "copy", nil)
		var denied *iam.Denied
		if (err == nil) != test.may || err != nil && !errors.As(err, &denied) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := trusting(t, `{"AWS":"*"}`).Assume(session, "nobody", "copy", nil); err == nil {
		t.Error("assumed a role that there is not")
	}
}
