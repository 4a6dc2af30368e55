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
	// shareAttempts bounds the looks at such a share before the message is left to the dead-letter queue.
	shareAttempts = 12
	// serveAtOnce is how many waiting tenants one message serves.
	serveAtOnce = 5
)

// open takes slots for a tenant, or what it holds already, opens them, and records it as ready.
// waiting says that it comes from the waiting list.
func (h *Handler) open(ctx context.Context, t pool.Tenant, waiting bool) error {
	claim, err := h.claim(ctx, t, waiting)
	switch {
	case errors.Is(err, pool.ErrEmpty) && waiting:
		return err
	case errors.Is(err, pool.ErrEmpty), errors.Is(err, pool.ErrQueued):
		return h.wait(ctx, t, err)
	case err != nil:
		return fmt.Errorf("claim slots for tenant %s: %w", t.ID, err)
	}
	if claim.NeedsTending() {
		if err := h.PoolChecks.Send(ctx, events.NewPoolCheck("the shelf of tier "+string(t.Tier)+" runs low"), 0); err != nil {
			return fmt.Errorf("ask for a pool check: %w", err)
		}
	}

	// Everything between the claim and the record of the tenant may be done any number of times: the
	// claim gives the same slots, the vault the same password, and each call sets what it sets.
	t.Share, t.Database = pool.HoldingOf(claim.Share), pool.HoldingOf(claim.Database)
	if err := h.Firewall.Admit(ctx, claim.Share.Access.SecurityGroup, t.Instance, "tenant "+string(t.ID)); err != nil {
		return fmt.Errorf("let the instance of tenant %s in to its gateway: %w", t.ID, err)
	}
	if err := h.Shares.SetClients(ctx, t.Share.Share, []string{t.Instance + "/32"}); err != nil {
		return fmt.Errorf("open the share of tenant %s: %w", t.ID, err)
	}
	if t.Secret, err = h.openDatabase(ctx, t, claim.Database); err != nil {
		return fmt.Errorf("open the database of tenant %s: %w", t.ID, err)
	}

	t.State, t.ReadyAt, t.Due = pool.Ready, h.Now().UTC(), time.Time{}
	t.History = pool.Append(t.History, pool.Entry{At: t.ReadyAt, What: string(pool.Ready), Why: fmt.Sprintf(
		"next in the order of placement: database %s/%d, share %s/%d", t.Database.Host, t.Database.Index, t.Share.Host, t.Share.Index)})
	// Commit point: the tenant has its storage. Killed after this, the next delivery of the message
	// finds it ready and announces it.
	if err := h.Ledger.Ready(ctx, t); errors.Is(err, pool.ErrConflict) {
		if t, err = h.Ledger.Tenant(ctx, t.ID); err != nil {
			return fmt.Errorf("read tenant %s, which somebody else served: %w", t.ID, err)
		}
		if t.State != pool.Ready {
			return fmt.Errorf("record tenant %s as ready: %w", t.ID, pool.ErrConflict)
		}
	} else if err != nil {
		return fmt.Errorf("record tenant %s as ready: %w", t.ID, err)
	}
	return h.announce(ctx, ready(t), t.Share.Share, 1)
}

// claim claims from the shelf; when that is bare it is filled from the reserve first.
func (h *Handler) claim(ctx context.Context, t pool.Tenant, waiting bool) (pool.Claim, error) {
	claim, err := h.Ledger.Claim(ctx, t.Tier, t.ID, h.Now(), waiting)
	if !errors.Is(err, pool.ErrEmpty) {
		return claim, err
	}
	if err := h.Stock.Tend(ctx, t.Tier); err != nil {
		return claim, fmt.Errorf("fill the shelf of tier %s: %w", t.Tier, err)
	}
	return h.Ledger.Claim(ctx, t.Tier, t.ID, h.Now(), waiting)
}

// openDatabase stores the tenant's credentials, then lets its role log in with them. It gives the
// ARN of the secret.
func (h *Handler) openDatabase(ctx context.Context, t pool.Tenant, side pool.Side) (string, error) {
	username, password, err := h.Vault.Master(ctx, side.Access.MasterSecret)
	if err != nil {
		return "", fmt.Errorf("read the master secret of %s: %w", side.Host, err)
	}
	// Commit point: the password is in the vault before the database knows it, so a password that
	// works is never lost.
	credentials, arn, err := h.Vault.Tenant(ctx, string(t.ID), func(password string) events.Credentials {
		return events.Credentials{
			Engine: "postgres", Host: side.Access.Address, Port: side.Access.Port,
			DBName: postgres.Database(side.Offer.Name), Username: postgres.Role(side.Offer.Name), Password: password,
		}
	})
	if err != nil {
		return "", fmt.Errorf("store the credentials: %w", err)
	}
	instance := postgres.Instance{Host: side.Access.Address, Port: side.Access.Port, Username: username, Password: password}
	if err := h.Databases.Open(ctx, instance, side.Offer.Name, credentials.Password); err != nil {
		return "", fmt.Errorf("let the role of %s/%d log in: %w", side.Host, side.Offer.Index, err)
	}
	return arn, nil
}

// announce publishes that a tenant is ready once its share is; until then it asks again by a delayed
// message.
func (h *Handler) announce(ctx context.Context, out events.StorageReady, shareARN string, attempt int) error {
	status, err := h.Shares.Shares(ctx, []string{shareARN})
	if err != nil {
		return fmt.Errorf("look at the share of tenant %s: %w", out.TenantID, err)
	}
	if status[shareARN] != gateway.Available {
		if attempt >= shareAttempts {
			return fmt.Errorf("share of tenant %s is %s after %d looks", out.TenantID, status[shareARN], attempt)
		}
		delay := min(shareWait<<(attempt-1), time.Minute)
		if err := h.Signups.Send(ctx, events.NewFinishSignup(out, shareARN, attempt+1), delay); err != nil {
			return fmt.Errorf("wait for the share of tenant %s: %w", out.TenantID, err)
		}
		return nil
	}
	if err := h.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s is ready: %w", out.TenantID, err)
	}
	h.Metrics.Count(telemetry.SignupsReady, 1)
	h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(out.RequestedAt.Time))
	h.Log.InfoContext(ctx, "storage ready", "tenant", out.TenantID, "database", out.Database.Host, "share", out.Share.Host)
	return nil
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
