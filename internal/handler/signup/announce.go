package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/announce"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	// announceWait is the first wait for a share whose client list has changed; it doubles.
	announceWait = time.Second
	// announceAttempts bounds the attempts, in some six minutes, before the announcement is left to the
	// pool check, which has it made again past a deadline.
	announceAttempts = 12
)

// finish announces a tenant that has just been served, and measures how long that took.
func (h *Handler) finish(ctx context.Context, out events.StorageReady, share pool.ShareRef, instance string, attempt int) error {
	done, err := h.announce(ctx, out, share, instance, attempt)
	if done {
		h.Metrics.Count(telemetry.SignupsReady, 1)
		h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(out.RequestedAt.Time))
	}
	return err
}

// repeat announces a tenant that was served before. One that has a deadline has not been announced yet:
// that was left to the pool check, and is made up for.
func (h *Handler) repeat(ctx context.Context, t pool.Tenant) error {
	share, err := h.shareOf(ctx, t)
	if err != nil {
		return err
	}
	if t.Due.IsZero() {
		_, err := h.announce(ctx, announce.StorageReady(t), share, t.Instance, 1)
		return err
	}
	if err := h.finish(ctx, announce.StorageReady(t), share, t.Instance, 1); err != nil {
		return err
	}
	// Announced, or in the hands of delayed messages, the last of which postpones it again.
	handed := t
	handed.Due = time.Time{}
	if err := h.Ledger.SaveTenant(ctx, t, handed); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("note that tenant %s is announced: %w", t.ID, err)
	}
	return nil
}

// shareOf looks up the share of a tenant that is ready, in the record of its gateway.
func (h *Handler) shareOf(ctx context.Context, t pool.Tenant) (pool.ShareRef, error) {
	host, err := h.Ledger.Host(ctx, t.Share.Host)
	if err != nil {
		return pool.ShareRef{}, fmt.Errorf("read host %s, which has the share of tenant %s: %w", t.Share.Host, t.ID, err)
	}
	share, ok := host.ShareRef(t.Share.Index)
	if !ok {
		return pool.ShareRef{}, fmt.Errorf("look up the share of tenant %s: host %s has none at %d", t.ID, t.Share.Host, t.Share.Index)
	}
	return share, nil
}

// errNotServing means that a share does not serve its tenant yet: it takes some seconds to change.
var errNotServing = errors.New("its share does not serve its instance yet")

// announce publishes that a tenant is ready. What can't be said now is said by a delayed message, which
// carries all that is needed, because reading the tenant again would cost every signup one more request.
// done is false when the announcement is still to come.
func (h *Handler) announce(ctx context.Context, out events.StorageReady, share pool.ShareRef, instance string, attempt int) (done bool, err error) {
	err = h.tellReady(ctx, out, share, instance)
	if err == nil {
		h.Log.InfoContext(ctx, "storage ready", "tenant", out.TenantID, "database", out.Database.Host, "share", out.Share.Host)
		return true, nil
	}
	if !errors.Is(err, errNotServing) {
		h.Log.WarnContext(ctx, "storage ready, and not announced yet", "tenant", out.TenantID, "attempt", attempt, "error", err)
	}
	// Not an error of the message: its deliveries would be used up sooner than the attempts.
	if attempt >= announceAttempts {
		return false, h.postpone(ctx, pool.TenantID(out.TenantID), err)
	}
	delay := min(announceWait<<max(0, attempt-1), time.Minute)
	if err := h.Steps.Send(ctx, events.NewFinishSignup(out, share.Gateway, share.ID, instance, attempt+1), delay); err != nil {
		return false, fmt.Errorf("have tenant %s announced later: %w", out.TenantID, err)
	}
	return false, nil
}

// tellReady publishes that a tenant is ready if its share serves it, else errNotServing.
func (h *Handler) tellReady(ctx context.Context, out events.StorageReady, share pool.ShareRef, instance string) error {
	serves, err := h.Shares.Serves(ctx, share, clients(instance))
	if err != nil {
		return fmt.Errorf("look at the share of tenant %s: %w", out.TenantID, err)
	}
	if !serves {
		return errNotServing
	}
	return h.Announce.StorageReady(ctx, out)
}

// postpone leaves the announcement of a tenant to the pool check. The tenant has its storage; what
// keeps it from being announced, its gateway or the bus, is not the message's affair, and may last.
func (h *Handler) postpone(ctx context.Context, id pool.TenantID, why error) error {
	before, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("read tenant %s, who could not be announced: %w", id, err)
	}
	after, now := before, h.Now().UTC()
	after.Due = now.Add(pool.SignupDeadline)
	after.History = pool.Append(before.History, pool.Entry{At: now, What: "not announced", Why: why.Error()})
	if err := h.Ledger.SaveTenant(ctx, before, after); err != nil {
		return fmt.Errorf("postpone the announcement of tenant %s: %w", id, err)
	}
	h.Log.WarnContext(ctx, "announcement postponed", "tenant", id, "reason", why.Error())
	return nil
}

// clients is the client list of a tenant's share: its instance and nobody else.
func clients(instance string) []string { return []string{instance + "/32"} }
