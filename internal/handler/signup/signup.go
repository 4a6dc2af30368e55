// Package signup gives a new tenant its database and its share: it claims a slot of each, opens
// them, records the tenant and announces where to connect. A tenant for whom nothing is ready waits on a
// durable list.
package signup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error)
	SignAgain(ctx context.Context, tombstone, fresh pool.Tenant, address string) (pool.Tenant, error)
	Register(ctx context.Context, address string, tenant pool.TenantID) error
	Disown(ctx context.Context, address string, t pool.Tenant) error
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
	Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error)
	Draw(ctx context.Context, tier pool.Tier, tenant pool.TenantID, again bool) (int64, error)
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Unqueue(ctx context.Context, tier pool.Tier, queue int64) error
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error)
	Spent(ctx context.Context) (pool.Cents, error)
	Stops(ctx context.Context) (pool.Stops, error)
	Quotas(ctx context.Context) (pool.Quotas, error)
	Tiers(ctx context.Context) ([]pool.Tier, error)
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error)
	Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error)
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
}

// shelves fills a tier's shelf from the reserve, and takes the offers back of hosts that are not in service, and slots
// from tenants that do not get them.
type shelves interface {
	Fill(ctx context.Context, tier pool.Tier) error
	TakeBack(ctx context.Context, tier pool.Tier) error
	TakeFrom(ctx context.Context, t pool.Tenant, holds []pool.Holding, all func(pool.Tenant) bool) error
}

type policies interface {
	Load(ctx context.Context) (pool.Policies, error)
	Document(ctx context.Context) (pool.Document, error)
}

// vault keeps tenants' credentials: it makes them the first time it is asked for a tenant, returns the
// same ones ever after, and answers pool.ErrOtherDatabase when they are wanted for another database.
type vault interface {
	Tenant(ctx context.Context, tenantID, mark string, fill func(password string) events.Credentials) (events.Credentials, string, error)
	Master(ctx context.Context, arn string) (username, password string, err error)
}

// databases opens a tenant's database on an instance.
type databases interface {
	Open(ctx context.Context, login pool.Login, name, password string) error
}

// accesses sets who may reach a share, and looks whether it is so: access.ErrNotServing when not yet.
type accesses interface {
	Set(ctx context.Context, t pool.Tenant, share pool.ShareRef, group string) error
	Served(ctx context.Context, share pool.ShareRef, clients []string) error
}

// tags says on a share whose it is.
type tags interface {
	Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error
}

type announcer interface {
	StorageReady(ctx context.Context, out events.StorageReady) error
	StorageWaiting(ctx context.Context, t pool.Tenant, position int, estimate pool.Estimate) error
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
	Ledger     store
	Shelf      shelves
	Policies   policies
	Vault      vault
	Databases  databases
	Access     accesses
	Tags       tags
	Announce   announcer
	Steps      sender                 // the queue of Headroom's own messages, for what has to wait
	StepsQueue string                 // its name: messages of Headroom's own kinds are taken from nowhere else
	PoolChecks sender                 // asks for a pool check
	HostEvents sender                 // stackcomplete's queue
	Refused    keeper                 // the dead-letter queue
	Networks   pool.Networks          // where customers' instances may live
	Mount      string                 // options with which NFS clients mount shares
	Mark       func() (string, error) // draws the random mark of a signup
	Jitter     func() float64         // uniform in [0,1): spreads those who come later
	Metrics    telemetry.Recorder
	Log        *slog.Logger
	Now        func() time.Time
	Until      func(time.Time) time.Duration // how much is left until the deadline of an invocation, which need not be by Now
}

// Handler handles the messages of the signup queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Shelf == nil || c.Policies == nil || c.Vault == nil || c.Databases == nil ||
		c.Access == nil || c.Tags == nil || c.Mark == nil || c.Jitter == nil || c.Announce == nil || c.Steps == nil || c.StepsQueue == "" || c.PoolChecks == nil ||
		c.HostEvents == nil || c.Refused == nil || c.Mount == "" || c.Log == nil || c.Now == nil || c.Until == nil {
		return nil, errors.New("signup: every field of Config is required")
	}
	if len(c.Networks.Instances) == 0 {
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
	case events.TypeStep:
		var step events.Step
		if err := events.Decode([]byte(d.Body), &step); err != nil {
			return fmt.Errorf("read a %s message: %w", kind, err)
		}
		return h.step(ctx, step, d.Redelivered)
	case events.TypeServeWaiting:
		var serve events.ServeWaiting
		if err := events.Decode([]byte(d.Body), &serve); err != nil {
			return fmt.Errorf("read a %s message: %w", kind, err)
		}
		return h.serveWaiting(ctx, pool.Tier(serve.Tier))
	default:
		return h.refuse(ctx, d, "", &events.FieldError{Field: "type", Reason: "is unknown"})
	}
}

