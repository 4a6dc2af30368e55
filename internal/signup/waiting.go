package signup

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// wait puts a tenant on its tier's waiting list, says so, and asks for a pool check: hosts may have
// to be ordered, and slots that came in meanwhile are given to it.
func (h *Handler) wait(ctx context.Context, t pool.Tenant, why error) error {
	now := h.Now().UTC()
	t.History = pool.Append(t.History, pool.Entry{At: now, What: string(pool.Waiting), Why: why.Error()})
	// Commit point: the tenant has its place in the list, and the message may go.
	listed, err := h.Ledger.Enqueue(ctx, t, now)
	if errors.Is(err, pool.ErrConflict) {
		if listed, err = h.Ledger.Tenant(ctx, t.ID); err == nil && listed.State == pool.Ready {
			return h.announce(ctx, ready(listed), listed.Share.Share, 1)
		}
	} else if err == nil {
		h.Metrics.Count(telemetry.SignupsWaiting, 1)
	}
	if err != nil {
		return fmt.Errorf("put tenant %s on the waiting list: %w", t.ID, err)
	}
	return h.tellWaiting(ctx, listed)
}

// tellWaiting publishes a tenant's place on the waiting list and asks for a pool check.
func (h *Handler) tellWaiting(ctx context.Context, t pool.Tenant) error {
	first, err := h.Ledger.Waiting(ctx, t.Tier, 1)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", t.Tier, err)
	}
	position := 1
	if len(first) > 0 {
		position = pool.Position(t.Seq, first[0].Seq)
	}
	err = h.Events.Publish(ctx, events.StorageWaiting{
		Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier), Position: position,
		Since: events.At(t.RequestedAt), Reason: t.History[len(t.History)-1].Why,
	})
	if err != nil {
		return fmt.Errorf("publish that tenant %s waits: %w", t.ID, err)
	}
	h.Log.InfoContext(ctx, "storage waiting", "tenant", t.ID, "tier", t.Tier, "position", position)
	if err := h.PoolChecks.Send(ctx, events.NewPoolCheck("tenant "+string(t.ID)+" waits"), 0); err != nil {
		return fmt.Errorf("ask for a pool check: %w", err)
	}
	return nil
}

// serve gives slots to the tenants that have waited longest, as long as there are any. One tenant
// that fails does not hold up those behind it.
func (h *Handler) serve(ctx context.Context, tier pool.Tier) error {
	waiters, err := h.Ledger.Waiting(ctx, tier, serveAtOnce)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	if len(waiters) == 0 {
		return h.reopen(ctx, tier)
	}
	var failures []error
	for _, w := range waiters {
		t, err := h.Ledger.Tenant(ctx, w.Tenant)
		if err == nil {
			err = h.open(ctx, t, true)
		}
		if errors.Is(err, pool.ErrEmpty) {
			return errors.Join(failures...) // the pool check sends another message when slots come in
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("serve tenant %s from the waiting list: %w", w.Tenant, err))
		}
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	if err := h.Signups.Send(ctx, events.NewServeWaiting(string(tier)), 0); err != nil {
		return fmt.Errorf("go on serving the waiting list of tier %s: %w", tier, err)
	}
	return nil
}

// reopen lets newcomers claim again once nobody waits. A tenant that joins the list at the same time
// draws a new number, and the condition on the number keeps the shelf closed for it.
func (h *Handler) reopen(ctx context.Context, tier pool.Tier) error {
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	if shelf.Queue == 0 {
		return nil
	}
	waiters, err := h.Ledger.Waiting(ctx, tier, 1)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	if len(waiters) > 0 {
		return nil
	}
	if err := h.Ledger.Unqueue(ctx, tier, shelf.Queue); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("open the shelf of tier %s to newcomers: %w", tier, err)
	}
	return nil
}
