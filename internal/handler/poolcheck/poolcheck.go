// Package poolcheck keeps the pools at the size that their policies ask for: it orders hosts,
// tries again what is past its deadline, reconciles the shelves, and has waiting tenants served when
// slots have come in.
package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error)
	SaveOutlook(ctx context.Context, before, after pool.Outlook) error
	Spent(ctx context.Context) (pool.Cents, error)
	Quotas(ctx context.Context) (pool.Quotas, error)
	HeldMoney(ctx context.Context) ([]pool.HeldMoney, error)
	FreeMoney(ctx context.Context, name string) error
	NoteCounted(ctx context.Context, key pool.Key, seq int) error
	Stops(ctx context.Context) (pool.Stops, error)
	SwitchStops(ctx context.Context, before, after pool.Stops) error
	Audit(ctx context.Context, a pool.Audit) error
	Tiers(ctx context.Context) ([]pool.Tier, error)
	Order(ctx context.Context, seen pool.Record, h pool.Host) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	OverdueHosts(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error)
	OverdueTenants(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
	OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error)
	OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error)
	OverdueRepairs(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error)
	OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
	Repair(ctx context.Context, host pool.HostID) (pool.Repair, error)
	SaveRepair(ctx context.Context, before, after pool.Repair) (pool.Repair, error)
	Ward(ctx context.Context, key pool.Key) (pool.Ward, error)
	Storm(ctx context.Context) (pool.Storm, error)
	SaveStorm(ctx context.Context, before, after pool.Storm) error
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	SaveDeparture(ctx context.Context, before, after pool.Departure) (pool.Departure, error)
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error)
	SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error)
}

// shelves reconciles a tier's shelf with the hosts and the claims.
type shelves interface {
	Reconcile(ctx context.Context, tier pool.Tier) error
}

type policies interface {
	Document(ctx context.Context) (pool.Document, error)
}

// builder asks for a host's stack; asking again with the same token returns the same stack. Of a name that no stack
// has, Describe answers pool.ErrNotFound.
type builder interface {
	Create(ctx context.Context, order pool.StackOrder) (stackID string, err error)
	Describe(ctx context.Context, nameOrID string) (pool.StackStatus, error)
}

type announcer interface {
	HostOrdered(ctx context.Context, h pool.Host) error
	Host(ctx context.Context, h pool.Host) error
	HostsFell(ctx context.Context, g pool.Gathered) error
	InstanceNews(ctx context.Context, h pool.Host, n pool.InstanceNews) error
	SignupStuck(ctx context.Context, t pool.Tenant) error
	DepartureStuck(ctx context.Context, d pool.Departure) error
	ClearanceStuck(ctx context.Context, c pool.Clearance) error
	ChangeStuck(ctx context.Context, t pool.Tenant) error
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Template is what hosts of a kind are built from.
type Template struct {
	URL        string            // in S3
	Parameters map[string]string // those that are the same for every host
	Zones      []pool.Zone       // hosts are spread over them; empty: AWS chooses
}

// Config is what a Handler is built from. All fields are required.
type Config struct {
	Ledger      store
	Shelf       shelves
	Policies    policies
	Stacks      builder
	Images      images
	Alarms      alarms
	Instances   instances
	Announce    announcer
	Signups     sender // the queue of Headroom's own messages to signup
	Leaving     sender // likewise to decommission
	Changes     sender // likewise to instancechange
	Repairs     sender // likewise to hostrepair
	Restores    sender // likewise to restore
	HostEvents  sender // stackcomplete's queue
	Templates   map[pool.Kind]Template
	StackRole   string // ARN of the role by which CloudFormation builds
	StackPrefix string // "headroom-<stage>-"
	Stage       string
	Mark        func() (string, error) // draws the random mark of an order
	Metrics     telemetry.Recorder
	Log         *slog.Logger
	Now         func() time.Time
}

// Handler handles the messages of the pool check queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Shelf == nil || c.Policies == nil || c.Stacks == nil || c.Images == nil || c.Alarms == nil || c.Instances == nil || c.Announce == nil ||
		c.Signups == nil || c.Leaving == nil || c.Changes == nil || c.Repairs == nil || c.Restores == nil || c.HostEvents == nil || c.StackRole == "" || c.StackPrefix == "" || c.Stage == "" || c.Mark == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("poolcheck: every field of Config is required")
	}
	for _, k := range pool.Kinds {
		if c.Templates[k].URL == "" {
			return nil, fmt.Errorf("poolcheck: there is no template for %s hosts", k)
		}
	}
	if len(c.Templates[pool.Share].Zones) == 0 {
		return nil, errors.New("poolcheck: there is no zone for share hosts")
	}
	return &Handler{c}, nil
}