// request is a signup from outside.
func (h *Handler) request(ctx context.Context, d events.Delivery) error {
	request, err := events.ParseSignupRequested([]byte(d.Body))
	var bad *events.FieldError
	if errors.As(err, &bad) {
		return h.refuse(ctx, d, request.TenantID, bad)
	}
	if err != nil {
		return err
	}
	if err := h.admits(ctx, request); errors.As(err, &bad) {
		return h.refuseNew(ctx, d, request, bad)
	} else if err != nil {
		return err
	}
	err = h.Ledger.Register(ctx, request.InstanceIP, pool.TenantID(request.TenantID))
	if errors.Is(err, pool.ErrTaken) {
		if known, err := h.Ledger.Tenant(ctx, pool.TenantID(request.TenantID)); err == nil && known.State != pool.TenantLeft && wanted(request).Differs(known) == nil {
			return h.resume(ctx, known) // it had the address, and gave it up
		} else if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return fmt.Errorf("look whether tenant %s had its address before: %w", request.TenantID, err)
		}
		// To a share's firewall two tenants with one address are one. Whose it is is nobody else's business.
		return h.refuse(ctx, d, request.TenantID, &events.FieldError{Field: "instanceIp", Reason: "belongs to another tenant"})
	}
	if err != nil {
		return fmt.Errorf("register the address of tenant %s: %w", request.TenantID, err)
	}
	tenant, fresh, err := h.record(ctx, d, request)
	if err != nil {
		return err
	}
	if fresh {
		return h.machine().Go(ctx, string(tenant.ID), tenant)
	}
	if tenant.State == pool.TenantLeft {
		return h.late(ctx, d, request.InstanceIP, tenant)
	}
	if tenant, err = h.release(ctx, request.InstanceIP, tenant); err != nil {
		return err
	}
	if bad := wanted(request).Differs(tenant); bad != nil {
		return h.refuse(ctx, d, request.TenantID, bad)
	}
	return h.resume(ctx, tenant)
}

// record records a tenant, or returns the one that is known.
func (h *Handler) record(ctx context.Context, d events.Delivery, request events.SignupRequested) (t pool.Tenant, fresh bool, err error) {
	mark, err := h.Mark()
	if err != nil {
		return t, false, fmt.Errorf("draw the mark of tenant %s: %w", request.TenantID, err)
	}
	now := h.Now()
	at := d.SentAt
	if at.IsZero() {
		at = now
	}
	// Commit point: the tenant is known. From here on the signup is finished by whichever comes next:
	// this invocation, the message's next delivery, or the pool check past the deadline.
	first := pool.Tenant{
		ID: pool.TenantID(request.TenantID), Tier: pool.Tier(request.Tier), Mark: mark, Addresses: []string{request.InstanceIP},
		State: pool.TenantRequested, RequestedAt: at.UTC(), Progress: pool.Started(pool.StepOpen, now),
		History: []pool.Entry{{At: at.UTC(), What: string(pool.TenantRequested), Why: "signup message " + d.ID, Correlation: d.Correlation()}},
	}
	t, fresh, err = h.Ledger.Request(ctx, first)
	if err != nil {
		return t, false, fmt.Errorf("record tenant %s: %w", request.TenantID, err)
	}
	if t.State == pool.TenantLeft && at.After(t.LeftAt) {
		return h.again(ctx, t, first)
	}
	return t, fresh, nil
}

// again records that a tenant which left signs up again. One whose slots are being taken back comes again a little
// later: its message fails until then.
func (h *Handler) again(ctx context.Context, left, first pool.Tenant) (t pool.Tenant, fresh bool, err error) {
	if t, err = pool.SignAgain(left, first); err != nil {
		return t, false, err
	}
	// Commit point, as that of a first signup. Another copy of the message may be here first: then this one comes
	// again, and finds it.
	if t, err = h.Ledger.SignAgain(ctx, left, t, first.Addresses[0]); err != nil {
		return t, false, fmt.Errorf("record that tenant %s signs up again: %w", first.ID, err)
	}
	return t, true, nil
}

