package instancechange

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

const (
	// reserve is what must be left of the invocation's time to begin another step.
	reserve = 15 * time.Second
	// retryWait is the wait for another try of a step that failed: a service's refusal mostly passes, as of a share that
	// is being changed. What lasts longer is found by the step's deadline, and the last error is in the tenant's record.
	retryWait = 5 * time.Second
	// confirmWait is how long after a change its share is looked at once more: longer than an invocation of this function
	// or of signup lives, so that whoever read the record before the change has done by then what it does.
	confirmWait = 45 * time.Second
)

// machine drives the changes of tenants.
func (h *Handler) machine() lifecycle.Machine[pool.Tenant] {
	m := lifecycle.Tenants(h.Ledger)
	m.Steps = map[pool.Step]lifecycle.Do[pool.Tenant]{
		pool.StepAdmit: h.admit, pool.StepEvict: h.evict, pool.StepChanged: h.tell, pool.StepConfirm: h.confirm,
	}
	m.Retry = func(ctx context.Context, t pool.Tenant, failure error) (time.Duration, bool) {
		h.Log.WarnContext(ctx, "step of a change failed, and is tried again", "tenant", t.ID, "step", t.Step, "error", failure)
		return retryWait, true
	}
	m.Later = h.later
	m.Rested = func(context.Context, pool.Tenant, bool) error { return nil }
	m.Moved = func(ctx context.Context, before, after pool.Tenant) {
		if after.Step != before.Step {
			h.Log.InfoContext(ctx, "change moved on", "tenant", after.ID, "done", before.Step, "next", after.Step, "addresses", after.Addresses)
		}
	}
	m.Time = func(ctx context.Context) bool {
		deadline, ok := ctx.Deadline()
		return !ok || h.Until(deadline) > reserve
	}
	return m
}

// step takes a tenant's step from where a message wants to go on.
func (h *Handler) step(ctx context.Context, s events.Step, redelivered bool) error {
	err := h.machine().Drive(ctx, s.ID, lifecycle.Cursor{Step: pool.Step(s.Step), Try: s.Try, Redelivered: redelivered})
	if errors.Is(err, pool.ErrNotFound) {
		h.Log.InfoContext(ctx, "step of an unknown tenant", "tenant", s.ID)
		return nil
	}
	return err
}

// later has a tenant gone on with by a message.
func (h *Handler) later(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
	if err := h.Steps.Send(ctx, events.NewTenantStep(id, string(at.Step), at.Try), delay); err != nil {
		return fmt.Errorf("have step %s of tenant %s gone on with: %w", at.Step, id, err)
	}
	return nil
}

// next is what a tenant's record becomes. Its share is looked at once more only after a while.
func next(t pool.Tenant) lifecycle.Next[pool.Tenant] {
	n := lifecycle.Next[pool.Tenant]{Record: t}
	if t.Step == pool.StepConfirm {
		n.Wait = confirmWait
	}
	return n
}

// lookAgain has a share looked at again. What could not even be set is set again then.
func (h *Handler) lookAgain(ctx context.Context, t pool.Tenant, why error) (lifecycle.Next[pool.Tenant], error) {
	if ctx.Err() != nil { // with its time over, nothing can be saved or sent
		return lifecycle.Next[pool.Tenant]{}, why
	}
	wait := t.LookWait()
	if !errors.Is(why, access.ErrNotServing) {
		h.Log.WarnContext(ctx, "a share could not be set or looked at, and is again", "tenant", t.ID, "step", t.Step, "error", why)
		t.Progress, wait = t.SetAgain(), retryWait
	}
	return lifecycle.Next[pool.Tenant]{Record: t, Wait: wait, Because: why}, nil
}

// desire sets what the tenant's record desires of its share, at the first look of a round, and looks whether the share
// serves so: access.ErrNotServing when not yet.
func (h *Handler) desire(ctx context.Context, t pool.Tenant) (group string, err error) {
	share, group, err := h.shareOf(ctx, t)
	if err != nil {
		return "", err
	}
	if t.FirstLook() {
		if err := h.Access.Set(ctx, t, share, group); err != nil {
			return group, err
		}
	}
	return group, h.Access.Served(ctx, share, t.Clients())
}

