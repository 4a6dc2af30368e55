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
	failed := e.createAll(ctx, s)
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

// createAll reports the logical ids of the resources that failed.
func (e *Engine) createAll(ctx context.Context, s *stack) (failed []string) {
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
			err := e.createOne(ctx, s, id, id == last)
			if err == nil {
				return
			}
			e.setRecord(s, id, createFailed, err.Error())
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
func (e *Engine) createOne(ctx context.Context, s *stack, id string, last bool) error {
	declared := s.template.Resources[id]
	r := resource.Resource{StackName: s.name, StackID: s.id, LogicalID: id, Type: declared.Type, Tags: s.tags}
	e.mu.Lock()
	s.records[id] = &record{resource: r}
	e.mu.Unlock()
	e.setRecord(s, id, createInProgress, "")

	provider, err := e.provider(declared.Type)
	if err != nil {
		return err
	}
	properties, err := s.template.Evaluate(e.scope(s), map[string]any(declared.Properties))
	if err != nil {
		return err
	}
	r.Properties, _ = properties.(map[string]any)
	if last && s.failReason != "" {
		return errors.New(s.failReason)
	}
	if err := e.roleAllows(s, r, creation); err != nil {
		return err
	}
	if e.config.LeadTime != nil {
		if err := wait(ctx, e.config.LeadTime(s.name, declared.Type)); err != nil {
			return errStopped
		}
	}
	created, err := provider.Create(ctx, r)
	if err != nil {
		//lint:ignore ST1005 as CloudFormation words it
		return fmt.Errorf("Resource handler returned message: \"%w\"", err)
	}
	r.PhysicalID = created.PhysicalID
	e.mu.Lock()
	s.records[id].resource, s.records[id].attributes = r, created.Attributes
	e.mu.Unlock()
	e.setRecord(s, id, createComplete, "")
	return nil
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
		if err := e.deleteOne(ctx, s, r.resource); err != nil {
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
