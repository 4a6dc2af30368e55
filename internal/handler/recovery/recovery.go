// Package recovery makes a ledger true again that was lost, or put back to an earlier time. Each message is one bounded act,
// which may be done again: hold, look, apply, drop. What is decided is headroom/internal/pool/recovery's.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	plans "headroom/internal/pool/recovery"
	"headroom/internal/telemetry"
)

type store interface {
	Recovery(ctx context.Context) (plans.Record, error)
	SaveRecovery(ctx context.Context, before, after plans.Record) error
	Stops(ctx context.Context) (pool.Stops, error)
	Tiers(ctx context.Context) ([]pool.Tier, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Adopt(ctx context.Context, r plans.Record, seen pool.Record, h pool.Host) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	SaveHostDuring(ctx context.Context, r plans.Record, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error)
	Depart(ctx context.Context, before, after pool.Tenant, d pool.Departure) error
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	Rejoin(ctx context.Context, before, after pool.Departure, tombstone, tenant pool.Tenant) error
	Owner(ctx context.Context, address string) (pool.TenantID, error)
	Register(ctx context.Context, address string, tenant pool.TenantID) error
	Unregister(ctx context.Context, address string, seen pool.Tenant) error
}

// looker looks at all that the stage has in AWS.
type looker interface {
	Look(ctx context.Context) (inventory.Seen, error)
}

// books reads what the ledger says of all that was seen.
type books interface {
	Books(ctx context.Context, seen inventory.Seen) (inventory.Books, error)
}

type shelves interface {
	Reconcile(ctx context.Context, tier pool.Tier) error
	SettleFor(ctx context.Context, t pool.Tenant) error
}

// terms are those by which tenants leave.
type terms interface {
	Terms(ctx context.Context) (pool.Terms, error)
}

type vault interface {
	Master(ctx context.Context, arn string) (username, password string, err error)
}

// databases finds the databases of an instance that bear a mark.
type databases interface {
	Found(ctx context.Context, login pool.Login) ([]pool.FoundDatabase, error)
}

// buckets says what is in a bucket; empty: nothing.
type buckets interface {
	Found(ctx context.Context, bucketARN string) (string, error)
}

// Config is what a Handler is built from. All fields are required.
type Config struct {
	Stage     string
	Ledger    store
	Looker    looker
	Books     books
	Shelf     shelves
	Terms     terms
	Vault     vault
	Databases databases
	Buckets   buckets
	Metrics   telemetry.Recorder
	Log       *slog.Logger
	Now       func() time.Time
}

// Handler handles the messages of the recover queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Stage == "" || c.Ledger == nil || c.Looker == nil || c.Books == nil || c.Shelf == nil || c.Vault == nil || c.Databases == nil ||
		c.Buckets == nil || c.Terms == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("recovery: every field of Config is required")
	}
	return &Handler{c}, nil
}

// unread ignores a message that can't be meant, and says what is wrong with it; any other error of its reading is returned.
func (h *Handler) unread(ctx context.Context, d events.Delivery, err error) error {
	var bad *events.FieldError
	if !errors.As(err, &bad) {
		return err
	}
	h.Log.WarnContext(ctx, "message ignored", "messageId", d.ID, "field", bad.Field, "reason", bad.Reason)
	h.Metrics.Count(telemetry.EventsIgnored, 1)
	return nil
}

// Message handles one message. One that says nothing that could be done, or was overtaken by a later one, is ignored.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	if events.TypeOf([]byte(d.Body)) == events.TypeSlotRequest {
		return h.slot(ctx, d)
	}
	q, err := events.ParseRecoverRequest([]byte(d.Body))
	if err != nil {
		return h.unread(ctx, d, err)
	}
	before, err := h.Ledger.Recovery(ctx)
	if err != nil {
		return err
	}
	if before.Message == d.ID && before.Came != "" {
		return nil // it was done before
	}
	if before.Message != d.ID && d.SentAt.Before(before.AskedAt) {
		h.Log.InfoContext(ctx, "something else was asked for since", "messageId", d.ID, "action", q.Action)
		return nil
	}
	asked := before.Clone()
	if before.Message != d.ID {
		asked.By, asked.Why, asked.Message, asked.AskedAt, asked.Came, asked.Done = d.Who(q.RequestedBy), q.Reason, d.ID, d.SentAt.UTC(), "", false
	}
	after, err := h.follow(ctx, q, before, asked)
	if err != nil {
		return fmt.Errorf("%s for the recovery of stage %s: %w", q.Action, h.Stage, err)
	}
	h.Log.InfoContext(ctx, "recovery", "action", q.Action, "came", after.Came, "does", len(after.Lines), "unsure", len(after.Unsure))
	_, err = h.note(ctx, after)
	return err
}

// note records how far the recovery is, on the condition that nothing was recorded since r was read: what was overtaken fails, and
// comes again. It returns r as it was recorded.
func (h *Handler) note(ctx context.Context, r plans.Record) (plans.Record, error) {
	if err := h.Ledger.SaveRecovery(ctx, r, r); err != nil {
		return r, err
	}
	r.Version++
	return r, nil
}

// follow does what is asked for, once a hold that was begun, or ended, is so for all hosts: whoever was at that is overtaken, and
// changes none any more.
func (h *Handler) follow(ctx context.Context, q events.RecoverRequest, before, r plans.Record) (plans.Record, error) {
	var err error
	switch {
	case q.Action == events.RecoverHold, q.Action == events.RecoverDrop: // it does that by itself
	case r.Holding:
		r, err = h.holdAll(ctx, r)
	case r.Freeing:
		r, err = h.free(ctx, r, r.Keep, "")
	}
	if err != nil {
		return r, err
	}
	return h.act(ctx, q, before, r)
}

func (h *Handler) act(ctx context.Context, q events.RecoverRequest, before, r plans.Record) (plans.Record, error) {
	switch q.Action {
	case events.RecoverLook:
		p, _, err := h.plan(ctx)
		if err != nil {
			return r, err
		}
		r = r.Looked(p, h.Now())
		r.Came = fmt.Sprintf("looked: %d to do, and %d that nobody but a person can decide", len(p.Lines), len(p.Unsure))
		if len(p.Blind) > 0 {
			r.Came = "looked, and there is no plan: " + p.Blind[0]
		}
		r.Done = p.Done() && r.HeldAt.IsZero()
		return r, nil
	case events.RecoverHold:
		return h.hold(ctx, r)
	case events.RecoverDrop:
		return h.free(ctx, r, nil, "nothing is held any more, and the ledger is as it was")
	default:
		return h.apply(ctx, q, before, r)
	}
}
