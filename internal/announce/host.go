package announce

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// HostOrdered announces a host whose stack was ordered.
func (a *Announcer) HostOrdered(ctx context.Context, h pool.Host) error {
	err := a.Events.Publish(ctx, events.HostOrdered{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		OrderedAt: events.At(h.OrderedAt), Reason: h.Why,
	})
	if err != nil {
		return fmt.Errorf("publish that %s is ordered: %w", h.ID, err)
	}
	a.Metrics.Pool(string(h.Kind), string(h.Tier)).Count(telemetry.HostsOrdered, 1)
	return nil
}

// Host announces a host that is in service or cordoned, asks for a pool check, and ends the host's
// announcement step.
func (a *Announcer) Host(ctx context.Context, h pool.Host) error {
	switch h.State {
	case pool.InService:
		if err := a.inService(ctx, h); err != nil {
			return err
		}
	case pool.Cordoned:
		if err := a.cordoned(ctx, h); err != nil {
			return err
		}
	default:
		return fmt.Errorf("announce host %s: it is %s", h.ID, h.State)
	}
	if err := a.PoolChecks.Send(ctx, events.NewPoolCheck(fmt.Sprintf("host %s is %s", h.ID, h.State)), 0); err != nil {
		return fmt.Errorf("ask for a pool check: %w", err)
	}
	// Commit point: everybody knows, so nobody has to be told again.
	return a.end(ctx, h)
}

func (a *Announcer) inService(ctx context.Context, h pool.Host) error {
	out := events.HostInService{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Slots: len(h.Slots), Reason: h.Why,
	}
	if first(h) {
		lead := h.Since.Sub(h.OrderedAt)
		out.LeadTimeSeconds = int(lead.Seconds())
		a.Metrics.Pool(string(h.Kind), string(h.Tier)).Duration(telemetry.LeadTime, lead)
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that host %s is in service: %w", h.ID, err)
	}
	return nil
}

// first tells whether the state that a host is in is the first after its making.
func first(h pool.Host) bool {
	n := 0
	for _, entry := range h.History {
		if entry.What == string(pool.InService) || entry.What == string(pool.Cordoned) {
			n++
		}
	}
	return n <= 1
}

func (a *Announcer) cordoned(ctx context.Context, h pool.Host) error {
	alarm := ""
	if on := h.Alarmed(); len(on) > 0 {
		alarm = on[0]
	}
	err := a.Events.Publish(ctx, events.HostCordoned{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Alarm: alarm, Reason: h.Why, Since: events.At(h.Since),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s is cordoned: %w", h.ID, err)
	}
	subject := fmt.Sprintf("Headroom %s: host %s is cordoned", a.Stage, h.ID)
	if err := a.Notify.Notify(ctx, subject, a.cordonNotice(h)); err != nil {
		return fmt.Errorf("notify that host %s is cordoned: %w", h.ID, err)
	}
	return nil
}

// HostFailed announces a host whose making failed, with its pool's record after the failure was counted.
func (a *Announcer) HostFailed(ctx context.Context, h pool.Host, r pool.Record) error {
	a.Metrics.Pool(string(h.Kind), string(h.Tier)).Count(telemetry.HostsFailed, 1)
	err := a.Events.Publish(ctx, events.HostFailed{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Reason: h.Why, Failures: r.Failures, NextOrderAfter: events.At(r.BackoffUntil),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s failed: %w", h.ID, err)
	}
	subject := fmt.Sprintf("Headroom %s: host %s could not be made", a.Stage, h.ID)
	if err := a.Notify.Notify(ctx, subject, a.failureNotice(h, r)); err != nil {
		return fmt.Errorf("notify that host %s failed: %w", h.ID, err)
	}
	return nil
}

// HostQuarantined announces a host that was given up.
func (a *Announcer) HostQuarantined(ctx context.Context, h pool.Host) error {
	err := a.Events.Publish(ctx, events.HostQuarantined{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Step: string(h.Stuck), Tries: pool.MaxTries + 1, Reason: h.Why,
	})
	if err != nil {
		return fmt.Errorf("publish that %s is quarantined: %w", h.ID, err)
	}
	subject := fmt.Sprintf("Headroom %s: host %s is quarantined", a.Stage, h.ID)
	if err := a.Notify.Notify(ctx, subject, quarantineNotice(h)); err != nil {
		return fmt.Errorf("notify that %s is quarantined: %w", h.ID, err)
	}
	return nil
}

// attempts bounds how often the end of the step is written when others write the host too.
const attempts = 5

// end ends the announcement step, unless the host has come to another state meanwhile.
func (a *Announcer) end(ctx context.Context, announced pool.Host) error {
	for range attempts {
		before, err := a.Ledger.Host(ctx, announced.ID)
		if err != nil {
			return fmt.Errorf("read host %s: %w", announced.ID, err)
		}
		if before.Step != pool.StepAnnounce || before.State != announced.State || !before.Since.Equal(announced.Since) {
			return nil
		}
		err = a.Ledger.SaveHost(ctx, before, pool.Rest(before), pool.Neutral, a.Now())
		if err == nil {
			return nil
		}
		if !errors.Is(err, pool.ErrConflict) {
			return fmt.Errorf("save host %s: %w", announced.ID, err)
		}
	}
	return fmt.Errorf("save host %s: %w", announced.ID, pool.ErrConflict)
}
