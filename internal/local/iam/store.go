// Package iam holds the roles and policies of the deployed templates and decides by them, in AWS's
// order and words: an explicit deny, then an allow, else denied.
package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Role is a role as a template declares it.
type Role struct {
	Name     string
	ARN      string
	Trust    Document
	Policies map[string]Document // inline and attached, by name
	Boundary *Document           // permissions boundary; nil when there is none
}

// Store holds roles, resource policies and keys. Its methods may be called concurrently.
type Store struct {
	account, region string

	mu        sync.Mutex
	roles     map[string]Role // by name
	managed   map[string]Document
	resources map[string]Document // resource policies, by ARN
	keys      map[string]string   // resource ARN → key: its ARN, id or alias
	used      map[grantKey]bool
	bounds    map[string]Document // session policies, by principal (see Assume)
	begun     int                 // sessions, ever

	tagSources []func(arn string) map[string]string
	keySources []func(arn string) string
	tasks      func(definition string) (arn string, roles []string)
	databases  func(named string) (Database, bool)
}

// New makes an empty store for an account.
func New(account, region string) *Store {
	return &Store{
		account: account, region: region,
		roles: map[string]Role{}, managed: map[string]Document{}, resources: map[string]Document{},
		keys: map[string]string{}, used: map[grantKey]bool{}, bounds: map[string]Document{},
	}
}

// PutRole adds or replaces a role with all its policies.
func (s *Store) PutRole(role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	role.Policies = maps.Clone(role.Policies)
	if role.Policies == nil {
		role.Policies = map[string]Document{}
	}
	s.roles[role.Name] = role
}

// Attach adds a policy to a role (name or ARN). It fails if there is no such role.
func (s *Store) Attach(role, policyName string, document Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[roleName(role)]
	if !ok {
		return fmt.Errorf("attach policy %s: the role with name %s cannot be found", policyName, roleName(role))
	}
	r.Policies[policyName] = document
	return nil
}

// Detach takes a policy off a role; one that is not there is fine.
func (s *Store) Detach(role, policyName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.roles[roleName(role)]; ok {
		delete(r.Policies, policyName)
	}
}

// DeleteRole forgets a role (name or ARN).
func (s *Store) DeleteRole(role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.roles, roleName(role))
}

// Roles is how many roles there are.
func (s *Store) Roles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.roles)
}

// Role finds a role by its name, its ARN, or the ARN of one of its sessions.
func (s *Store) Role(nameOrARN string) (Role, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.roles[roleName(nameOrARN)]
	r.Policies = maps.Clone(r.Policies)
	return r, ok
}

// PutManagedPolicy keeps a managed policy, which roles and boundaries may then refer to by ARN.
func (s *Store) PutManagedPolicy(arn string, document Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.managed[arn] = document
}

// ManagedPolicy finds a managed policy of a template. AWS's own ("arn:aws:iam::aws:policy/…") are
// not kept: what they grant (logs, network interfaces) nothing here checks.
func (s *Store) ManagedPolicy(arn string) (Document, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.managed[arn]
	return d, ok
}

// PutResourcePolicy sets the policy of a queue, topic, bucket, bus or key, by ARN.
func (s *Store) PutResourcePolicy(arn string, document Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[arn] = document
}

// HasResourcePolicy reports whether a resource has a policy of its own.
func (s *Store) HasResourcePolicy(arn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.resources[arn]
	return ok
}

// DeleteResourcePolicy takes the policy of a resource away.
func (s *Store) DeleteResourcePolicy(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.resources, arn)
}

// DeleteResource forgets the policy and the key of a resource.
func (s *Store) DeleteResource(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.resources, arn)
	delete(s.keys, arn)
}

// awsKeys are AWS's own keys, by alias. They need no grants.
const awsKeys = "alias/aws/"

// PutKeyOf says that a resource is encrypted with a customer's KMS key (its ARN or id): calls on
// its data then need that key too.
func (s *Store) PutKeyOf(resourceARN, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[resourceARN] = key
}

func (s *Store) keyARN(key string) string {
	if strings.HasPrefix(key, "arn:") {
		return key
	}
	return s.arn("kms", "key/"+key)
}

// TagsFrom adds a source of resource tags, for conditions on aws:ResourceTag/…; nil from a source
// means that it does not know the resource.
func (s *Store) TagsFrom(source func(arn string) map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tagSources = append(s.tagSources, source)
}

// KeysFrom adds a source of the keys that resources are encrypted with (ARN, id or alias), for
// resources that are made by calls; empty from a source means that it does not know the resource.
func (s *Store) KeysFrom(source func(arn string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keySources = append(s.keySources, source)
}

// TasksFrom sets the source of task definitions: by family, family and revision, or ARN, their ARN and the ARNs of
// the roles that running one passes on; an empty ARN of one that there is not.
func (s *Store) TasksFrom(source func(definition string) (arn string, roles []string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = source
}

// keyOf is the key that a resource is encrypted with, or empty. The sources are asked without the
// lock: they have their own.
func (s *Store) keyOf(resourceARN string) string {
	s.mu.Lock()
	key, sources := s.keys[resourceARN], slices.Clone(s.keySources)
	s.mu.Unlock()
	for _, source := range sources {
		if key == "" {
			key = source(resourceARN)
		}
	}
	if key == "" || strings.Contains(key, awsKeys) {
		return ""
	}
	return s.keyARN(key)
}

// tagsOf collects what the sources know of a resource. The sources are asked without the lock: they
// have their own.
func (s *Store) tagsOf(arn string) map[string]string {
	s.mu.Lock()
	sources := slices.Clone(s.tagSources)
	s.mu.Unlock()
	tags := map[string]string{}
	for _, source := range sources {
		maps.Copy(tags, source(arn))
	}
	return tags
}

func (s *Store) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, s.region, s.account, resource)
}

// roleName reads a role's name from its ARN (paths are no part of it), from the ARN of one of its
// sessions, or takes it as it is.
func roleName(nameOrARN string) string {
	if _, session, ok := strings.Cut(nameOrARN, ":assumed-role/"); ok {
		name, _, _ := strings.Cut(session, "/")
		return name
	}
	return nameOrARN[strings.LastIndex(nameOrARN, "/")+1:]
}

// sessionName is the last part of a session's ARN; a bare role's session bears the role's name.
func sessionName(principal string) string {
	name, _, _ := strings.Cut(principal[strings.LastIndex(principal, "/")+1:], sessionMark)
	return name
}
