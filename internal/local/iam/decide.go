package iam

import (
	"fmt"
	"strings"
)

// Denied says that a policy does not allow an action, in AWS's words.
type Denied struct {
	User, Action, Resource string
	Reason                 string // such as "because no identity-based policy allows the sqs:SendMessage action"
}

func (d *Denied) Error() string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", d.User, d.Action, d.Resource, d.Reason)
}

// Allowed decides one action of a role (its ARN, or a session's) on one resource. A refusal is a
// *Denied.
func (s *Store) Allowed(principal, action, resource string, conditions Context) error {
	context := s.context(principal, resource, conditions)
	s.mu.Lock()
	defer s.mu.Unlock()
	name := roleName(principal)
	session := s.sessionARN(principal)
	deny := func(reason string) error { return &Denied{session, action, resource, reason} }
	role, ok := s.roles[name]
	if !ok {
		return deny("because the role does not exist")
	}

	var used []grantKey
	for policy, document := range role.Policies {
		for i, statement := range document.Statements {
			patterns, applies := statement.applies(action, resource, context)
			if !applies {
				continue
			}
			if !statement.Allow {
				return deny("with an explicit deny in an identity-based policy")
			}
			for _, pattern := range patterns {
				used = append(used, grantKey{name, policy, i, pattern})
			}
		}
	}
	by := s.judge(caller{role: role, session: session, account: s.account}, action, resource, context)
	if by.denied {
		return deny("with an explicit deny in a resource-based policy")
	}
	if role.Boundary != nil && !role.Boundary.allows(action, resource, context) {
		return deny(fmt.Sprintf("because no permissions boundary allows the %s action", action))
	}
	if bound, ok := s.bounds[principal]; ok && !bound.allows(action, resource, context) {
		return deny(fmt.Sprintf("because no session policy allows the %s action", action))
	}
	if by.allowed {
		return nil // a resource policy that names a role of the same account suffices by itself
	}
	if len(used) == 0 {
		return deny(fmt.Sprintf("because no identity-based policy allows the %s action", action))
	}
	// A key alone among resources must itself hand the decision to identity policies.
	if _, hasPolicy := s.policyOf(resource); hasPolicy && strings.HasPrefix(action, "kms:") && !by.delegated {
		return deny(fmt.Sprintf("because no resource-based policy allows the %s action", action))
	}
	for _, key := range used {
		s.used[key] = true
	}
	return nil
}

// ServiceAllowed decides whether a service principal such as "events.amazonaws.com" may do an
// action on a resource, by the resource's policy alone. conditions holds aws:SourceArn and
// aws:SourceAccount. If the resource is encrypted with a customer's key, the key's policy must let
// the service use it too. A refusal is a *Denied.
func (s *Store) ServiceAllowed(service, action, resource string, conditions Context) error {
	context := s.context("", resource, conditions)
	s.mu.Lock()
	defer s.mu.Unlock()
	ask := func(action, resource string) error {
		by := s.judge(caller{service: service, account: s.account}, action, resource, context)
		if by.denied {
			return &Denied{service, action, resource, "with an explicit deny in a resource-based policy"}
		}
		if !by.allowed {
			return &Denied{service, action, resource, fmt.Sprintf("because no resource-based policy allows the %s action", action)}
		}
		return nil
	}
	if err := ask(action, resource); err != nil {
		return err
	}
	key := s.keys[resource]
	if key == "" {
		return nil
	}
	for _, action := range keyActions(action) {
		if err := ask(action, key); err != nil {
			return err
		}
	}
	return nil
}

// MayAssume decides whether a service principal may assume a role (name or ARN), by its trust
// policy. A refusal is a *Denied.
func (s *Store) MayAssume(service, role string, conditions Context) error {
	context := s.context("", "", conditions)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[roleName(role)]
	if !ok {
		return &Denied{service, "sts:AssumeRole", role, "because the role does not exist"}
	}
	by := r.Trust.judge(caller{service: service, account: s.account}, "sts:AssumeRole", r.ARN, context)
	if by.denied || !by.allowed {
		return &Denied{service, "sts:AssumeRole", r.ARN, "because no trust policy allows the sts:AssumeRole action"}
	}
	return nil
}

// judge asks the policy of a resource, if it has one. A resource without one leaves the decision to
// identity policies.
func (s *Store) judge(c caller, action, resource string, context Context) verdict {
	document, ok := s.policyOf(resource)
	if !ok {
		return verdict{}
	}
	return document.judge(c, action, resource, context)
}

// policyOf finds the policy that speaks of a resource; an object's is its bucket's.
func (s *Store) policyOf(resource string) (Document, bool) {
	if strings.HasPrefix(resource, "arn:aws:s3:::") {
		resource, _, _ = strings.Cut(resource, "/")
	}
	document, ok := s.resources[resource]
	return document, ok
}

// context completes a request's condition keys with the ones that every request has.
func (s *Store) context(principal, resource string, conditions Context) Context {
	context := Context{
		// What AWS would see: locally everything is on loopback, there every call is TLS.
		"aws:securetransport":  {"true"},
		"aws:requestedregion":  {s.region},
		"aws:resourceaccount":  {s.account},
		"aws:principalaccount": {s.account},
	}
	if principal != "" {
		context["aws:principalarn"] = []string{fmt.Sprintf("arn:aws:iam::%s:role/%s", s.account, roleName(principal))}
		context["aws:principalisawsservice"] = []string{"false"}
		if strings.Contains(principal, ":assumed-role/") { // Lambda names a function's session after it
			context["lambda:sourcefunctionarn"] = []string{s.arn("lambda", "function:"+sessionName(principal))}
		}
	} else {
		context["aws:principalisawsservice"] = []string{"true"}
	}
	for key, value := range s.tagsOf(resource) {
		service := ""
		if parts := strings.Split(resource, ":"); len(parts) > 2 {
			service = parts[2]
		}
		context["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
		context[service+":resourcetag/"+strings.ToLower(key)] = []string{value}
	}
	for key, values := range conditions {
		context[strings.ToLower(key)] = values
	}
	return context
}