// Messages makes one check for all of the messages. If they ask for shelves only, it looks at these. What RDS says of
// instances is noted before.
func (h *Handler) Messages(ctx context.Context, all []events.Delivery) error {
	shelves, check := map[pool.Tier]bool{}, false
	var failures []error
	for _, d := range all {
		h.Log.InfoContext(events.WithCorrelation(ctx, d.Correlation()), "pool check asked for", "messageId", d.ID, "body", d.Body)
		var asked events.ShelfCheck
		switch kind := events.TypeOf([]byte(d.Body)); {
		case kind == events.TypeShelfCheck && events.Decode([]byte(d.Body), &asked) == nil && asked.Tier != "":
			shelves[pool.Tier(asked.Tier)] = true
		case kind == events.TypeInstanceEvent:
			check, failures = true, append(failures, h.hear(ctx, d))
		default:
			check = true
		}
	}
	if check {
		return errors.Join(append(failures, h.Check(ctx))...)
	}
	for _, tier := range slices.Sorted(maps.Keys(shelves)) {
		failures = append(failures, h.reconcile(ctx, tier))
	}
	return errors.Join(failures...)
}

// reconcile brings a tier's shelf in line. Where others are at it all the time it is left as they have it, and the next check looks
// again: that many sign up is no failure.
func (h *Handler) reconcile(ctx context.Context, tier pool.Tier) error {
	err := h.Shelf.Reconcile(ctx, tier)
	if errors.Is(err, pool.ErrConflict) {
		h.Log.WarnContext(ctx, "a shelf is left to others who change it", "tier", tier, "error", err)
		return nil
	}
	return err
}

// Check looks at every pool once. A part that fails does not keep the others from being looked at.
func (h *Handler) Check(ctx context.Context) error {
	failures := []error{h.watchStops(ctx), h.freeLostMoney(ctx), h.lookAtInstances(ctx), h.retryOverdue(ctx), h.tellOfStorm(ctx)}
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return errors.Join(append(failures, fmt.Errorf("load the policies: %w", err))...)
	}
	tiers, someUnknown := h.tiers(ctx, doc.Pools)
	failures = append(failures, someUnknown)
	all := census{}
	for _, tier := range tiers {
		failures = append(failures, h.reconcile(ctx, tier), h.serveWaiting(ctx, tier))
		hosts, err := h.order(ctx, tier, doc)
		failures = append(failures, err)
		for _, kind := range pool.Kinds {
			all.count(kind, hosts)
		}
	}
	if someUnknown == nil {
		h.measureKinds(all)
	}
	err = errors.Join(failures...)
	if err == nil {
		h.Metrics.Count(telemetry.PoolChecks, 1)
	}
	return err
}

// tiers are those that can be signed up for, and those that ever were: the tenants of a tier that was taken out of
// the policies are served on.
func (h *Handler) tiers(ctx context.Context, ps pool.Policies) ([]pool.Tier, error) {
	tiers := ps.Tiers()
	ever, err := h.Ledger.Tiers(ctx)
	if err != nil {
		return tiers, fmt.Errorf("ask which tiers there ever were: %w", err)
	}
	return slices.Compact(slices.Sorted(slices.Values(append(tiers, ever...)))), nil
}