// late is a signup that was sent before its tenant left, and delivered after that.
func (h *Handler) late(ctx context.Context, d events.Delivery, address string, left pool.Tenant) error {
	h.Log.InfoContext(ctx, "signup of a tenant that has left since", "messageId", d.ID, "tenant", left.ID, "left", left.LeftAt)
	_, err := h.release(ctx, address, left)
	return err
}

// release frees an address that was registered for a signup which turns out not to be the tenant's, or not any more. It returns
// the tenant as it is then. Killed before this, the message comes again.
func (h *Handler) release(ctx context.Context, address string, t pool.Tenant) (pool.Tenant, error) {
	if slices.Contains(t.Reached(), address) {
		return t, nil
	}
	left, err := h.Ledger.Departures(ctx, t.ID)
	if err != nil {
		return t, fmt.Errorf("look whether an earlier life of tenant %s is shut: %w", t.ID, err)
	}
	if _, reached := t.EarlierLife(left, address); reached {
		return t, nil // by that life's departure, which frees it
	}
	if err := h.Ledger.Disown(ctx, address, t); err != nil {
		return t, fmt.Errorf("free the address that tenant %s does not have: %w", t.ID, err)
	}
	// That moved the record's version: who goes on with the earlier one finds another writer first, each time.
	now, err := h.Ledger.Tenant(ctx, t.ID)
	if err != nil {
		return t, fmt.Errorf("read tenant %s, whose address was freed: %w", t.ID, err)
	}
	return now, nil
}

// resume goes on with a signup from where its tenant's record says that it is.
func (h *Handler) resume(ctx context.Context, t pool.Tenant) error {
	switch {
	case t.State == pool.TenantReady:
		return h.repeat(ctx, t, 0)
	case t.State == pool.TenantWaiting:
		return h.stillWaiting(ctx, t)
	case t.State == pool.TenantLeft:
		return nil // what it was given is taken back by its departure
	case t.Step != pool.StepOpen: // given up, and asked for again: it has all its tries
		var err error
		if t, err = h.begin(ctx, t, pool.StepOpen); err != nil {
			return err
		}
	}
	return h.machine().Go(ctx, string(t.ID), t)
}

// admits looks whether a new tenant may sign up so, by the policies and the networks; what is wrong is a
// *events.FieldError.
func (h *Handler) admits(ctx context.Context, request events.SignupRequested) error {
	ps, err := h.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load the policies: %w", err)
	}
	if bad := wanted(request).Refusal(ps, h.Networks); bad != nil {
		return bad
	}
	return nil
}

// refuseNew refuses a signup that no new tenant may make. A tenant that is known, and signed up so when it was new, is
// served on, whatever became of the policies and the networks since.
func (h *Handler) refuseNew(ctx context.Context, d events.Delivery, request events.SignupRequested, bad *events.FieldError) error {
	known, err := h.Ledger.Tenant(ctx, pool.TenantID(request.TenantID))
	switch {
	case errors.Is(err, pool.ErrNotFound), err == nil && (known.State == pool.TenantLeft || wanted(request).Differs(known) != nil):
		return h.refuse(ctx, d, request.TenantID, bad)
	case err != nil:
		return fmt.Errorf("look whether tenant %s is known: %w", request.TenantID, err)
	}
	return h.resume(ctx, known)
}

func wanted(r events.SignupRequested) pool.Signup {
	return pool.Signup{Tier: pool.Tier(r.Tier), Address: r.InstanceIP}
}

// refuse keeps a bad message in the dead-letter queue and announces what is wrong with it.
func (h *Handler) refuse(ctx context.Context, d events.Delivery, tenantID string, bad *events.FieldError) error {
	// Commit point: the message is kept before it leaves the queue. Killed after this, its next
	// delivery keeps it twice, which loses nothing.
	if err := h.Refused.SendRaw(ctx, d.Body, d.Kept(bad)); err != nil {
		return fmt.Errorf("keep a refused message: %w", err)
	}
	h.Log.WarnContext(ctx, "signup rejected", "messageId", d.ID, "tenant", tenantID, "field", bad.Field, "reason", bad.Reason)
	return h.Announce.SignupRejected(ctx, d.ID, tenantID, bad)
}
