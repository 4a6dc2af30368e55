// Package hostrepair mends share hosts, and replaces their machines when somebody wants it. A repair looks first, for much
// passes by itself; then it goes the least harmful way that can help, judges what came of it, and goes the next. What the
// gateway acknowledged lies on its cache disk alone until it is uploaded, so every way keeps that disk, and the one that
// does not is never gone without a person's word.
//
// A repair is a record of its own beside its host, driven step by step. Messages may come late, twice or out of order, and
// an invocation may be killed between any two calls: each step finds what it did.
package hostrepair

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Repair(ctx context.Context, host pool.HostID) (pool.Repair, error)
	SaveRepair(ctx context.Context, before, after pool.Repair) (pool.Repair, error)
	Ward(ctx context.Context, key pool.Key) (pool.Ward, error)
	Storm(ctx context.Context) (pool.Storm, error)
	SaveWard(ctx context.Context, before, after pool.Ward) error
	Stops(ctx context.Context) (pool.Stops, error)
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	Audit(ctx context.Context, a pool.Audit) error
	HoldMoney(ctx context.Context, name string, price, most pool.Cents) error
	Reject(ctx context.Context, r pool.Rejection) error
	Rejection(ctx context.Context, message string) (pool.Rejection, error)
}

type machines interface {
	Look(ctx context.Context, id string) (pool.MachineLook, error)
	Reboot(ctx context.Context, id string) error
	Stop(ctx context.Context, id string) error
	Start(ctx context.Context, id string) error
	Keep(ctx context.Context, id string, devices []string) error
	Attachment(ctx context.Context, volume string) (pool.Attachment, error)
	Attach(ctx context.Context, volume, machine, device string) error
	Detach(ctx context.Context, volume, machine string) error
	TagVolume(ctx context.Context, volume string, tags map[string]string) error
	FindVolumes(ctx context.Context, tags map[string]string) ([]pool.Volume, error)
	DeleteVolume(ctx context.Context, volume string) error
	Size(ctx context.Context, volume string) (gib int, err error)
}

// measures are what CloudWatch has of gateways, also of those that have failed.
type measures interface {
	Unuploaded(ctx context.Context, id, name string) (pool.Unuploaded, error)
}

type cloudFormation interface {
	Describe(ctx context.Context, nameOrID string) (pool.StackStatus, error)
	Update(ctx context.Context, change pool.StackChange) (changed bool, err error)
	Preview(ctx context.Context, change pool.StackChange, name string) ([]pool.ResourceChange, error)
	Execute(ctx context.Context, stack, changeSet, token string) error
	Discard(ctx context.Context, stack, changeSet string) error
}

type appliances interface {
	Import(ctx context.Context, address, gatewayID string) error
	Key(ctx context.Context, address string) (string, error)
}

type gateways interface {
	Running(ctx context.Context, arn string) error
	FindMarked(ctx context.Context, name string, tags map[string]string) (arn string, err error)
	Activate(ctx context.Context, key, name string, tags map[string]string) (arn string, err error)
	AddCache(ctx context.Context, arn string) error
	CreateShare(ctx context.Context, s pool.ShareSpec) (id string, err error)
	Shares(ctx context.Context, gateway string, ids []string) (statusByID map[string]string, err error)
}

// prober looks whether an NFS server answers at an address.
type prober interface {
	Null(ctx context.Context, address string) error
}

type images interface {
	Newest(ctx context.Context) (id string, err error)
}

// catalog says of images how old they are.
type catalog interface {
	Image(ctx context.Context, id string) (pool.Image, error)
}

type policies interface {
	Drills(ctx context.Context) ([]pool.Drill, error)
	Document(ctx context.Context) (pool.Document, error)
}

