package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// overdueAtOnce bounds how many overdue records one check looks at; the rest is the next one's.
const overdueAtOnce = 25

// retryOverdue has tried again what is past its deadline: hosts whose step was not done, and signups
// that got stuck.
func (h *Handler) retryOverdue(ctx context.Context) error {
	overdue, err := h.Ledger.Due(ctx, h.Now(), overdueAtOnce)
	if err != nil {
		return fmt.Errorf("ask what is overdue: %w", err)
	}
	if len(overdue) == overdueAtOnce {
		h.Log.WarnContext(ctx, "more is overdue than one check looks at", "looked", overdueAtOnce)
	}
	var failures []error
	for _, due := range overdue {
		var err error
		if due.Host != "" {
			err = h.retryHost(ctx, due.Host)
		} else {
			err = h.retryTenant(ctx, due.Tenant)
		}
		// A conflict means that what was overdue has just moved on.
		if err != nil && !errors.Is(err, pool.ErrConflict) && !errors.Is(err, pool.ErrNotFound) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// retryHost has the step of an overdue host tried again, or gives the host up.
func (h *Handler) retryHost(ctx context.Context, id pool.HostID) error {
	host, err := h.Ledger.Host(ctx, id)
	if err != nil {
		return fmt.Errorf("read overdue host %s: %w", id, err)
	}
	now := h.Now()
	after, changed, err := pool.Overdue(host, now)
	if err != nil || !changed {
		return err
	}
	outcome := pool.Neutral
	if after.State == pool.Quarantined && host.State.Making() {
		outcome = pool.Failed // the next one would most likely get stuck as well: wait with it
	}
	// Commit point: the try is counted before it is made, so that a step which kills its caller does
	// not run for ever. A host is quarantined from here on, and that is said once it is so.
	if err := h.Ledger.SaveHost(ctx, host, after, outcome, now); err != nil {
		return fmt.Errorf("record that %s is overdue: %w", id, err)
	}
	switch {
	case after.State == pool.Quarantined:
		return h.announceQuarantine(ctx, id)
	case after.Step == pool.StepOrder:
		if after, err = h.Ledger.Host(ctx, id); err != nil {
			return fmt.Errorf("read overdue host %s: %w", id, err)
		}
		return h.createStack(ctx, after)
	default:
		if err := h.HostEvents.Send(ctx, events.NewHostStep(string(id), string(after.Step), after.Count+1), 0); err != nil {
			return fmt.Errorf("have step %s of %s tried again: %w", after.Step, id, err)
		}
		return nil
	}
}

// retryTenant sends a signup again that is stuck, or whose storage is ready and could not be announced;
// after pool.MaxTries a person is told.
func (h *Handler) retryTenant(ctx context.Context, id pool.TenantID) error {
	t, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("read overdue tenant %s: %w", id, err)
	}
	now := h.Now()
	if t.Due.IsZero() || now.Before(t.Due) {
		return nil
	}
	after := t
	if t.Tries >= pool.MaxTries {
		after.Due = time.Time{}
		after.History = pool.Append(t.History, pool.Entry{At: now, What: "given up", Why: "sent again too often"})
		if err := h.Announce.SignupStuck(ctx, t); err != nil {
			return err
		}
		return h.saveTenant(ctx, t, after)
	}
	after.Tries++
	after.Due = now.Add(pool.SignupDeadline)
	after.History = pool.Append(t.History, pool.Entry{At: now, What: "retry", Why: "the signup was not done by its deadline"})
	if err := h.saveTenant(ctx, t, after); err != nil {
		return err
	}
	err = h.Signups.Send(ctx, events.SignupRequested{
		Version: events.Version, TenantID: string(id), Tier: string(t.Tier), InstanceIP: t.Instance,
	}, 0)
	if err != nil {
		return fmt.Errorf("send the signup of %s again: %w", id, err)
	}
	return nil
}

func (h *Handler) saveTenant(ctx context.Context, before, after pool.Tenant) error {
	if err := h.Ledger.SaveTenant(ctx, before, after); err != nil {
		return fmt.Errorf("record that tenant %s is overdue: %w", before.ID, err)
	}
	return nil
}
