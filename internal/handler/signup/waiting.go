package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	// serveAtOnce is how many waiting tenants one message claims slots for.
	serveAtOnce = 10
	// turnDeadline is how long the slots that a waiting tenant was given may take to be opened. It is
	// short, because the message that asks for it may have got lost with its sender.
	turnDeadline = time.Minute
)

// wait puts a tenant on its tier's waiting list, announces that, and asks for a pool check: hosts may have
// to be ordered, and slots that came in meanwhile are given to it.
func (h *Handler) wait(ctx context.Context, t pool.Tenant, why error) error {
	seq, err := h.Ledger.Draw(ctx, t.Tier, t.ID, len(t.Spent) > 0)
	var listed pool.Tenant
	if err == nil {
		var waits pool.Tenant
		reason, reasonErr := h.whyNone(ctx, t.Tier, why)
		if reasonErr != nil {
			return reasonErr
		}
		if waits, err = pool.MoveTenant(t, pool.TenantWaiting, h.Now().UTC(), reason); err != nil {
			return err
		}
		if waits.Seq == 0 { // one that was given slots which could not be opened keeps its place
			waits.Seq = seq
		}
		// Commit point: the tenant has its place in the list, and the message may go.
		listed, err = h.Ledger.SaveTenant(ctx, t, waits)
	}
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
	case listed.State == pool.TenantReady:
		return h.repeat(ctx, listed, 0)
	case listed.State == pool.TenantWaiting:
		return h.tellWaiting(ctx, listed)
	case listed.State == pool.TenantLeft:
		return nil
	default:
		return fmt.Errorf("put tenant %s on the waiting list: %w", t.ID, pool.ErrConflict)
	}
}

// whyNone words why there is nothing for a tenant: what the shelf said, and what keeps hosts from being ordered where
// none is on its way.
func (h *Handler) whyNone(ctx context.Context, tier pool.Tier, why error) (string, error) {
	reason := why.Error()
	ps, err := h.Policies.Load(ctx)
	if err != nil {
		return "", fmt.Errorf("load the policies: %w", err)
	}
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return "", fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	for _, kind := range pool.Kinds {
		key := pool.Key{Kind: kind, Tier: tier}
		p, ok := ps.Of(key)
		if !ok || len(shelf.Offers(kind)) > 0 {
			continue
		}
		record, err := h.Ledger.Pool(ctx, key)
		if err != nil {
			return "", fmt.Errorf("read pool %s: %w", key, err)
		}
		if c := record.Counters; c.Reserve == 0 && c.Provisioning == 0 {
			if blocked := pool.Blocked(record, p, h.Now()); blocked != "" {
				reason += "; " + blocked
			}
		}
	}
	return reason, nil
}

// stillWaiting tells a tenant that is on the waiting list its place again. One that was given slots, by
// a message that was killed before it took the tenant off the list, goes on with them.
func (h *Handler) stillWaiting(ctx context.Context, t pool.Tenant) error {
	shelf, err := h.Ledger.Shelf(ctx, t.Tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", t.Tier, err)
	}
	if _, held := shelf.Held[t.ID]; !held {
		return h.tellWaiting(ctx, t)
	}
	// A conflict means that another message has taken it off: the next delivery finds it as it is then.
	if t, err = h.takeOff(ctx, t); err != nil {
		return err
	}
	return h.machine().Go(ctx, string(t.ID), t)
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
	estimate, err := h.estimate(ctx, t.Tier, position)
	if err != nil {
		return err
	}
	if err := h.Announce.StorageWaiting(ctx, t, position, estimate); err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "storage waiting", "tenant", t.ID, "tier", t.Tier, "position", position)
	return h.ask(ctx, "tenant "+string(t.ID)+" waits")
}

// serveWaiting claims slots for the tenants that have waited longest, as long as there are any. It only
// claims them, in the order of the list; opening them is for a message of each tenant's own, so that one
// whose host does not answer holds up nobody behind it.
func (h *Handler) serveWaiting(ctx context.Context, tier pool.Tier) error {
	waiters, err := h.Ledger.Waiting(ctx, tier, serveAtOnce)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	served := 0
	for _, w := range waiters {
		claimed, err := h.claimFor(ctx, w.Tenant)
		switch {
		case errors.Is(err, pool.ErrEmpty):
			return nil // the pool check sends another message when slots come in
		case errors.Is(err, pool.ErrBusy):
			return h.serveLater(ctx, tier)
		}
		if err != nil {
			return fmt.Errorf("claim slots for tenant %s, who waits: %w", w.Tenant, err)
		}
		if claimed {
			served++
		}
	}
	if len(waiters) < serveAtOnce {
		return h.reopen(ctx, tier)
	}
	if served == 0 {
		return nil // others serve the list at the same time
	}
	if err := h.Steps.Send(ctx, events.NewServeWaiting(string(tier)), 0); err != nil {
		return fmt.Errorf("go on serving the waiting list of tier %s: %w", tier, err)
	}
	return nil
}

// serveLater has the waiting list of a tier whose shelf is busy gone on with.
func (h *Handler) serveLater(ctx context.Context, tier pool.Tier) error {
	if err := h.askShelf(ctx, tier); err != nil {
		return err
	}
	if err := h.Steps.Send(ctx, events.NewServeWaiting(string(tier)), laterLeast); err != nil {
		return fmt.Errorf("have the waiting list of tier %s served later: %w", tier, err)
	}
	return nil
}

// claimFor claims slots for one tenant on the waiting list, takes the tenant off the list, and has the slots
// opened by a message of its own; false when another message does that.
//
// Killed after the claim, the tenant is still on the list: the next message to serve it finds what it
// holds, and goes on. Killed before the message, the tenant's deadline has one sent.
func (h *Handler) claimFor(ctx context.Context, id pool.TenantID) (bool, error) {
	t, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return false, fmt.Errorf("read the tenant: %w", err)
	}
	ctx = pool.OnThread(ctx, t.History) // not that of who found slots for it
	if t.State != pool.TenantWaiting {
		return false, nil
	}
	if _, err := h.claim(ctx, t, true); err != nil {
		return false, fmt.Errorf("claim slots: %w", err)
	}
	called, err := h.takeOff(ctx, t)
	if errors.Is(err, pool.ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, h.later(ctx, string(id), lifecycle.After(called.Progress), 0)
}

// takeOff takes a tenant that holds slots off the waiting list. From there on it is a signup under way
// like any other, with a deadline, and those behind it do not wait for its host. pool.ErrConflict when
// another message has done it.
func (h *Handler) takeOff(ctx context.Context, t pool.Tenant) (pool.Tenant, error) {
	now := h.Now().UTC()
	called, err := pool.MoveTenant(t, pool.TenantRequested, now, "its turn came on the waiting list")
	if err != nil {
		return pool.Tenant{}, err
	}
	called.Progress = pool.Started(pool.StepOpen, now)
	called.Due = now.Add(turnDeadline)
	if called, err = h.Ledger.SaveTenant(ctx, t, called); err != nil {
		return pool.Tenant{}, fmt.Errorf("take tenant %s off the waiting list: %w", t.ID, err)
	}
	return called, nil
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
