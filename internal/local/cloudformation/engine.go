// Package cloudformation is the local CloudFormation: it deploys synthesized assemblies and creates,
// rolls back and deletes stacks, asynchronously as the real one does.
package cloudformation

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/resource"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/iam"
)

// objects is the S3 that templates and assets lie in.
type objects interface {
	// Get reads an object whole. One that is not there is an error.
	Get(ctx context.Context, bucket, key string) ([]byte, error)
	// Put writes an object, and makes its bucket if it is missing.
	Put(ctx context.Context, bucket, key string, body []byte) error
}

// roles is what the engine asks about a stack's service role; *iam.Store is one.
type roles interface {
	MayAssume(service, role string, conditions iam.Context) error
	Allowed(principal, action, resource string, conditions iam.Context) error
}

// Config is what an Engine needs. Account, Region, Emit, Objects, Log and Now are required.
type Config struct {
	Account, Region string
	// Emit publishes an event on the default bus.
	Emit      func(ctx context.Context, source, detailType string, resources []string, detail any)
	Objects   objects
	Parameter template.Lookup // reads SSM parameters; nil: templates have none
	Roles     roles           // nil: service roles are not checked
	// LeadTime is waited before a resource is created; nil: nothing is.
	LeadTime func(stackName, resourceType string) time.Duration
	// ChangeSet is how long a change set takes to be made; default 50 ms.
	ChangeSet time.Duration
	// Most is how many stacks the account may have; nil: as many as it likes.
	Most func() int
	Log  *slog.Logger
	Now  func() time.Time
}

// Engine is the local CloudFormation. Register providers before stacks are created.
type Engine struct {
	config    Config
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	running   sync.WaitGroup
	providers map[string]resource.Provider // by resource type

	mu       sync.Mutex
	stacks   map[string]*stack // by stack ID, deleted ones included
	failures []failure
}

// failure is an order to let stacks fail.
type failure struct {
	prefix, reason string
	left           int
}

// New makes an engine without stacks.
func New(config Config) *Engine {
	if config.ChangeSet == 0 {
		config.ChangeSet = 50 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Engine{config: config, ctx: ctx, cancel: cancel, providers: map[string]resource.Provider{}, stacks: map[string]*stack{}}
}

// Register gives the provider of some resource types, in place of an earlier one.
func (e *Engine) Register(p resource.Provider, types ...string) {
	for _, t := range types {
		e.providers[t] = p
	}
}

// FailStacks lets the next n stacks whose names start with the prefix fail, with the given reason,
// when all but the last of their resources are there: so that there is something to roll back.
func (e *Engine) FailStacks(namePrefix string, n int, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failures = append(e.failures, failure{namePrefix, reason, n})
}

// takeFailure uses up one order to fail, if there is one for the stack. The lock is held.
func (e *Engine) takeFailure(name string) string {
	for i := range e.failures {
		if f := &e.failures[i]; f.left > 0 && strings.HasPrefix(name, f.prefix) {
			f.left--
			return f.reason
		}
	}
	return ""
}

// Close stops what is under way and waits for it. Resources stay as they are: who made their
// processes ends them.
func (e *Engine) Close() {
	e.cancel()
	e.running.Wait()
}

// Resources lists what is there of a stack (name or ID), with physical ids and evaluated properties,
// in the order in which it was made.
func (e *Engine) Resources(nameOrID string) []resource.Resource {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(nameOrID)
	if s == nil {
		return nil
	}
	var found []resource.Resource
	for _, id := range s.listed() {
		if r := s.records[id]; r.exists() {
			found = append(found, r.resource)
		}
	}
	return found
}

// Tags finds the tags of a stack by its ARN, or of a resource by its ARN or physical id: its stack's, and its own. It is nil
// when no stack made such a resource.
func (e *Engine) Tags(arn string) map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.stacks {
		if s.id == arn {
			return maps.Clone(s.tags)
		}
		there := slices.Clone(s.kept)
		for _, r := range s.records {
			if r.exists() {
				there = append(there, r.resource)
			}
		}
		for _, r := range there {
			if id := r.PhysicalID; id != "" && (id == arn || strings.HasSuffix(arn, "/"+id) || strings.HasSuffix(arn, ":"+id)) {
				return tagsOf(r)
			}
		}
	}
	return nil
}

// tagsOf are the tags that a resource was last made or updated with.
func tagsOf(r resource.Resource) map[string]string {
	tags := maps.Clone(r.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	list, _ := r.Properties["Tags"].([]any)
	for _, t := range list {
		if tag, ok := t.(map[string]any); ok {
			tags[template.Text(tag["Key"])] = template.Text(tag["Value"])
		}
	}
	return tags
}

// find looks a stack up by ID, or by name among those that are not deleted. The lock is held.
func (e *Engine) find(nameOrID string) *stack {
	if s, ok := e.stacks[nameOrID]; ok {
		return s
	}
	for _, s := range e.stacks {
		if s.name == nameOrID && s.status != deleteComplete {
			return s
		}
	}
	return nil
}

// all lists the stacks that are not deleted, the newest first. The lock is held.
func (e *Engine) all() []*stack {
	list := slices.DeleteFunc(slices.Collect(maps.Values(e.stacks)), func(s *stack) bool { return s.status == deleteComplete })
	slices.SortFunc(list, func(a, b *stack) int {
		if c := b.created.Compare(a.created); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return list
}

// start runs a stack's operation in the background, after what the stack was doing before. The lock
// is held.
func (e *Engine) start(s *stack, operation func(ctx context.Context)) {
	before, done := s.idle, make(chan struct{})
	s.idle = done
	e.running.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		operation(e.ctx)
	})
}

// setStatus moves a stack on, and says so in its events and on the event bus.
func (e *Engine) setStatus(ctx context.Context, s *stack, to status, reason string) {
	e.mu.Lock()
	s.status, s.reason = to, reason
	s.log(e.config.Now(), s.name, s.id, "AWS::CloudFormation::Stack", string(to), reason)
	token := s.token
	e.mu.Unlock()
	e.config.Log.Info("stack status changed", "stack", s.name, "status", to, "reason", reason)
	detail := map[string]any{
		"stack-id":             s.id,
		"status-details":       map[string]any{"status": string(to), "status-reason": reason},
		"client-request-token": token,
	}
	e.config.Emit(ctx, "aws.cloudformation", "CloudFormation Stack Status Change", []string{s.id}, detail)
}

// setRecord moves a resource on.
func (e *Engine) setRecord(s *stack, id string, to status, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := s.records[id]
	r.status, r.reason, r.updated = to, reason, e.config.Now()
	s.log(r.updated, id, r.resource.PhysicalID, r.resource.Type, string(to), reason)
}

// provider finds who makes a resource.
func (e *Engine) provider(resourceType string) (resource.Provider, error) {
	p, ok := e.providers[resourceType]
	if !ok {
		return nil, fmt.Errorf("the local cloud has no resource type %s", resourceType)
	}
	return p, nil
}
