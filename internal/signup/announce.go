package signup

import (
	"context"
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
	// shareAttempts bounds the looks at such a share before the message is left to the dead-letter queue.
	shareAttempts = 12
)

// finish announces a tenant that has just been served, and measures how long that took.
func (h *Handler) finish(ctx context.Context, t pool.Tenant, attempt int) error {
	done, err := h.announce(ctx, t, attempt)
	if done {
		h.Metrics.Count(telemetry.SignupsReady, 1)
		h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(t.RequestedAt))
	}
	return err
}

// lookAgain goes on with a tenant whose share was waited for. What is said is what the tenant's record
// says by now, whatever the message carries.
func (h *Handler) lookAgain(ctx context.Context, m events.FinishSignup) error {
	t, err := h.Ledger.Tenant(ctx, pool.TenantID(m.Ready.TenantID))
	if err != nil {
		return fmt.Errorf("read tenant %s, whose share is waited for: %w", m.Ready.TenantID, err)
	}
	if t.State != pool.Ready {
		return fmt.Errorf("tenant %s is %s, and its signup is to be finished: %w", t.ID, t.State, pool.ErrConflict)
	}
	return h.finish(ctx, t, m.Attempt)
}

// repeat announces a tenant that was served before.
func (h *Handler) repeat(ctx context.Context, t pool.Tenant) error {
	_, err := h.announce(ctx, t, 1)
	return err
}

// announce publishes that a tenant is ready once its share serves it; until then it asks again by a
// delayed message. done is false when that is still to come.
func (h *Handler) announce(ctx context.Context, t pool.Tenant, attempt int) (done bool, err error) {
	out := ready(t)
	serves, err := h.Shares.Serves(ctx, t.Share.Share, clients(t))
	if err != nil {
		return false, fmt.Errorf("look at the share of tenant %s: %w", t.ID, err)
	}
	if !serves {
		if attempt >= shareAttempts {
			return false, fmt.Errorf("the share of tenant %s does not serve it after %d looks", t.ID, attempt)
		}
		delay := min(shareWait<<max(0, attempt-1), time.Minute)
		if err := h.Signups.Send(ctx, events.NewFinishSignup(out, t.Share.Share, attempt+1), delay); err != nil {
			return false, fmt.Errorf("wait for the share of tenant %s: %w", t.ID, err)
		}
		return false, nil
	}
	if err := h.Events.Publish(ctx, out); err != nil {
		return false, fmt.Errorf("publish that tenant %s is ready: %w", t.ID, err)
	}
	h.Log.InfoContext(ctx, "storage ready", "tenant", t.ID, "database", t.Database.Host, "share", t.Share.Host)
	return true, nil
}

// clients is the client list of a tenant's share: its instance and nobody else.
func clients(t pool.Tenant) []string { return []string{t.Instance + "/32"} }

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
