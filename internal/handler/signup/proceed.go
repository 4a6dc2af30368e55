package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// reserve is what must be left of the invocation's time to begin another step.
const reserve = 5 * time.Second

// machine drives tenants. StepReport is the pool check's.
func (h *Handler) machine() lifecycle.Machine[pool.Tenant] {
	m := lifecycle.Tenants(h.Ledger)
	m.Steps = map[pool.Step]lifecycle.Do[pool.Tenant]{pool.StepOpen: h.openStep, pool.StepServe: h.serve}
	m.Later, m.Rested = h.later, h.rested
	m.Moved = func(context.Context, pool.Tenant, pool.Tenant) {}
	m.Time = func(ctx context.Context) bool {
		deadline, ok := ctx.Deadline()
		return !ok || h.Until(deadline) > reserve
	}
	return m
}

// step takes a tenant's step from where a message wants to go on.
func (h *Handler) step(ctx context.Context, s events.Step, redelivered bool) error {
	if s.Announce != nil {
		return h.finish(ctx, *s.Announce, s.Try)
	}
	err := h.machine().Drive(ctx, s.ID, lifecycle.Cursor{Step: pool.Step(s.Step), Try: s.Try, Redelivered: redelivered})
	if err == nil && redelivered {
		err = h.changedSince(ctx, pool.TenantID(s.ID))
	}
	if errors.Is(err, pool.ErrNotFound) {
		h.Log.InfoContext(ctx, "step of an unknown tenant", "tenant", s.ID)
		return nil
	}
	return err
}

// changedSince announces a tenant once more whose signup may have been cut short after it was recorded as ready, and whose
// addresses are being changed by now: its step is another function's, which knows of no announcement that is owed.
func (h *Handler) changedSince(ctx context.Context, id pool.TenantID) error {
	t, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("look whether tenant %s is to be announced: %w", id, err)
	}
	if t.State != pool.TenantReady || !t.Step.OfChange() {
		return nil
	}
	return h.repeat(ctx, t, 0)
}

// rested announces a tenant that is ready once more, if the message that made it so was cut short after that.
func (h *Handler) rested(ctx context.Context, t pool.Tenant, moved bool) error {
	if moved || t.State != pool.TenantReady {
		return nil
	}
	return h.repeat(ctx, t, 0)
}

// later has a tenant gone on with by a message.
func (h *Handler) later(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
	if err := h.Steps.Send(ctx, events.NewTenantStep(id, string(at.Step), at.Try), delay); err != nil {
		return fmt.Errorf("have step %s of tenant %s gone on with: %w", at.Step, id, err)
	}
	return nil
}

// begin begins a tenant's step anew, with all its tries.
func (h *Handler) begin(ctx context.Context, t pool.Tenant, step pool.Step) (pool.Tenant, error) {
	begun := t.Clone()
	begun.Progress = pool.Started(step, h.Now())
	return h.save(ctx, t, begun)
}

// save saves a tenant whose step is begun anew.
func (h *Handler) save(ctx context.Context, t, begun pool.Tenant) (pool.Tenant, error) {
	saved, err := h.Ledger.SaveTenant(ctx, t, begun)
	if err != nil {
		return t, fmt.Errorf("begin step %s of tenant %s anew: %w", begun.Step, t.ID, err)
	}
	return saved, nil
}