// admit lets in what is coming: a rule in the gateway's group first, then the client list; and looks until the share
// serves it.
func (h *Handler) admit(ctx context.Context, t pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
	if t.FirstLook() {
		// Another wish about an address, which was refused, may have freed it between its registration and its record.
		for _, address := range t.Change.Coming {
			if err := h.Ledger.Register(ctx, address, t.ID); err != nil {
				return h.lookAgain(ctx, t, fmt.Errorf("register an address that comes: %w", err))
			}
		}
	}
	if _, err := h.desire(ctx, t); err != nil {
		return h.lookAgain(ctx, t, err)
	}
	// Commit point: what came is served, and that is to be said before anything else is done. Killed before this, it is
	// looked at again.
	return next(pool.Admitted(t, h.Now())), nil
}

// evict puts out what is going: from the client list first, by which it is out also if it has mounted the share; and
// when the share serves so, from the gateway's group.
func (h *Handler) evict(ctx context.Context, t pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
	if out, changed := pool.GoingOut(t); changed {
		// Commit point: what goes is desired no more. Until here it was served as before.
		return next(out), nil
	}
	group, err := h.desire(ctx, t)
	if err != nil {
		return h.lookAgain(ctx, t, err)
	}
	// Who was late must not take a rule away that the tenant, or the next one on this gateway, has got since.
	now, err := h.Ledger.Tenant(ctx, t.ID)
	if err != nil {
		return lifecycle.Next[pool.Tenant]{}, fmt.Errorf("read tenant %s once more: %w", t.ID, err)
	}
	if now.Version != t.Version {
		return lifecycle.Next[pool.Tenant]{}, fmt.Errorf("put out what goes of tenant %s: %w", t.ID, pool.ErrConflict)
	}
	if err := h.Access.Evict(ctx, group, t.Change.Going); err != nil {
		return lifecycle.Next[pool.Tenant]{}, err
	}
	// Commit point: what went is out. It is still the tenant's in the registry, so that nobody else gets it whose rule
	// would be taken away by doing this again.
	return next(pool.Evicted(t, h.Now())), nil
}

// tell frees the addresses that are out for other tenants, and says what has changed.
func (h *Handler) tell(ctx context.Context, t pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
	for _, address := range t.Change.Evicted {
		if err := h.free(ctx, address, t, h.Ledger.Unregister); err != nil {
			return lifecycle.Next[pool.Tenant]{}, err
		}
	}
	if err := h.freeLater(ctx, t.ID, t.Change.Evicted); err != nil {
		return lifecycle.Next[pool.Tenant]{}, err
	}
	if err := h.Announce.AccessChanged(ctx, t); err != nil {
		return lifecycle.Next[pool.Tenant]{}, err
	}
	h.Log.InfoContext(ctx, "access changed", "tenant", t.ID, "added", t.Change.Admitted, "removed", t.Change.Evicted, "addresses", t.Addresses)
	// Commit point: it is said. Killed before this, it is said again.
	return next(pool.Told(t, h.Now())), nil
}

// confirm looks at the share once more, and sets it again if somebody who was late has set something else.
func (h *Handler) confirm(ctx context.Context, t pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
	share, group, err := h.shareOf(ctx, t)
	if err != nil {
		return lifecycle.Next[pool.Tenant]{}, err
	}
	if err := h.Access.Admit(ctx, t, group); err != nil {
		return lifecycle.Next[pool.Tenant]{}, err
	}
	err = h.Access.Served(ctx, share, t.Clients())
	if errors.Is(err, access.ErrNotServing) && t.FirstLook() {
		h.Log.WarnContext(ctx, "a share was set by somebody who was late, and is set again", "tenant", t.ID)
		if err := h.Access.Set(ctx, t, share, group); err != nil {
			return h.lookAgain(ctx, t, err)
		}
	}
	if err != nil {
		return h.lookAgain(ctx, t, err)
	}
	return next(pool.Confirmed(t, h.Now())), nil
}

// shareOf looks up the share of a tenant that is ready, and the group of its gateway, in the gateway's record.
func (h *Handler) shareOf(ctx context.Context, t pool.Tenant) (share pool.ShareRef, group string, err error) {
	host, err := h.Ledger.Host(ctx, t.Share.Host)
	if err != nil {
		return share, "", fmt.Errorf("read host %s, which has the share of tenant %s: %w", t.Share.Host, t.ID, err)
	}
	share, ok := host.ShareRef(t.Share.Index)
	if !ok {
		return share, "", fmt.Errorf("look up the share of tenant %s: host %s has none at %d", t.ID, t.Share.Host, t.Share.Index)
	}
	return share, host.Access.SecurityGroup, nil
}
