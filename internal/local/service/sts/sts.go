// Package sts fakes the part of the AWS Security Token Service that tells a caller who it is.
package sts

import (
	"context"
	"fmt"
	"strings"

	"headroom/internal/local/endpoint"
)

// Service answers GetCallerIdentity for an account.
func Service(account string) endpoint.Service {
	return endpoint.Service{Name: "sts", Operations: map[string]endpoint.Operation{
		"GetCallerIdentity": func(_ context.Context, call endpoint.Call) (any, error) {
			return identity(account, call.Principal), nil
		},
	}}
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
	}
	return map[string]any{
		"Account": account,
		"UserId":  "AROALOCAL" + strings.ToUpper(role) + ":" + session,
		"Arn":     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, role, session),
	}
}
