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
func (h *Handler) finish(ctx context.Context, out events.StorageReady, shareARN string, attempt int) error {
	done, err := h.announce(ctx, out, shareARN, attempt)
	if done {
		h.Metrics.Count(telemetry.SignupsReady, 1)
		h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(out.RequestedAt.Time))
	}
	return err
}

// repeat announces a tenant that was served before.
func (h *Handler) repeat(ctx context.Context, t pool.Tenant) error {
	_, err := h.announce(ctx, ready(t), t.Share.Share, 1)
	return err
}

// announce publishes that a tenant is ready once its share is; until then it asks again by a delayed
// message. done is false when that is still to come.
func (h *Handler) announce(ctx context.Context, out events.StorageReady, shareARN string, attempt int) (done bool, err error) {
	status, err := h.Shares.Shares(ctx, []string{shareARN})
	if err != nil {
		return false, fmt.Errorf("look at the share of tenant %s: %w", out.TenantID, err)
	}
	if status[shareARN] != gateway.Available {
		if attempt >= shareAttempts {
			return false, fmt.Errorf("share of tenant %s is %q after %d looks", out.TenantID, status[shareARN], attempt)
		}
		delay := min(shareWait<<max(0, attempt-1), time.Minute)
		if err := h.Signups.Send(ctx, events.NewFinishSignup(out, shareARN, attempt+1), delay); err != nil {
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
