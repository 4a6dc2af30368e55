package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/gateway"
	"headroom/internal/pool"
	"headroom/internal/postgres"
	"headroom/internal/telemetry"
)

const (
	// shareWait is the first wait for a share whose client list has changed; it doubles.
	shareWait = time.Second
	// shareAttempts bounds the looks at such a share, in some six minutes, before that is left to the
	// pool check, which has the tenant announced again past a deadline.
	shareAttempts = 12
)

// finish announces a tenant that has just been served, and measures how long that took.
func (h *Handler) finish(ctx context.Context, out events.StorageReady, shareARN, instance string, attempt int) error {
	done, err := h.announce(ctx, out, shareARN, instance, attempt)
	if done {
		h.Metrics.Count(telemetry.SignupsReady, 1)
		h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(out.RequestedAt.Time))
	}
	return err
}

// repeat announces a tenant that was served before. One that has a deadline has not been announced yet:
// that was left to the pool check, and is made up for.
func (h *Handler) repeat(ctx context.Context, t pool.Tenant) error {
	if t.Due.IsZero() {
		_, err := h.announce(ctx, ready(t), t.Share.Share, t.Instance, 1)
		return err
	}
	if err := h.finish(ctx, ready(t), t.Share.Share, t.Instance, 1); err != nil {
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

// announce publishes that a tenant is ready once its share serves its instance; until then it asks
// again by a delayed message, which carries all that is needed: a share takes seconds to change, and
// reading the tenant again would cost every signup one more request. done is false when the
// announcement is still to come.
func (h *Handler) announce(ctx context.Context, out events.StorageReady, shareARN, instance string, attempt int) (done bool, err error) {
	serves, err := h.Shares.Serves(ctx, shareARN, clients(instance))
	if err != nil {
		// A gateway that can't be asked is one that does not serve yet: the looks are bounded, the
		// deliveries of one message would be used up sooner.
		h.Log.WarnContext(ctx, "share not looked at", "tenant", out.TenantID, "attempt", attempt, "error", err)
	}
	if err != nil || !serves {
		if attempt >= shareAttempts {
			return false, h.postpone(ctx, pool.TenantID(out.TenantID))
		}
		delay := min(shareWait<<max(0, attempt-1), time.Minute)
		if err := h.Steps.Send(ctx, events.NewFinishSignup(out, shareARN, instance, attempt+1), delay); err != nil {
			return false, fmt.Errorf("wait for the share of tenant %s: %w", out.TenantID, err)
		}
		return false, nil
	}
	if err := h.Events.Publish(ctx, out); err != nil {
		return false, fmt.Errorf("publish that tenant %s is ready: %w", out.TenantID, err)
	}
	h.Log.InfoContext(ctx, "storage ready", "tenant", out.TenantID, "database", out.Database.Host, "share", out.Share.Host)
	return true, nil
}

// postpone leaves the announcement of a tenant to the pool check. The tenant has its storage; that its
// share does not serve it is the gateway's trouble, and may last.
func (h *Handler) postpone(ctx context.Context, id pool.TenantID) error {
	before, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("read tenant %s, whose share does not serve it: %w", id, err)
	}
	after, now := before, h.Now().UTC()
	after.Due = now.Add(pool.SignupDeadline)
	after.History = pool.Append(before.History, pool.Entry{At: now, What: "not announced", Why: "its share does not serve its instance yet"})
	if err := h.Ledger.SaveTenant(ctx, before, after); err != nil {
		return fmt.Errorf("postpone the announcement of tenant %s: %w", id, err)
	}
	h.Log.WarnContext(ctx, "storage ready, and not announced yet", "tenant", id)
	return nil
}

// clients is the client list of a tenant's share: its instance and nobody else.
func clients(instance string) []string { return []string{instance + "/32"} }

// ready words a tenant that is ready as the event that says so.
func ready(t pool.Tenant) events.StorageReady {
	return events.StorageReady{
		Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier),
		RequestedAt: events.At(t.RequestedAt), ReadyAt: events.At(t.ReadyAt),
		Database: events.Database{
			Engine: "postgres", Host: t.Database.Address, Port: t.Database.Port,
			Name: postgres.Database(t.Database.Name), Username: postgres.Role(t.Database.Name), SecretARN: t.Secret,
		},
		Share: events.Share{Host: t.Share.Address, Path: "/" + t.Share.Name, Options: gateway.MountOptions},
	}
}
