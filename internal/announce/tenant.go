package announce

import (
	"context"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// StorageReady words a tenant that is ready as the event of it; mount are the options with which its client
// mounts the share.
func StorageReady(t pool.Tenant, mount string) events.StorageReady {
	return events.StorageReady{
		Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier),
		RequestedAt: events.At(t.RequestedAt), ReadyAt: events.At(t.ReadyAt),
		Database: events.Database{
			Engine: "postgres", Host: t.Database.Address, Port: t.Database.Port,
			Name: pool.DatabaseName(t.Database.Name), Username: pool.RoleName(t.Database.Name), SecretARN: t.Secret,
		},
		Share: events.Share{Host: t.Share.Address, Path: "/" + t.Share.Name, Options: mount},
	}
}

// StorageReady announces a tenant that is ready, in the words of the function StorageReady, which may
// have been carried by a message since.
func (a *Announcer) StorageReady(ctx context.Context, out events.StorageReady) error {
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s is ready: %w", out.TenantID, err)
	}
	return nil
}

// StorageWaiting announces a tenant that is on the waiting list, with its place there and for how long it waits.
func (a *Announcer) StorageWaiting(ctx context.Context, t pool.Tenant, position int, estimate pool.Estimate) error {
	out := events.StorageWaiting{
		Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier), Position: position,
		Since: events.At(t.RequestedAt), Reason: t.History[len(t.History)-1].Why, Capped: estimate.Capped,
	}
	if estimate.Capped == "" {
		out.Estimate = &events.WaitEstimate{P50Seconds: wholeSeconds(estimate.Median), P90Seconds: wholeSeconds(estimate.Ninety)}
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s waits: %w", t.ID, err)
	}
	return nil
}

// wholeSeconds rounds a duration up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// SignupRejected announces a signup message that was refused, and what is wrong with it. tenantID is
// empty when the message names no tenant.
func (a *Announcer) SignupRejected(ctx context.Context, messageID, tenantID string, bad *events.FieldError) error {
	a.Metrics.Count(telemetry.SignupsRejected, 1)
	err := a.Events.Publish(ctx, events.SignupRejected{
		Version: events.Version, TenantID: tenantID, Field: bad.Field, Reason: bad.Reason, MessageID: messageID,
	})
	if err != nil {
		return fmt.Errorf("publish that a signup was rejected: %w", err)
	}
	return nil
}

// SignupStuck tells a person of a tenant whose signup was sent again too often. There is no event of it.
func (a *Announcer) SignupStuck(ctx context.Context, t pool.Tenant) error {
	return a.tell(ctx, note{
		what: "SignupStuck", tenant: t.ID, reason: t.Error, section: "signup-stuck", next: explainTenant(t.ID),
		subject: fmt.Sprintf("the signup of tenant %s is stuck", t.ID), lines: []string{stuckNotice(t)},
	})
}
