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
func (h *Handler) finish(ctx context.Context, out events.StorageReady, shareARN, instance string, attempt int) error {
	done, err := h.announce(ctx, out, shareARN, instance, attempt)
	if done {
		h.Metrics.Count(telemetry.SignupsReady, 1)
		h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(out.RequestedAt.Time))
	}
	return err
}

// repeat announces a tenant that was served before.
func (h *Handler) repeat(ctx context.Context, t pool.Tenant) error {
	_, err := h.announce(ctx, ready(t), t.Share.Share, t.Instance, 1)
	return err
}

// announce publishes that a tenant is ready once its share serves its instance; until then it asks
// again by a delayed message, which carries all that is needed: a share takes seconds to change, and
// reading the tenant again would cost every signup one more request. done is false when the
// announcement is still to come.
func (h *Handler) announce(ctx context.Context, out events.StorageReady, shareARN, instance string, attempt int) (done bool, err error) {
	serves, err := h.Shares.Serves(ctx, shareARN, clients(instance))
	if err != nil {
		return false, fmt.Errorf("look at the share of tenant %s: %w", out.TenantID, err)
	}
	if !serves {
		if attempt >= shareAttempts {
			return false, fmt.Errorf("the share of tenant %s does not serve it after %d looks", out.TenantID, attempt)
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
