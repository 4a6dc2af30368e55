package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"headroom/internal/local/resource"
)

// cleanUp deletes what was replaced and what the new template has no more, unless it is to be kept. It reports
// how many could not be deleted: those are the stack's no longer.
func (u *update) cleanUp(ctx context.Context) (left int) {
	for _, id := range slices.Backward(u.from.order) {
		if t := u.touched[id]; t.replaced {
			left += u.discard(ctx, t.before.resource, keeps(u.to.template.Resources[id].UpdateReplacePolicy, true))
		} else if is, there := u.e.existing(u.s, id); there && !slices.Contains(u.to.order, id) {
			left += u.discard(ctx, is, keeps(u.from.template.Resources[id].DeletionPolicy, true))
		}
	}
	u.forget()
	return left
}

// rollBack brings everything back to the old design, each resource after those that it depends on, and then
// deletes what was made.
func (u *update) rollBack(ctx context.Context, reason string) {
	u.e.mu.Lock()
	u.s.design = u.from
	u.e.mu.Unlock()
	u.e.setStatus(ctx, u.s, updateRollbackInProgress, reason)
	var failed []string
	for _, id := range u.from.order {
		t, ok := u.touched[id]
		if !ok {
			continue
		}
		if err := u.restore(ctx, id, t); err != nil {
			u.e.config.Log.Error("resource not rolled back", "stack", u.s.name, "resource", id, "error", err)
			u.e.setRecord(u.s, id, updateFailed, err.Error())
			failed = append(failed, id)
		}
	}
	if ctx.Err() != nil {
		return
	}
	if len(failed) > 0 {
		u.e.setStatus(ctx, u.s, updateRollbackFailed, fmt.Sprintf("The following resource(s) failed to update: [%s].", strings.Join(failed, ", ")))
		return
	}
	u.e.mu.Lock()
	u.s.outputs = u.outputs
	u.e.mu.Unlock()
	u.e.setStatus(ctx, u.s, updateRollbackCleanupInProgress, "")
	left := 0
	for _, r := range slices.Backward(u.made) {
		left += u.discard(ctx, r, keeps(u.to.template.Resources[r.LogicalID].DeletionPolicy, false))
	}
	u.forget()
	u.e.setStatus(ctx, u.s, updateRollbackComplete, leftovers("Update rollback", left))
}

// restore brings a resource back to what it was. One that was replaced was left as it was.
func (u *update) restore(ctx context.Context, id string, t touched) error {
	if t.inPlace {
		u.e.setRecord(u.s, id, updateInProgress, "")
		updated, err := u.bring(ctx, t.after, t.before.resource)
		if err != nil {
			return err
		}
		t.before.attributes = updated.attributes
	}
	u.put(id, t.before)
	u.e.setRecord(u.s, id, updateComplete, "")
	return nil
}

// discard deletes a resource that is the stack's no longer, or leaves it to itself. It reports how many, of one,
// could not be deleted.
func (u *update) discard(ctx context.Context, r resource.Resource, keep bool) (left int) {
	if keep {
		u.note(r, deleteSkipped, "")
		return 0
	}
	u.note(r, deleteInProgress, "")
	if err := u.e.deleteOne(ctx, u.s, r); err != nil {
		u.e.config.Log.Error("resource not deleted", "stack", u.s.name, "resource", r.LogicalID, "error", err)
		u.note(r, deleteFailed, err.Error())
		return 1
	}
	u.note(r, deleteComplete, "")
	return 0
}

// note logs what becomes of a resource that may have no record any more.
func (u *update) note(r resource.Resource, to status, reason string) {
	u.e.mu.Lock()
	defer u.e.mu.Unlock()
	now := u.e.config.Now()
	u.s.log(now, r.LogicalID, r.PhysicalID, r.Type, string(to), reason)
	if is := u.s.records[r.LogicalID]; is != nil && is.resource.PhysicalID == r.PhysicalID {
		is.status, is.reason, is.updated = to, reason, now
	}
	if to == deleteSkipped || to == deleteFailed {
		u.s.kept = append(u.s.kept, r)
	}
}

// forget ends the records of what is not in the stack's design.
func (u *update) forget() {
	u.e.mu.Lock()
	defer u.e.mu.Unlock()
	for id := range u.s.records {
		if !slices.Contains(u.s.order, id) {
			delete(u.s.records, id)
		}
	}
}
