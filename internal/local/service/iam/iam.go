// Package iam fakes the part of IAM's API that says how much of its quotas is used. Roles and policies come with stacks only
// (headroom/internal/local/iam).
package iam

import (
	"context"

	"headroom/internal/local/endpoint"
)

// Config says what is counted; all of it is required.
type Config struct {
	Roles     func() int // there are
	RolesMost func() int // that there may be
}

// Service answers IAM's API.
func Service(c Config) endpoint.Service {
	return endpoint.Service{Name: "iam", Operations: map[string]endpoint.Operation{
		"GetAccountSummary": func(context.Context, endpoint.Call) (any, error) {
			entry := func(key string, value int) any { return map[string]any{"key": key, "value": value} }
			return map[string]any{"SummaryMap": endpoint.List{Element: "entry", Items: []any{
				entry("Roles", c.Roles()), entry("RolesQuota", c.RolesMost()),
			}}}, nil
		},
	}}
}
