package iam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Grant is one action pattern of one allow statement of a role's policy.
type Grant struct {
	Role      string // name
	Policy    string // name
	Statement int    // index in the policy
	Action    string // pattern, as the policy has it
	Resources []string
}

// String names a grant in one line.
func (g Grant) String() string {
	return fmt.Sprintf("%s: %s on %s (policy %s)", g.Role, g.Action, strings.Join(g.Resources, ", "), g.Policy)
}

// grantKey identifies a grant in the tally of used ones.
type grantKey struct {
	role, policy string
	statement    int
	action       string
}

// Unused lists the grants of the given roles (names or ARNs; none: all roles) that no allowed call
// needed, in the order of role, policy and statement.
func (s *Store) Unused(roles ...string) []Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unused []Grant
	for name, role := range s.roles {
		if len(roles) > 0 && !slices.ContainsFunc(roles, func(r string) bool { return roleName(r) == name }) {
			continue
		}
		for policy, document := range role.Policies {
			for i, statement := range document.Statements {
				if !statement.Allow {
					continue
				}
				for _, action := range statement.Actions {
					if !s.used[grantKey{name, policy, i, action}] {
						unused = append(unused, Grant{name, policy, i, action, statement.Resources})
					}
				}
			}
		}
	}
	slices.SortFunc(unused, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Policy, b.Policy),
			cmp.Compare(a.Statement, b.Statement), cmp.Compare(a.Action, b.Action))
	})
	return unused
}

// Revoke takes an action pattern, as it is written in the policy (such as "dynamodb:PutItem"), out
// of every allow statement of a role (name or ARN). It reports how many statements held it.
func (s *Store) Revoke(role, action string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[roleName(role)]
	if !ok {
		return 0
	}
	revoked := 0
	for policy, document := range r.Policies {
		statements := slices.Clone(document.Statements)
		for i, statement := range statements {
			if !statement.Allow || !slices.Contains(statement.Actions, action) {
				continue
			}
			statements[i].Actions = slices.DeleteFunc(slices.Clone(statement.Actions), func(a string) bool { return a == action })
			revoked++
		}
		r.Policies[policy] = Document{Statements: statements}
	}
	return revoked
}
