package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// moveOff is a tenant that is to move off a drained host, as the pool check decided. One that is not there any more, or that
// is about something else by now, stays where it is: nobody asked for it, so nothing is refused, and the check decides anew.
func (h *Handler) moveOff(ctx context.Context, d events.Delivery, q events.MoveOff) error {
	t, err := h.Ledger.Tenant(ctx, pool.TenantID(q.TenantID))
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return fmt.Errorf("read tenant %s, which is to move off %s: %w", q.TenantID, q.HostID, err)
	}
	if err != nil || t.State != pool.TenantReady || string(t.Database.Host) != q.HostID {
		return h.moot(ctx, q, "the tenant is not on it any more")
	}
	bad, err := h.lettingIn(ctx, t)
	if err != nil {
		return err
	}
	if bad != nil {
		return h.moot(ctx, q, bad.Reason)
	}
	last, err := h.Ledger.Restoration(ctx, t.ID)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return fmt.Errorf("read the last restoration of tenant %s, which is to move off %s: %w", q.TenantID, q.HostID, err)
	}
	if until := last.Promised(h.Now()); !until.IsZero() {
		return h.moot(ctx, q, fmt.Sprintf("%s may be undone until %s", last.ID(), until.UTC().Format(time.RFC3339)))
	}
	host, err := h.Ledger.Host(ctx, pool.HostID(q.HostID))
	if err != nil {
		return fmt.Errorf("read host %s, which tenant %s is to move off: %w", q.HostID, q.TenantID, err)
	}
	if host.Drained == "" {
		return h.moot(ctx, q, "it is drained no more")
	}
	grace, _, err := h.grace(ctx, "")
	if err != nil {
		return err
	}
	asked := pool.Restoration{
		Move: true, Database: t.Database, Reason: q.Reason, Auto: true, RequestedBy: "the pool check", Message: d.ID, RequestedAt: q.Decided.UTC(), Grace: grace,
	}
	if q.Most != "" {
		if asked.Most, err = time.ParseDuration(q.Most); err != nil {
			return fmt.Errorf("read how long it may be shut out, %q: %w", q.Most, err)
		}
	}
	if bad, err = h.begin(ctx, t, asked, d.Redelivered); err == nil && bad != nil {
		return h.moot(ctx, q, bad.Reason)
	}
	return err
}

// moot notes that nobody is moved off a host by a message.
func (h *Handler) moot(ctx context.Context, q events.MoveOff, why string) error {
	h.Log.InfoContext(ctx, "nobody is moved off a host", "tenant", q.TenantID, "host", q.HostID, "reason", why)
	return nil
}
