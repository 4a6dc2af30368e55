package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"headroom/internal/local/resource"
)

// errStopped means that a resource was not made because something else failed, or the stack is being
// deleted.
//
//lint:ignore ST1005 as CloudFormation words it
var errStopped = errors.New("Resource creation cancelled")

// create makes all resources of a stack, each as soon as those it depends on are there, and rolls
// back when one fails.
func (e *Engine) create(ctx context.Context, s *stack) {
	e.setStatus(ctx, s, createInProgress, "User Initiated")
	failed := e.inOrder(ctx, s, func(id string) error { return e.createOne(ctx, s, id) })
	if ctx.Err() != nil {
		return // the cloud is going down: nobody is left to tell
	}
	e.mu.Lock()
	deleting := s.deleting
	e.mu.Unlock()
	if deleting {
		return // the deletion that waits for us takes it from here
	}
	if len(failed) == 0 {
		if err := e.evaluateOutputs(s); err != nil {
			e.undo(ctx, s, err.Error())
			return
		}
		e.mu.Lock()
		s.completed = true
		e.mu.Unlock()
		e.setStatus(ctx, s, createComplete, "")
		return
	}
	e.undo(ctx, s, fmt.Sprintf("The following resource(s) failed to create: [%s].", strings.Join(failed, ", ")))
}

// inOrder does something to all resources of a stack, each as soon as it was done to those that it depends on.
// When one fails, no other is begun. It reports the logical ids of those that failed.
func (e *Engine) inOrder(ctx context.Context, s *stack, do func(id string) error) (failed []string) {
	done := make(map[string]chan struct{}, len(s.order))
	for _, id := range s.order {
		done[id] = make(chan struct{})
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(failed) > 0 || s.deleting || ctx.Err() != nil
	}
	last := s.order[len(s.order)-1]
	for _, id := range s.order {
		group.Go(func() {
			defer close(done[id])
			for _, dependency := range s.template.Dependencies(id) {
				if ready, ok := done[dependency]; ok {
					<-ready
				}
			}
			if id == last && s.failReason != "" {
				for _, other := range s.order[:len(s.order)-1] {
					<-done[other]
				}
			}
			if stopped() {
				return
			}
			err := do(id)
			if err == nil {
				return
			}
			level := slog.LevelError
			if ctx.Err() != nil {
				level = slog.LevelDebug // the local cloud is closing
			}
			e.config.Log.Log(ctx, level, "resource failed", "stack", s.name, "resource", id, "type", s.template.Resources[id].Type, "error", err)
			mu.Lock()
			failed = append(failed, id)
			mu.Unlock()
		})
	}
	group.Wait()
	return failed
}

// createOne makes one resource whose dependencies are there.
func (e *Engine) createOne(ctx context.Context, s *stack, id string) error {
	r := e.newResource(s, id)
	e.mu.Lock()
	s.records[id] = &record{resource: r}
	e.mu.Unlock()
	e.setRecord(s, id, createInProgress, "")
	made, err := e.makeOne(ctx, s, r)
	if err != nil {
		e.setRecord(s, id, createFailed, err.Error())
		return err
	}
	e.mu.Lock()
	s.records[id] = made
	e.mu.Unlock()
	e.setRecord(s, id, createComplete, "")
	return nil
}

// newResource is a resource that is to be made, without properties: another one than all before it.
func (e *Engine) newResource(s *stack, id string) resource.Resource {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := resource.Resource{
		StackName: s.name, StackID: s.id, LogicalID: id, Type: s.template.Resources[id].Type, Tags: s.tags, Incarnation: s.made[id],
	}
	s.made[id]++
	return r
}

// makeOne makes a resource, with the properties that its template has now.
func (e *Engine) makeOne(ctx context.Context, s *stack, r resource.Resource) (*record, error) {
	provider, err := e.provider(r.Type)
	if err != nil {
		return nil, err
	}
	if r.Properties, err = e.properties(s, r.LogicalID); err != nil {
		return nil, err
	}
	if r.LogicalID == s.order[len(s.order)-1] && s.failReason != "" {
		return nil, errors.New(s.failReason)
	}
	if err := e.roleAllows(s, r, creation); err != nil {
		return nil, err
	}
	if e.config.LeadTime != nil {
		if err := wait(ctx, e.config.LeadTime(s.name, r.Type)); err != nil {
			return nil, errStopped
		}
	}
	created, err := provider.Create(ctx, r)
	if err != nil {
		return nil, handlerFailed(err)
	}
	r.PhysicalID = created.PhysicalID
	return &record{resource: r, attributes: created.Attributes}, nil
}

// handlerFailed words the error of a provider as CloudFormation does.
func handlerFailed(err error) error {
	//lint:ignore ST1005 as CloudFormation words it
	return fmt.Errorf("Resource handler returned message: \"%w\"", err)
}

