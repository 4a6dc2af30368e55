// Package signup gives a new tenant its database and its share: it claims a slot of each, opens
// them, records the tenant and announces where to connect. A tenant for whom nothing is ready waits on a
// durable list.
package signup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type ledger interface {
	Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error)
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, at time.Time, waiting bool) (pool.Claim, error)
	Ready(ctx context.Context, t pool.Tenant) error
	SaveTenant(ctx context.Context, before, after pool.Tenant) error
	Enqueue(ctx context.Context, t pool.Tenant, at time.Time) (pool.Tenant, error)
	Dequeue(ctx context.Context, t pool.Tenant) (pool.Tenant, error)
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Unqueue(ctx context.Context, tier pool.Tier, queue int64) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
}

// shelves fills a tier's shelf from the reserve.
type shelves interface {
	Tend(ctx context.Context, tier pool.Tier) error
}

type policies interface {
	Load(ctx context.Context) (pool.Policies, error)
}

// vault keeps tenants' credentials: it makes them the first time it is asked for a tenant, returns the
// same ones ever after, and answers pool.ErrOtherDatabase when they are wanted for another database.
type vault interface {
	Tenant(ctx context.Context, tenantID string, fill func(password string) events.Credentials) (events.Credentials, string, error)
	Master(ctx context.Context, arn string) (username, password string, err error)
}

// databases opens a tenant's database on an instance.
type databases interface {
	Open(ctx context.Context, login pool.Login, name, password string) error
}

// shares opens a share to exactly the given clients, and reports when it serves them.
type shares interface {
	SetClients(ctx context.Context, share pool.ShareRef, clients []string) error
	Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error
	Serves(ctx context.Context, share pool.ShareRef, clients []string) (bool, error)
}

// firewall lets an address in to a gateway.
type firewall interface {
	Admit(ctx context.Context, groupID, address, description string) error
}

type announcer interface {
	StorageReady(ctx context.Context, out events.StorageReady) error
	StorageWaiting(ctx context.Context, t pool.Tenant, position int) error
	SignupRejected(ctx context.Context, messageID, tenantID string, bad *events.FieldError) error
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
	Ledger     ledger
	Shelf      shelves
	Policies   policies
	Vault      vault
	Databases  databases
	Shares     shares
	Firewall   firewall
	Announce   announcer
	Steps      sender         // the queue of Headroom's own messages, for what has to wait
	StepsQueue string         // its name: messages of Headroom's own kinds are taken from nowhere else
	PoolChecks sender         // asks for a pool check
	Refused    keeper         // the dead-letter queue
	Networks   []netip.Prefix // where customers' instances may live
	Metrics    telemetry.Recorder
	Log        *slog.Logger
	Now        func() time.Time
}

// Handler handles the messages of the signup queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Shelf == nil || c.Policies == nil || c.Vault == nil || c.Databases == nil ||
		c.Shares == nil || c.Firewall == nil || c.Announce == nil || c.Steps == nil || c.StepsQueue == "" || c.PoolChecks == nil ||
		c.Refused == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("signup: every field of Config is required")
	}
	if len(c.Networks) == 0 {
		return nil, errors.New("signup: Networks is empty: no instance could ever sign up")
	}
	return &Handler{c}, nil
}

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	kind := events.TypeOf([]byte(d.Body))
	if kind != events.TypeSignupRequested && d.Queue != h.StepsQueue {
		// Those who may sign tenants up must not be able to say that their storage is ready.
		return h.refuse(ctx, d, "", &events.FieldError{Field: "type", Reason: "is none that may be sent to this queue"})
	}
	switch kind {
	case events.TypeSignupRequested:
		return h.request(ctx, d)
	case events.TypeFinishSignup:
		var finish events.FinishSignup
		if err := json.Unmarshal([]byte(d.Body), &finish); err != nil {
			return fmt.Errorf("read a %s message: %w", kind, err)
		}
		share := pool.ShareRef{Gateway: finish.Gateway, ID: finish.ShareID}
		return h.finish(ctx, finish.Ready, share, finish.Instance, finish.Attempt)
	case events.TypeServeWaiting:
		var serve events.ServeWaiting
		if err := json.Unmarshal([]byte(d.Body), &serve); err != nil {
			return fmt.Errorf("read a %s message: %w", kind, err)
		}
		return h.serveWaiting(ctx, pool.Tier(serve.Tier))
	default:
		return h.refuse(ctx, d, "", &events.FieldError{Field: "type", Reason: "is unknown"})
	}
}

