// Package instancechange replaces the addresses that reach a tenant's share, because its application server moves: what
// comes is let in, and is said to be served once it is; then what goes is put out, and is said to be out once it is.
// All of it stands in the tenant's record, so that it is gone on with wherever it was cut short.
package instancechange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

type store interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
	Register(ctx context.Context, address string, tenant pool.TenantID) error
	Unregister(ctx context.Context, address string, seen pool.Tenant) error
	Disown(ctx context.Context, address string, t pool.Tenant) error
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
}

type policies interface {
	Terms(ctx context.Context) (pool.Terms, error)
}

// accesses sets who may reach a share, and looks whether it is so: access.ErrNotServing when not yet.
type accesses interface {
	Set(ctx context.Context, t pool.Tenant, share pool.ShareRef, group string) error
	Admit(ctx context.Context, t pool.Tenant, group string) error
	Evict(ctx context.Context, group string, addresses []string) error
	Served(ctx context.Context, share pool.ShareRef, clients []string) error
}

type announcer interface {
	AccessChanged(ctx context.Context, t pool.Tenant) error
	RequestRejected(ctx context.Context, kind, messageID, tenantID string, bad *events.FieldError) error
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// keeper keeps a message that was refused.
type keeper interface {
	SendRaw(ctx context.Context, body string, attributes map[string]string) error
}

// Config is what a Handler is built from. All fields are required.
type Config struct {
	Ledger     store
	Policies   policies
	Access     accesses
	Announce   announcer
	Steps      sender        // the queue of Headroom's own messages, for what has to wait
	StepsQueue string        // its name: messages of Headroom's own kinds are taken from nowhere else
	Refused    keeper        // the dead-letter queue
	Networks   pool.Networks // where customers' instances may live
	Log        *slog.Logger
	Now        func() time.Time
	Until      func(time.Time) time.Duration // how much is left until the deadline of an invocation, which need not be by Now
}

// Handler handles the messages of the instance change queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Policies == nil || c.Access == nil || c.Announce == nil || c.Steps == nil || c.StepsQueue == "" ||
		c.Refused == nil || c.Log == nil || c.Now == nil || c.Until == nil {
		return nil, errors.New("instancechange: every field of Config is required")
	}
	if len(c.Networks.Instances) == 0 {
		return nil, errors.New("instancechange: Networks is empty: no address could ever be let in")
	}
	return &Handler{c}, nil
}

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	kind := events.TypeOf([]byte(d.Body))
	switch {
	case kind == events.TypeStep && d.Queue == h.StepsQueue:
		var step events.Step
		if err := events.Decode([]byte(d.Body), &step); err != nil {
			return fmt.Errorf("read a step: %w", err)
		}
		return h.step(ctx, step, d.Redelivered)
	case kind == events.TypeAddressRelease && d.Queue == h.StepsQueue:
		var release events.AddressRelease
		if err := events.Decode([]byte(d.Body), &release); err != nil {
			return fmt.Errorf("read a release of addresses: %w", err)
		}
		return h.release(ctx, pool.TenantID(release.TenantID), release.Addresses)
	}
	// One of these from anywhere else is no request either, and refused as such.
	return h.request(ctx, d)
}
