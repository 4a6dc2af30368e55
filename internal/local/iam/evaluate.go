package iam

import (
	"slices"
	"strings"
)

// covers reports whether a statement speaks of an action, and by which of its patterns. Action names
// are not case sensitive.
func (s Statement) covers(action string) (patterns []string, ok bool) {
	fits := func(pattern string) bool { return match(strings.ToLower(action), strings.ToLower(pattern)) }
	if len(s.NotActions) > 0 {
		return s.NotActions, !slices.ContainsFunc(s.NotActions, fits)
	}
	for _, pattern := range s.Actions {
		if fits(pattern) {
			patterns = append(patterns, pattern)
		}
	}
	return patterns, len(patterns) > 0
}

// reaches reports whether a statement speaks of a resource. Trust policies and some resource policies
// name none: they speak of what they hang on.
func (s Statement) reaches(resource string) bool {
	fits := func(pattern string) bool { return match(resource, pattern) }
	if len(s.NotResources) > 0 {
		return !slices.ContainsFunc(s.NotResources, fits)
	}
	return len(s.Resources) == 0 || slices.ContainsFunc(s.Resources, fits)
}

// applies reports whether a statement speaks of a request, and by which action patterns.
func (s Statement) applies(action, resource string, context Context) (patterns []string, ok bool) {
	patterns, ok = s.covers(action)
	return patterns, ok && s.reaches(resource) && fulfilled(s.Conditions, context)
}

// allows decides by one document alone.
func (d Document) allows(action, resource string, context Context) bool {
	allowed := false
	for _, s := range d.Statements {
		if _, ok := s.applies(action, resource, context); !ok {
			continue
		}
		if !s.Allow {
			return false
		}
		allowed = true
	}
	return allowed
}

// caller is who a resource policy is asked about.
type caller struct {
	role    Role   // a role of this account; its ARN is empty for a service
	session string // ARN of the role's session
	service string // such as "events.amazonaws.com"
	account string
}

// named reports whether a resource policy's statement is about the caller itself. The account as a
// principal only hands the decision to the identity's own policies (see delegates), except in a deny.
func (s Statement) named(c caller) bool {
	if slices.Contains(s.Principals["*"], "*") {
		return true
	}
	if c.service != "" {
		return slices.Contains(s.Principals["Service"], c.service)
	}
	return slices.ContainsFunc(s.Principals["AWS"], func(p string) bool {
		return p == "*" || p == c.role.ARN || p == c.session || !s.Allow && isAccount(p, c.account)
	})
}

// delegates reports whether a statement lets the account's identity policies decide.
func (s Statement) delegates(account string) bool {
	return slices.ContainsFunc(s.Principals["AWS"], func(p string) bool { return isAccount(p, account) })
}

func isAccount(principal, account string) bool {
	return principal == account || strings.HasSuffix(principal, ":iam::"+account+":root")
}

// verdict is what a resource's policy says of a request.
type verdict struct {
	denied    bool
	allowed   bool // the caller by name
	delegated bool // the account, so that identity policies decide
}

func (d Document) judge(c caller, action, resource string, context Context) verdict {
	var v verdict
	for _, s := range d.Statements {
		if _, ok := s.applies(action, resource, context); !ok {
			continue
		}
		switch {
		case !s.Allow:
			v.denied = v.denied || s.named(c)
		case s.named(c):
			v.allowed = true
		case s.delegates(c.account):
			v.delegated = true
		}
	}
	return v
}
