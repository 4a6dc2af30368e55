// Package poolcheck keeps the pools at the size that their policies ask for: it orders hosts,
// tries again what is past its deadline, tends the shelves, and has waiting tenants served when
// slots have come in.
package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/stacks"
	"headroom/internal/telemetry"
)

type ledger interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) error
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Order(ctx context.Context, seen pool.Record, h pool.Host) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Due(ctx context.Context, now time.Time, limit int) ([]pool.Due, error)
}

type tender interface {
	Tend(ctx context.Context, tier pool.Tier) error
}

type policies interface {
	Load(ctx context.Context) (pool.Policies, error)
}

// builder asks for a host's stack; asking again with the same token gives the same stack.
type builder interface {
	Create(ctx context.Context, order stacks.Order) (stackID string, err error)
}

type publisher interface {
	Publish(ctx context.Context, out ...events.Event) error
}

type notifier interface {
	Notify(ctx context.Context, subject, message string) error
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Template is what hosts of a kind are built from.
type Template struct {
	URL        string            // in S3
	Parameters map[string]string // those that are the same for every host
}

// Config is what a Handler is built from. All fields are required.
type Config struct {
	Ledger      ledger
	Stock       tender
	Policies    policies
	Stacks      builder
	Events      publisher
	Notify      notifier
	Signups     sender // the signup queue
	HostEvents  sender // stackcomplete's queue
	Templates   map[pool.Kind]Template
	StackRole   string // ARN of the role by which CloudFormation builds
	StackPrefix string // "headroom-<stage>-"
	Stage       string
	Metrics     telemetry.Recorder
	Log         *slog.Logger
	Now         func() time.Time
}

// Handler handles the messages of the pool check queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Stock == nil || c.Policies == nil || c.Stacks == nil || c.Events == nil || c.Notify == nil ||
		c.Signups == nil || c.HostEvents == nil || c.StackRole == "" || c.StackPrefix == "" || c.Stage == "" || c.Log == nil || c.Now == nil {
		return nil, errors.New("poolcheck: every field of Config is required")
	}
	for _, k := range pool.Kinds {
		if c.Templates[k].URL == "" {
			return nil, fmt.Errorf("poolcheck: there is no template for %s hosts", k)
		}
	}
	return &Handler{c}, nil
}

// Handle makes one check for a whole batch: every message asks for the same.
func (h *Handler) Handle(ctx context.Context, batch lambdaevents.SQSEvent) error {
	for _, m := range batch.Records {
		h.Log.InfoContext(ctx, "pool check asked for", "messageId", m.MessageId, "body", m.Body)
	}
	return h.Check(ctx)
}

// Check looks at every pool once. A part that fails does not keep the others from being looked at.
func (h *Handler) Check(ctx context.Context) error {
	ps, err := h.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load the policies: %w", err)
	}
	failures := []error{h.chase(ctx)}
	for _, tier := range ps.Tiers() {
		if err := h.Stock.Tend(ctx, tier); err != nil {
			failures = append(failures, err)
		}
		if err := h.tier(ctx, ps, tier); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// waitingSeen bounds how many waiting tenants one check counts; a plan is bounded by the ceiling and
// the most orders at once long before.
const waitingSeen = 1000

// tier plans and orders for both pools of a tier, and has those who wait served.
func (h *Handler) tier(ctx context.Context, ps pool.Policies, tier pool.Tier) error {
	waiters, err := h.Ledger.Waiting(ctx, tier, waitingSeen)
	if err != nil {
		return fmt.Errorf("read the waiting list of tier %s: %w", tier, err)
	}
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	if len(waiters) > 0 && shelf.Pairs() > 0 || len(waiters) == 0 && shelf.Queue != 0 {
		if err := h.Signups.Send(ctx, events.NewServeWaiting(string(tier)), 0); err != nil {
			return fmt.Errorf("have the waiting list of tier %s served: %w", tier, err)
		}
	}
	h.Metrics.Tier(string(tier)).Gauge(telemetry.TenantsWaiting, len(waiters))
	var failures []error
	for _, kind := range pool.Kinds {
		p, ok := ps.Of(pool.Key{Kind: kind, Tier: tier})
		if !ok {
			continue
		}
		if err := h.pool(ctx, p, len(shelf.Offers(kind)), len(waiters)); err != nil {
			failures = append(failures, fmt.Errorf("check pool %s: %w", p.Key(), err))
		}
	}
	return errors.Join(failures...)
}

// pool plans one pool and orders what is missing, one host at a time: the plan is made anew after
// each order, so that checks that run at once never order more than one plan allows.
func (h *Handler) pool(ctx context.Context, p pool.Policy, onShelf, waiting int) error {
	for ordered := 0; ; ordered++ {
		record, err := h.Ledger.Pool(ctx, p.Key())
		if err != nil {
			return fmt.Errorf("read the pool: %w", err)
		}
		seen := pool.Observed{Record: record, OnShelf: onShelf, Waiting: waiting}
		plan := pool.Decide(seen, p, h.Now())
		h.Log.InfoContext(ctx, "pool planned", "pool", p.Key().String(), "orders", plan.Orders, "missing", plan.Missing, "reason", plan.Reason)
		if plan.Orders == 0 || ordered == p.MaxOrders {
			h.measure(seen, p)
			return nil
		}
		host := pool.Order(record, p, h.StackPrefix, h.Now(), plan.Reason)
		// Commit point: the order is recorded before CloudFormation hears of it. Killed after this, the
		// pool check past the order's deadline asks for the stack; two checks at once record one order,
		// because the second finds the pool's number moved.
		err = h.Ledger.Order(ctx, record, host)
		if errors.Is(err, pool.ErrConflict) {
			continue // another check is ordering: look again
		}
		if err != nil {
			return fmt.Errorf("record the order of %s: %w", host.ID, err)
		}
		if host, err = h.Ledger.Host(ctx, host.ID); err != nil {
			return fmt.Errorf("read the order of %s: %w", host.ID, err)
		}
		if err := h.build(ctx, host); err != nil {
			return err
		}
	}
}

func (h *Handler) measure(o pool.Observed, p pool.Policy) {
	c := o.Record.Counters
	m := h.Metrics.Pool(string(p.Kind), string(p.Tier))
	m.Gauge(telemetry.SlotsFree, o.Free(p))
	m.Gauge(telemetry.SlotsAssigned, o.Assigned())
	m.Gauge(telemetry.SlotsMaking, c.MakingSlots)
	m.Gauge(telemetry.HostsInService, c.InService)
	m.Gauge(telemetry.HostsMaking, c.Making)
	m.Gauge(telemetry.HostsCordoned, c.Cordoned)
}
