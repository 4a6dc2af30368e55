package iam

import (
	"fmt"
	"strconv"
)

// Assume begins a session of a role (name or ARN), if its trust policy lets the caller: a role's session, or, empty,
// the account's owner. What the caller's own policies say of that is Authorize's. With a bound, the session may do
// no more than that, whatever its role may. The result is the session as a principal, which no other session is. A
// refusal is a *Denied.
func (s *Store) Assume(principal, role, session string, bound *Document) (string, error) {
	context := s.context(principal, "", nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	denied := &Denied{principal, "sts:AssumeRole", role, "because no trust policy allows the sts:AssumeRole action"}
	r, ok := s.roles[roleName(role)]
	if !ok {
		return "", denied
	}
	who := caller{account: s.account, session: "arn:aws:iam::" + s.account + ":root"}
	if principal != "" {
		who.role, who.session = s.roles[roleName(principal)], s.sessionARN(principal)
		denied.User = who.session
	}
	by := r.Trust.judge(who, "sts:AssumeRole", r.ARN, context)
	if by.denied || !by.allowed && !by.delegated {
		return "", denied
	}
	s.begun++
	assumed := fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s%s%s", s.account, r.Name, session, sessionMark, strconv.Itoa(s.begun))
	if bound != nil {
		s.bounds[assumed] = *bound
	}
	return assumed, nil
}

// sessionMark comes between the name of a session that was assumed and its number here: two sessions may have one
// name, and different bounds. No name has it.
const sessionMark = ";"

// sessionARN is a principal as AWS names it: a role's, without a session, is that of one of the role's name.
func (s *Store) sessionARN(principal string) string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", s.account, roleName(principal), sessionName(principal))
}
