package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	// serveSeen is how far down the waiting list one message looks.
	serveSeen = 100
	// serveAtOnce is how many waiting tenants one message gives slots to.
	serveAtOnce = 10
	// serveAgain is when a tenant that was given slots, and still waits, is sent its message again.
	serveAgain = time.Minute
)

// wait puts a tenant on its tier's waiting list, says so, and asks for a pool check: hosts may have
// to be ordered, and slots that came in meanwhile are given to it.
func (h *Handler) wait(ctx context.Context, t pool.Tenant, why error) error {
	now := h.Now().UTC()
	t.Due = time.Time{} // the list is what remembers it from here on
	t.History = pool.Append(t.History, pool.Entry{At: now, What: string(pool.Waiting), Why: why.Error()})
	// Commit point: the tenant has its place in the list, and the message may go.
	listed, err := h.Ledger.Enqueue(ctx, t, now)
	if err == nil {
		h.Metrics.Count(telemetry.SignupsWaiting, 1)
		return h.tellWaiting(ctx, listed)
	}
	if !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("put tenant %s on the waiting list: %w", t.ID, err)
	}
	listed, err = h.Ledger.Tenant(ctx, t.ID)
	switch {
	case err != nil:
		return fmt.Errorf("read tenant %s, who moved on: %w", t.ID, err)
	case listed.State == pool.Ready:
		return h.repeat(ctx, listed)
	case listed.State == pool.Waiting:
		return h.tellWaiting(ctx, listed)
	default:
		return fmt.Errorf("put tenant %s on the waiting list: %w", t.ID, pool.ErrConflict)
	}
}

// resume goes on with a tenant that is on the waiting list: slots that it has been given are opened;
// otherwise it still waits, and is told so again.
func (h *Handler) resume(ctx context.Context, t pool.Tenant) error {
	shelf, err := h.Ledger.Shelf(ctx, t.Tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", t.Tier, err)
	}
	if _, held := shelf.Held[t.ID]; held {
		return h.open(ctx, t, true)
	}
	return h.tellWaiting(ctx, t)
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
	return h.ask(ctx, "tenant "+string(t.ID)+" waits")
}

// serve gives slots to the tenants that have waited longest, as long as there are any. It only claims
// them, in the order of the list; opening them is for a message of each tenant's own, so that one
// whose host does not answer holds up nobody behind it. redelivered says that the message was delivered
// before: then it may have been killed between a claim and that tenant's message.
func (h *Handler) serve(ctx context.Context, tier pool.Tier, redelivered bool) error {
	waiters, err := h.Ledger.Waiting(ctx, tier, serveSeen)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	if len(waiters) == 0 {
		return h.reopen(ctx, tier)
	}
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	served := 0
	for _, w := range waiters {
		if served == serveAtOnce {
			if err := h.Steps.Send(ctx, events.NewServeWaiting(string(tier)), 0); err != nil {
				return fmt.Errorf("go on serving the waiting list of tier %s: %w", tier, err)
			}
			return nil
		}
		if hold, held := shelf.Held[w.Tenant]; held && !redelivered && h.Now().Before(hold.At.Add(serveAgain)) {
			continue // its own message is under way
		}
		t, err := h.Ledger.Tenant(ctx, w.Tenant)
		if err != nil {
			return fmt.Errorf("read tenant %s, who waits: %w", w.Tenant, err)
		}
		if t.State != pool.Waiting {
			continue // served since the list was read
		}
		_, err = h.claim(ctx, t, true)
		if errors.Is(err, pool.ErrEmpty) {
			return nil // the pool check sends another message when slots come in
		}
		if err != nil {
			return fmt.Errorf("claim slots for tenant %s, who waits: %w", w.Tenant, err)
		}
		// Killed before this, the message is sent once the hold is older than serveAgain.
		if err := h.Steps.Send(ctx, again(t), 0); err != nil {
			return fmt.Errorf("have the slots of tenant %s opened: %w", w.Tenant, err)
		}
		served++
	}
	return nil
}

// again words a tenant's signup as the message that asked for it.
func again(t pool.Tenant) events.SignupRequested {
	return events.SignupRequested{Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier), InstanceIP: t.Instance}
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