// properties are the properties that a resource's template has for it now.
func (e *Engine) properties(s *stack, id string) (map[string]any, error) {
	evaluated, err := s.template.Evaluate(e.scope(s), map[string]any(s.template.Resources[id].Properties))
	properties, _ := evaluated.(map[string]any)
	return properties, err
}

// undo ends a creation that failed, as the caller of CreateStack asked.
func (e *Engine) undo(ctx context.Context, s *stack, reason string) {
	switch s.onFailure {
	case "DO_NOTHING":
		e.setStatus(ctx, s, createFailed, reason)
	case "DELETE":
		e.setStatus(ctx, s, createFailed, reason+" Delete requested by user.")
		e.remove(ctx, s)
	default:
		e.setStatus(ctx, s, rollbackInProgress, reason+" Rollback requested by user.")
		if kept := e.deleteAll(ctx, s); len(kept) > 0 {
			e.setStatus(ctx, s, rollbackFailed, fmt.Sprintf("The following resource(s) failed to delete: [%s].", strings.Join(kept, ", ")))
			return
		}
		e.setStatus(ctx, s, rollbackComplete, "")
	}
}

// remove deletes a stack's resources and then the stack.
func (e *Engine) remove(ctx context.Context, s *stack) {
	e.mu.Lock()
	gone := s.status == deleteComplete // by OnFailure, before its turn came
	e.mu.Unlock()
	if gone {
		return
	}
	e.setStatus(ctx, s, deleteInProgress, "User Initiated")
	if kept := e.deleteAll(ctx, s); len(kept) > 0 {
		e.mu.Lock()
		s.deleting = false
		e.mu.Unlock()
		e.setStatus(ctx, s, deleteFailed, fmt.Sprintf("The following resource(s) failed to delete: [%s].", strings.Join(kept, ", ")))
		return
	}
	e.mu.Lock()
	s.ended = e.config.Now()
	e.mu.Unlock()
	e.setStatus(ctx, s, deleteComplete, "")
}

// deleteAll deletes what is there of a stack, last made first, except what its deletion policy
// keeps. It reports the logical ids that could not be deleted.
func (e *Engine) deleteAll(ctx context.Context, s *stack) (failed []string) {
	for i := len(s.order) - 1; i >= 0; i-- {
		id := s.order[i]
		e.mu.Lock()
		r := s.records[id]
		completed := s.completed
		there := r != nil && r.exists() && r.status != deleteSkipped
		e.mu.Unlock()
		if !there {
			continue
		}
		if keeps(s.template.Resources[id].DeletionPolicy, completed) {
			e.setRecord(s, id, deleteSkipped, "")
			continue
		}
		e.setRecord(s, id, deleteInProgress, "")
		if err := e.deleteKept(ctx, s, r.resource, completed); err != nil {
			e.config.Log.Error("resource not deleted", "stack", s.name, "resource", id, "error", err)
			e.setRecord(s, id, deleteFailed, err.Error())
			failed = append(failed, id)
			continue
		}
		e.setRecord(s, id, deleteComplete, "")
	}
	return failed
}

// keeps reports whether a deletion policy keeps a resource. RetainExceptOnCreate keeps nothing of a
// stack whose creation never completed.
func keeps(policy string, completed bool) bool {
	return policy == "Retain" || policy == "RetainExceptOnCreate" && completed
}

// finals makes a last snapshot of a resource.
type finals interface {
	Final(r resource.Resource, name string) error
}

// deleteKept deletes a resource of a stack that is deleted, after a last snapshot of it where its deletion policy is
// Snapshot and the stack came to be. The snapshot is named after the stack and the resource.
func (e *Engine) deleteKept(ctx context.Context, s *stack, r resource.Resource, completed bool) error {
	provider, err := e.provider(r.Type)
	if err != nil {
		return err
	}
	if makes, ok := provider.(finals); ok && completed && s.template.Resources[r.LogicalID].DeletionPolicy == "Snapshot" {
		name := r.GeneratedName()
		name = s.name + "-snapshot-" + r.LogicalID + name[strings.LastIndex(name, "-"):]
		if err := makes.Final(r, name); err != nil {
			return fmt.Errorf("make the last snapshot of %s: %w", r.Type, err)
		}
	}
	return e.deleteOne(ctx, s, r)
}

func (e *Engine) deleteOne(ctx context.Context, s *stack, r resource.Resource) error {
	provider, err := e.provider(r.Type)
	if err != nil {
		return err
	}
	if err := e.roleAllows(s, r, deletion); err != nil {
		return err
	}
	if err := provider.Delete(ctx, r); err != nil {
		return fmt.Errorf("delete %s: %w", r.Type, err)
	}
	return nil
}