// request is a signup from outside.
func (h *Handler) request(ctx context.Context, d events.Delivery) error {
	request, err := h.check(ctx, d)
	var bad *events.FieldError
	if errors.As(err, &bad) {
		return h.refuse(ctx, d, request.TenantID, bad)
	}
	if err != nil {
		return err
	}
	now := h.Now()
	at := d.SentAt
	if at.IsZero() {
		at = now
	}
	// Commit point: the tenant is known. From here on the signup is finished by the first of these:
	// this invocation, the message's next delivery, or the pool check past the deadline.
	tenant, fresh, err := h.Ledger.Request(ctx, pool.Tenant{
		ID: pool.TenantID(request.TenantID), Tier: pool.Tier(request.Tier), Instance: request.InstanceIP,
		State: pool.Requested, RequestedAt: at.UTC(), Due: now.Add(pool.SignupDeadline),
		History: []pool.Entry{{At: at.UTC(), What: string(pool.Requested), Why: "signup message " + d.ID}},
	})
	if err != nil {
		return fmt.Errorf("record tenant %s: %w", request.TenantID, err)
	}
	if fresh {
		return h.open(ctx, tenant)
	}
	if bad := differs(tenant, request); bad != nil {
		return h.refuse(ctx, d, request.TenantID, bad)
	}
	return h.resume(ctx, tenant)
}

// resume goes on with a signup from where its tenant's record says that it is.
func (h *Handler) resume(ctx context.Context, t pool.Tenant) error {
	switch t.State {
	case pool.Ready:
		return h.repeat(ctx, t)
	case pool.Waiting:
		return h.stillWaiting(ctx, t)
	default:
		return h.open(ctx, t)
	}
}

// check reads a signup message; what is wrong with it is a *events.FieldError.
func (h *Handler) check(ctx context.Context, d events.Delivery) (events.SignupRequested, error) {
	request, err := events.ParseSignupRequested([]byte(d.Body))
	if err != nil {
		return request, err
	}
	ps, err := h.Policies.Load(ctx)
	if err != nil {
		return request, fmt.Errorf("load the policies: %w", err)
	}
	if !ps.Serves(pool.Tier(request.Tier)) {
		return request, &events.FieldError{Field: "tier", Reason: "is served by no pool"}
	}
	address, err := netip.ParseAddr(request.InstanceIP)
	if err != nil {
		return request, &events.FieldError{Field: "instanceIp", Reason: "is no IP address"}
	}
	var networks []string
	for _, network := range h.Networks {
		if network.Contains(address) {
			return request, nil
		}
		networks = append(networks, network.String())
	}
	return request, &events.FieldError{Field: "instanceIp", Reason: "is in none of the networks where instances live: " + strings.Join(networks, ", ")}
}

// differs returns the field in which a repeated signup differs from the first.
func differs(t pool.Tenant, r events.SignupRequested) *events.FieldError {
	switch {
	case t.Instance != r.InstanceIP:
		return &events.FieldError{Field: "instanceIp", Reason: "is another address than the one this tenant signed up with"}
	case string(t.Tier) != r.Tier:
		return &events.FieldError{Field: "tier", Reason: "is another tier than the one this tenant signed up for"}
	}
	return nil
}

// refuse keeps a bad message in the dead-letter queue and announces what is wrong with it.
func (h *Handler) refuse(ctx context.Context, d events.Delivery, tenantID string, bad *events.FieldError) error {
	// Commit point: the message is kept before it leaves the queue. Killed after this, its next
	// delivery keeps it twice, which loses nothing.
	if err := h.Refused.SendRaw(ctx, d.Body, map[string]string{"field": bad.Field, "reason": bad.Reason}); err != nil {
		return fmt.Errorf("keep a refused message: %w", err)
	}
	h.Log.WarnContext(ctx, "signup rejected", "messageId", d.ID, "tenant", tenantID, "field", bad.Field, "reason", bad.Reason)
	return h.Announce.SignupRejected(ctx, d.ID, tenantID, bad)
}
