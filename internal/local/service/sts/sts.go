// Package sts fakes the part of the AWS Security Token Service that tells a caller who it is, and gives it the
// credentials of a role that it may assume.
package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// Config is what the fake needs; all of it.
type Config struct {
	Account string // twelve digits
	Keys    issuer // learns whose the credentials are

	// Assume begins a session of a role for a principal (empty: the account's owner), with a session policy, unless
	// that is empty. An error that is no *endpoint.Error says that it may not.
	Assume func(principal, role, session, policy string) (sessionPrincipal string, err error)
}

// issuer makes an access key the given role session's.
type issuer interface {
	Issue(accessKeyID, principal string)
}

// STS is the fake.
type STS struct{ cfg Config }

// New makes a fake.
func New(cfg Config) *STS { return &STS{cfg} }

// Service answers STS's API.
func (s *STS) Service() endpoint.Service {
	return endpoint.Service{Name: "sts", Operations: map[string]endpoint.Operation{
		"GetCallerIdentity": func(_ context.Context, call endpoint.Call) (any, error) {
			return identity(s.cfg.Account, call.Principal), nil
		},
		"AssumeRole": s.assumeRole,
	}}
}

func (s *STS) assumeRole(_ context.Context, call endpoint.Call) (any, error) {
	in, err := read(call)
	if err != nil {
		return nil, err
	}
	principal, err := s.cfg.Assume(call.Principal, in.role, in.session, in.policy)
	var refused *endpoint.Error
	switch {
	case errors.As(err, &refused):
		return nil, err
	case err != nil:
		return nil, &endpoint.Error{Code: "AccessDenied", Message: err.Error(), Status: http.StatusForbidden}
	}
	key := newKeyID()
	s.cfg.Keys.Issue(key, principal)
	who := identity(s.cfg.Account, principal)
	return map[string]any{
		"Credentials": map[string]any{
			"AccessKeyId": key, "SecretAccessKey": "local", "SessionToken": "local",
			"Expiration": time.Now().UTC().Add(in.life).Format(time.RFC3339), // clients renew them by the machine's clock
		},
		"AssumedRoleUser": map[string]any{"Arn": who["Arn"], "AssumedRoleId": who["UserId"]},
	}, nil
}

// UserID is the ID by which AWS knows a principal; empty is the account's owner.
func UserID(account, principal string) string {
	id, _ := identity(account, principal)["UserId"].(string)
	return id
}

// identity words a caller, which is a role's or a session's ARN or empty for the account's owner, as
// the service does: a role's credentials are those of a session.
func identity(account, principal string) map[string]any {
	if principal == "" {
		return map[string]any{
			"Account": account, "UserId": account, "Arn": fmt.Sprintf("arn:aws:iam::%s:root", account),
		}
	}
	role, session := principal[strings.LastIndex(principal, "/")+1:], "local"
	if _, path, isSession := strings.Cut(principal, ":assumed-role/"); isSession {
		role, session, _ = strings.Cut(path, "/")
		session, _, _ = strings.Cut(session, ";") // what tells it from others of its name here
	}
	return map[string]any{
		"Account": account,
		"UserId":  "AROALOCAL" + strings.ToUpper(role) + ":" + session,
		"Arn":     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, role, session),
	}
}