type announcer interface {
	RepairWaits(ctx context.Context, h pool.Host, r pool.Repair, why string, gathered bool) error
	RepairAsks(ctx context.Context, h pool.Host, r pool.Repair, why string) error
	HostRepaired(ctx context.Context, h pool.Host, r pool.Repair, unwritable time.Duration) error
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Template is what new hosts of a kind are made from.
type Template struct {
	URL        string
	Parameters map[string]string // of the stage, the same for all of its hosts
}

// Config is what a Handler is built from. All fields are required, but for Metrics.
type Config struct {
	Ledger     store
	Machines   machines
	Measures   measures
	Stacks     cloudFormation
	Appliances appliances
	Gateways   gateways
	Prober     prober
	Tasks      tasks
	Clients    clients
	Firewall   firewall
	Nobody     string // the client list of a share that is open to nobody
	ShareKey   string // ARN of the KMS key of the shares' objects
	Images     images
	Catalog    catalog
	Policies   policies
	Announce   announcer
	Steps      sender // the function's own queue, for what has to wait
	StepsQueue string // its name: only there Headroom's own messages are taken
	Hosts      sender // the queue of hosts' steps
	Templates  map[pool.Kind]Template
	StackRole  string // ARN of the role by which CloudFormation changes hosts
	Stage      string
	Metrics    telemetry.Recorder
	Log        *slog.Logger
	Now        func() time.Time
	Until      func(time.Time) time.Duration // how much is left until the deadline of an invocation, which need not be by Now
}

// Handler handles the messages of the queues of repairs.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Machines == nil || c.Measures == nil || c.Stacks == nil || c.Appliances == nil || c.Gateways == nil || c.Prober == nil || c.Images == nil || c.Catalog == nil ||
		c.Tasks == nil || c.Clients == nil || c.Firewall == nil || c.Nobody == "" || c.ShareKey == "" ||
		c.Policies == nil || c.Announce == nil || c.Steps == nil || c.StepsQueue == "" || c.Hosts == nil || len(c.Templates) < len(pool.Kinds) || c.StackRole == "" || c.Stage == "" ||
		c.Log == nil || c.Now == nil || c.Until == nil {
		return nil, errors.New("hostrepair: every field of Config is required")
	}
	return &Handler{c}, nil
}

// ownTypes are what Headroom tells itself.
var ownTypes = []string{events.TypeHostAiling, events.TypePoolRound, events.TypeHostRound, events.TypeStep, events.TypeTaskReport}

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	kind := events.TypeOf([]byte(d.Body))
	if slices.Contains(ownTypes, kind) && d.Queue != h.StepsQueue {
		h.ignore(ctx, "message of ours in a queue that is others'", "messageId", d.ID, "queue", d.Queue)
		return nil
	}
	switch kind {
	case events.TypeHostAiling:
		return events.Read(d, func(ailing events.HostAiling) error {
			return h.ailing(ctx, pool.HostID(ailing.HostID), ailing.Cause, d.Redelivered)
		})
	case events.TypePoolRound:
		return events.Read(d, func(round events.PoolRound) error {
			at := d.SentAt // late or again, it is the turn of the same hosts
			if at.IsZero() {
				at = h.Now()
			}
			return h.poolRound(ctx, pool.Tier(round.Tier), at)
		})
	case events.TypeHostRound:
		return events.Read(d, func(round events.HostRound) error { return h.round(ctx, round, d.SentAt) })
	case events.TypeTaskReport:
		return events.Read(d, func(report events.TaskReport) error { return h.report(ctx, report) })
	case events.TypeRepairRequest:
		return events.Read(d, func(request events.RepairRequest) error {
			if request.RequestedBy != "" { // which must be said all the same
				request.RequestedBy = d.Who(request.RequestedBy)
			}
			return h.answer(ctx, request, d)
		})
	case events.TypeStep:
		return events.Read(d, func(step events.Step) error { return h.step(ctx, step, d) })
	}
	h.ignore(ctx, "message of a type that is not handled", "messageId", d.ID)
	return nil
}

// step goes on with a repair.
func (h *Handler) step(ctx context.Context, step events.Step, d events.Delivery) error {
	if step.Of != events.OfRepair {
		h.ignore(ctx, "message of a type that is not handled", "messageId", d.ID)
		return nil
	}
	err := h.machine().Drive(ctx, step.ID, lifecycle.Cursor{Step: pool.Step(step.Step), Try: step.Try, Redelivered: d.Redelivered})
	if errors.Is(err, pool.ErrNotFound) {
		h.ignore(ctx, "message about an unknown repair", "host", step.ID)
		return nil
	}
	return err
}

// ignore logs and counts what is no concern of ours.
func (h *Handler) ignore(ctx context.Context, message string, args ...any) {
	h.Log.InfoContext(ctx, message, args...)
	h.Metrics.Count(telemetry.EventsIgnored, 1)
}
