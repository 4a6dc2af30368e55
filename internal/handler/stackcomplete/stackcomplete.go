// Package stackcomplete makes hosts ready: it hears from CloudFormation how a host's stack ended,
// then prepares the host step by step, and puts it into service; or it cleans up after a failure.
//
// What must wait is a step in the host's record, and a delayed message that goes on with it. Every
// message may come late, twice or out of order, and an invocation may be killed between any two
// calls: a step that was not recorded as done is done again, and each does nothing twice.
package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Stops(ctx context.Context) (pool.Stops, error)
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Repair(ctx context.Context, host pool.HostID) (pool.Repair, error)
	Bays(ctx context.Context) (pool.Bays, error)
	Audit(ctx context.Context, a pool.Audit) error
	Reject(ctx context.Context, r pool.Rejection) error
}

type cloudFormation interface {
	Describe(ctx context.Context, nameOrID string) (pool.StackStatus, error)
	Failure(ctx context.Context, nameOrID string) (string, error)
	Delete(ctx context.Context, nameOrID, token string) error
	Update(ctx context.Context, change pool.StackChange) (changed bool, err error)
}

type appliances interface {
	Key(ctx context.Context, address string) (string, error)
}

type gateways interface {
	Find(ctx context.Context, name, mark string) (string, error)
	Activate(ctx context.Context, key, name string, tags map[string]string) (string, error)
	Running(ctx context.Context, arn string) error
	AddCache(ctx context.Context, arn string) error
	CreateShare(ctx context.Context, s pool.ShareSpec) (id string, err error)
	Shares(ctx context.Context, gateway string, ids []string) (statusByID map[string]string, err error)
	Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error
	Bears(ctx context.Context, gateway, mark string) (bool, error)
	SharesOf(ctx context.Context, gateway string) (ids []string, err error)
	ShareStatus(ctx context.Context, share pool.ShareRef) (string, error)
	DeleteShare(ctx context.Context, share pool.ShareRef) error
	DeleteGateway(ctx context.Context, gateway string) error
}

// accesses closes shares, and gateways to those who have none there.
type accesses interface {
	Shut(ctx context.Context, share pool.ShareRef, nobody string) error
	Admit(ctx context.Context, t pool.Tenant, group string) error
	Evict(ctx context.Context, group string, addresses []string) error
}

type buckets interface {
	Mark(ctx context.Context, bucketARN, mark string) error
}

type databases interface {
	Harden(ctx context.Context, login pool.Login) error
	MakeSlot(ctx context.Context, login pool.Login, name, mark string, limit int) error
	Close(ctx context.Context, login pool.Login, name string) error
	Ping(ctx context.Context, login pool.Login) error
	Strange(ctx context.Context, login pool.Login, slots []pool.MarkedSlot, outOfUse []string) ([]string, error)
	Found(ctx context.Context, login pool.Login) ([]pool.FoundDatabase, error)
}

// prober looks whether an NFS server answers at an address.
type prober interface {
	Null(ctx context.Context, address string) error
}

type vault interface {
	Master(ctx context.Context, arn string) (username, password string, err error)
}

type announcer interface {
	Host(ctx context.Context, h pool.Host) error
	HostFailed(ctx context.Context, h pool.Host, r pool.Record) error
	NotRetired(ctx context.Context, h pool.Host, why string) error
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Config is what a Handler is built from. All fields are required, but for Metrics.
type Config struct {
	Ledger      store
	Stacks      cloudFormation
	Machines    attacher
	Appliances  appliances
	Gateways    gateways
	Access      accesses
	Buckets     buckets
	Empties     bucketDisposal   // buckets of hosts that are retired, and of slots that are taken back
	Instances   instanceDisposal // of hosts that are retired
	Databases   databases
	Prober      prober
	Vault       vault
	Announce    announcer
	Steps       sender                 // the function's own queue, for what has to wait
	PoolChecks  sender                 // asks for a pool check
	Name        func() (string, error) // makes the opaque name of a slot
	Stage       string
	StackPrefix string        // "headroom-<stage>-"
	StackRole   string        // ARN of the role by which CloudFormation changes hosts
	Nobody      string        // client list of a share without a tenant
	ShareKey    string        // ARN of the KMS key of shares' objects
	Backups     time.Duration // how long the last snapshot of an instance is kept
	Metrics     telemetry.Recorder
	Log         *slog.Logger
	Now         func() time.Time
	Until       func(time.Time) time.Duration // how much is left until the deadline of an invocation, which need not be by Now
}

// Handler handles the messages of the host events queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Stacks == nil || c.Machines == nil || c.Appliances == nil || c.Gateways == nil || c.Access == nil || c.Buckets == nil || c.Empties == nil || c.Instances == nil || c.Backups <= 0 ||
		c.Databases == nil || c.Prober == nil || c.Vault == nil || c.Announce == nil || c.Steps == nil || c.PoolChecks == nil || c.Name == nil ||
		c.Stage == "" || c.StackPrefix == "" || c.StackRole == "" || c.Nobody == "" || c.ShareKey == "" || c.Log == nil || c.Now == nil || c.Until == nil {
		return nil, errors.New("stackcomplete: every field of Config is required")
	}
	return &Handler{c}, nil
}

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	switch kind := events.TypeOf([]byte(d.Body)); kind {
	case events.TypeStackStatusChange:
		var event events.Envelope[events.StackStatusChange]
		if err := events.Decode([]byte(d.Body), &event); err != nil {
			return fmt.Errorf("read a %s event: %w", kind, err)
		}
		return h.stackEvent(ctx, event.Detail, d.Redelivered)
	case events.TypeStep:
		var step events.Step
		if err := events.Decode([]byte(d.Body), &step); err != nil {
			return fmt.Errorf("read a %s message: %w", kind, err)
		}
		return h.proceed(ctx, pool.HostID(step.ID), lifecycle.Cursor{Step: pool.Step(step.Step), Try: step.Try, Redelivered: d.Redelivered})
	case events.TypeHostRequest:
		var request events.HostRequest
		if err := events.Decode([]byte(d.Body), &request); err != nil {
			return fmt.Errorf("read a %s message: %w", kind, err)
		}
		request.RequestedBy = d.Who(request.RequestedBy)
		return h.request(ctx, request, d)
	case events.TypeDoneByHand: // it is on record, which is all that it is for
		return nil
	default:
		h.ignore(ctx, "message of a type that is not handled", "messageId", d.ID, "type", kind)
		return nil
	}
}

// ignore logs and counts what is no concern of ours.
func (h *Handler) ignore(ctx context.Context, message string, args ...any) {
	h.Log.InfoContext(ctx, message, args...)
	h.Metrics.Count(telemetry.EventsIgnored, 1)
}
