package announce

import (
	"context"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/ledger"
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

// Host announces what a host has come to, and has the host go on (pool.Onward). For a host that went into
// or out of service, or was retired, it asks for a pool check. A host whose making failed is announced by HostFailed, because more
// is to be done about it.
func (a *Announcer) Host(ctx context.Context, h pool.Host) error {
	announce := map[pool.HostState]func(context.Context, pool.Host) error{
		pool.HostInService:   a.inService,
		pool.HostCordoned:    a.cordoned,
		pool.HostQuarantined: a.quarantined,
		pool.HostLost:        a.lost,
		pool.HostDeleted:     a.deleted,
	}[h.State]
	if announce == nil {
		return fmt.Errorf("announce host %s: it is %s", h.ID, h.State)
	}
	if err := announce(ctx, h); err != nil {
		return err
	}
	if h.State == pool.HostInService || h.State == pool.HostCordoned || h.State == pool.HostLost || h.State == pool.HostDeleted && !h.Retire.At.IsZero() {
		if err := a.PoolChecks.Send(ctx, events.NewPoolCheck(fmt.Sprintf("host %s is %s", h.ID, h.State)), 0); err != nil {
			return fmt.Errorf("ask for a pool check: %w", err)
		}
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
		lead := h.Since.Sub(h.DecidedAt)
		out.LeadTimeSeconds = int(lead.Seconds())
		a.Metrics.Pool(string(h.Kind), string(h.Tier)).Duration(telemetry.LeadTime, lead)
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that host %s is in service: %w", h.ID, err)
	}
	if first(h) {
		return nil // nobody was told of it before
	}
	if alone, err := a.home(ctx, h); err != nil || !alone {
		return err
	}
	return a.tell(ctx, note{
		what: "HostInService", host: h.ID, reason: h.Why, next: showHost(h.ID),
		subject: fmt.Sprintf("host %s is back in service", h.ID), lines: backNotice(h),
	})
}

// first reports whether the state that a host is in is the first after its making.
func first(h pool.Host) bool {
	n := 0
	for _, entry := range h.History {
		if entry.What == string(pool.HostInService) || entry.What == string(pool.HostCordoned) {
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
	if alone, err := a.alone(ctx, h); err != nil || !alone {
		return err
	}
	use, unread := a.usage(ctx, h)
	return a.tell(ctx, note{
		what: "HostCordoned", page: h.OutOfReach(a.Now()), host: h.ID, reason: h.Why, section: runbookOf(h), next: showHost(h.ID), tenants: use,
		subject: fmt.Sprintf("host %s is cordoned", h.ID), lines: a.cordonNotice(h, use, unread),
	})
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
	return a.tell(ctx, note{
		what: "HostFailed", host: h.ID, reason: h.Why, section: "orders-fail", next: "headroom pool show " + string(r.Key.Kind) + "-" + string(r.Key.Tier),
		subject: fmt.Sprintf("host %s could not be made", h.ID), lines: a.failureNotice(h, r),
	})
}

func (a *Announcer) quarantined(ctx context.Context, h pool.Host) error {
	err := a.Events.Publish(ctx, events.HostQuarantined{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Step: string(h.Stuck), Tries: pool.MaxTries + 1, Reason: h.Why,
	})
	if err != nil {
		return fmt.Errorf("publish that %s is quarantined: %w", h.ID, err)
	}
	return a.tell(ctx, note{
		what: "HostQuarantined", host: h.ID, reason: h.Why, section: "hosts-quarantined", next: showHost(h.ID),
		subject: fmt.Sprintf("host %s is quarantined", h.ID), lines: quarantineNotice(h),
	})
}

// lost announces a host whose stack was deleted by somebody else, with the tenants that it had.
func (a *Announcer) lost(ctx context.Context, h pool.Host) error {
	err := a.Events.Publish(ctx, events.HostLost{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Reason: h.Why, Since: events.At(h.Since), Tenants: tenantsOf(h),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s is lost: %w", h.ID, err)
	}
	page, section := len(tenantsOf(h)) > 0, "inventory-differs"
	if page {
		section = "inventory-grave"
		a.Metrics.Gauge(telemetry.InventoryGrave, 1)
	}
	return a.tell(ctx, note{
		what: "HostLost", page: page, host: h.ID, reason: h.Why, section: section, next: showHost(h.ID), subject: fmt.Sprintf("host %s is lost", h.ID), lines: lostNotice(h),
	})
}

// tenantsOf names the tenants that a host's slots are assigned to, in the order of the slots.
func tenantsOf(h pool.Host) []string {
	tenants := []string{}
	for _, slot := range h.Slots {
		if slot.State == pool.SlotAssigned {
			tenants = append(tenants, string(slot.Tenant))
		}
	}
	return tenants
}

// deleted announces an order that came to nothing and that nobody has heard of yet: its name is somebody else's,
// it made no stack, or that its making failed could not be told before its stack was deleted.
func (a *Announcer) deleted(ctx context.Context, h pool.Host) error {
	if !h.Retire.At.IsZero() {
		return a.retired(ctx, h)
	}
	what, why, notice := "is passed over", h.Why, passedOverNotice
	switch {
	case h.Untold:
		what, why, notice = "could not be made", failure(h), untoldNotice
	case h.Stuck == pool.StepOrder:
		what, notice = "could not be ordered", orderNotice
	}
	err := a.Events.Publish(ctx, events.HostFailed{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Reason: why, NextOrderAfter: events.At(h.Since),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s %s: %w", h.ID, what, err)
	}
	return a.tell(ctx, note{
		what: "HostFailed", host: h.ID, reason: why, section: "orders-fail", next: showHost(h.ID),
		subject: fmt.Sprintf("host %s %s", h.ID, what), lines: notice(h),
	})
}

// failure is why the making of a host failed, by its history.
func failure(h pool.Host) string {
	for _, entry := range slices.Backward(h.History) {
		if entry.What == string(pool.HostDeleting) {
			return entry.Why
		}
	}
	return h.Why
}

// end ends the announcement step, unless the host has come to another state meanwhile.
func (a *Announcer) end(ctx context.Context, announced pool.Host) error {
	_, _, err := ledger.UpdateHost(ctx, a.Ledger, announced.ID, a.Now(), func(h pool.Host) (pool.Host, pool.Outcome, error) {
		if h.Step != pool.StepAnnounce || h.State != announced.State || !h.Since.Equal(announced.Since) {
			return h, pool.Neutral, ledger.ErrUnchanged
		}
		h.Untold = false
		return pool.Onward(h, a.Now()), pool.Neutral, nil
	})
	if err != nil {
		return fmt.Errorf("record that host %s is announced: %w", announced.ID, err)
	}
	return nil
}
