package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"headroom/internal/local/resource"
)

// update is an update under way. The stack has its new design already.
type update struct {
	e        *Engine
	s        *stack
	from, to design
	outputs  []output // as they were

	mu      sync.Mutex
	touched map[string]touched  // by logical id
	made    []resource.Resource // resources that there were not before, the newest is last
}

// touched is a resource that the update has begun to change.
type touched struct {
	before   record
	after    resource.Resource // of one that is changed in place
	inPlace  bool
	replaced bool // there is a new one in its place
}

// update brings a stack to its new design, and back to the one from before when a resource fails. Old resources
// are deleted last, once everything else is done: so there are two of what is replaced for a while.
func (e *Engine) update(ctx context.Context, s *stack, from design) {
	u := &update{e: e, s: s, from: from, to: s.design, outputs: s.outputs, touched: map[string]touched{}}
	e.setStatus(ctx, s, updateInProgress, "User Initiated")
	failed := e.inOrder(ctx, s, func(id string) error { return u.one(ctx, id) })
	if ctx.Err() != nil {
		return // the cloud is going down: nobody is left to tell
	}
	if reason := u.reason(failed); reason != "" {
		u.rollBack(ctx, reason)
		return
	}
	if err := e.evaluateOutputs(s); err != nil {
		u.rollBack(ctx, err.Error())
		return
	}
	e.setStatus(ctx, s, updateCompleteCleanupInProgress, "")
	left := u.cleanUp(ctx)
	e.setStatus(ctx, s, updateComplete, leftovers("Update", left))
}

// reason words what failed; empty when nothing did.
func (u *update) reason(failed []string) string {
	var created, updated []string
	for _, id := range failed {
		if _, there := u.touched[id]; there {
			updated = append(updated, id)
		} else {
			created = append(created, id)
		}
	}
	var sentences []string
	for _, part := range []struct {
		verb string
		ids  []string
	}{{"create", created}, {"update", updated}} {
		if slices.Sort(part.ids); len(part.ids) > 0 {
			sentences = append(sentences, fmt.Sprintf("The following resource(s) failed to %s: [%s].", part.verb, strings.Join(part.ids, ", ")))
		}
	}
	return strings.Join(sentences, " ")
}

// leftovers words what an operation could not delete: that makes it no failure.
func leftovers(operation string, left int) string {
	if left == 0 {
		return ""
	}
	return operation + " successful. One or more resources could not be deleted."
}

// one brings one resource to the new design, once those that it depends on are there.
func (u *update) one(ctx context.Context, id string) error {
	is, there := u.e.existing(u.s, id)
	if !there {
		if err := u.e.createOne(ctx, u.s, id); err != nil {
			return err
		}
		is, _ = u.e.existing(u.s, id)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.made = append(u.made, is)
		return nil
	}
	toBe := is
	toBe.Tags = u.to.tags
	var err error
	if toBe.Properties, err = u.e.properties(u.s, id); err != nil {
		u.touch(id, touched{})
		u.e.setRecord(u.s, id, updateFailed, err.Error())
		return err
	}
	c := u.e.difference(is, toBe)
	if len(c.properties) == 0 && !c.tags {
		return nil
	}
	if len(c.replaced()) > 0 {
		err = u.replace(ctx, c)
	} else {
		err = u.modify(ctx, toBe, c)
	}
	if err != nil {
		u.e.setRecord(u.s, id, updateFailed, err.Error())
		return err
	}
	u.e.setRecord(u.s, id, updateComplete, "")
	return nil
}

// touch notes what is done to a resource, and how the resource was until then.
func (u *update) touch(id string, t touched) {
	u.e.mu.Lock()
	t.before = *u.s.records[id]
	u.e.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.touched[id] = t
}

// replace makes a new resource beside the old one, which stays until the update is complete.
func (u *update) replace(ctx context.Context, c change) error {
	u.touch(c.id, touched{})
	u.e.setRecord(u.s, c.id, updateInProgress, "Requested update requires the creation of a new physical resource; hence creating one.")
	if c.namesake() {
		//lint:ignore ST1005 as CloudFormation words it
		return fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename %v and update the stack again.", c.resource.Properties[c.schema.Name])
	}
	made, err := u.e.makeOne(ctx, u.s, u.e.newResource(u.s, c.id))
	if err != nil {
		return err
	}
	u.mu.Lock()
	t := u.touched[c.id]
	t.replaced = true
	u.touched[c.id] = t
	u.made = append(u.made, made.resource)
	u.mu.Unlock()
	u.put(c.id, *made)
	return nil
}

// modify changes a resource in place.
func (u *update) modify(ctx context.Context, toBe resource.Resource, c change) error {
	u.touch(c.id, touched{after: toBe, inPlace: true})
	u.e.setRecord(u.s, c.id, updateInProgress, "")
	updated, err := u.bring(ctx, c.resource, toBe)
	if err != nil {
		return err
	}
	u.put(c.id, updated)
	return nil
}

// put gives a resource its next record.
func (u *update) put(id string, r record) {
	u.e.mu.Lock()
	defer u.e.mu.Unlock()
	r.status = updateInProgress
	u.s.records[id] = &r
}

// bring changes a resource from one state to another.
func (u *update) bring(ctx context.Context, from, to resource.Resource) (record, error) {
	provider, ok := u.e.providers[to.Type].(resource.Updater)
	if !ok {
		return record{}, fmt.Errorf("the local cloud does not update resources of type %s", to.Type)
	}
	if err := u.e.roleAllowsUpdate(u.s, from, to); err != nil {
		return record{}, err
	}
	updated, err := provider.Update(ctx, from, to)
	if err != nil {
		return record{}, handlerFailed(err)
	}
	to.PhysicalID = updated.PhysicalID
	return record{resource: to, attributes: updated.Attributes}, nil
}
