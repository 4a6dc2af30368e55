// Package restore has a tenant go back in time, or move to another host (move.go). To go back: its database, the files of its share, or both. The database is fetched from
// a temporary instance, which RDS makes of the host as it was, into a stand-in beside the present one; then the two change
// places, and the present one is kept until the grace is over. Files come into a folder of their own.
//
// Until the change of places nothing of the tenant is touched, and whatever fails is taken back. The temporary instance
// holds a copy of all of its host's tenants' data: it goes whatever happens.
package restore

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
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error)
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	Bays(ctx context.Context) (pool.Bays, error)
	SaveBays(ctx context.Context, before, after pool.Bays) error
	Stops(ctx context.Context) (pool.Stops, error)
	Audit(ctx context.Context, a pool.Audit) error
	HoldMoney(ctx context.Context, name string, price, most pool.Cents) error
	FreeMoney(ctx context.Context, name string) error
}

// shelves keep the shelves of which a slot may be taken that a tenant moves to.
type shelves interface {
	SettleFor(ctx context.Context, t pool.Tenant) error
	SetAside(ctx context.Context, tier pool.Tier, has pool.Holding, tenant pool.TenantID) error
	PutBack(ctx context.Context, tier pool.Tier) error
}

type terms interface {
	Terms(ctx context.Context) (pool.Terms, error)
	Document(ctx context.Context) (pool.Document, error)
}

// vault keeps credentials: of master users, and of the roles that an attempt copies with.
type vault interface {
	Master(ctx context.Context, arn string) (username, password string, err error)
	Copier(ctx context.Context, name string, fill func(password string) events.Credentials) (events.Credentials, string, error)
	DeleteCopier(ctx context.Context, name string) error
	Repoint(ctx context.Context, id string, at events.Credentials) (events.Credentials, error)
}

// databases are the slots of database hosts, and of temporary instances.
type databases interface {
	Close(ctx context.Context, login pool.Login, name string) error
	Closed(ctx context.Context, login pool.Login, name string) error
	Open(ctx context.Context, login pool.Login, name, password string) error
	Reopen(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
	RevokeCopier(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
	Settings(ctx context.Context, login pool.Login, slot pool.MarkedSlot) ([]pool.Setting, error)
	Configure(ctx context.Context, login pool.Login, slot pool.MarkedSlot, settings []pool.Setting) error
	GrantCopier(ctx context.Context, login pool.Login, slot pool.MarkedSlot, password string, until time.Time) error
	Size(ctx context.Context, login pool.Login, slot pool.MarkedSlot) (int64, error)
	PrepareStandIn(ctx context.Context, login pool.Login, standIn pool.MarkedSlot, limit int, password string, until time.Time) error
	HandOver(ctx context.Context, login pool.Login, slot, standIn pool.MarkedSlot) error
	Swap(ctx context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error
	SwapBack(ctx context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error
	LetIn(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
	Drop(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
}

// instances makes temporary instances of what others were at a time. Each call asks, and a later look finds what came of it.
type instances interface {
	Restorable(ctx context.Context, source string) (pool.Restorable, error)
	Restore(ctx context.Context, o pool.InstanceOrder) error
	Look(ctx context.Context, name string) (pool.RestoredInstance, error)
	List(ctx context.Context) ([]pool.RestoredInstance, error)
	ManageMaster(ctx context.Context, name, mark string) error
	Delete(ctx context.Context, name, mark string) error
}

// storage tells how many bytes are free on an instance; pool.ErrNotFound when nothing was measured lately.
type storage interface {
	Free(ctx context.Context, instance string) (int64, error)
}

// shares are the file shares of gateways.
type shares interface {
	NotifyWhenUploaded(ctx context.Context, share pool.ShareRef) (string, error)
	RefreshCache(ctx context.Context, share pool.ShareRef) (string, error)
	TagsOf(ctx context.Context, share pool.ShareRef) (map[string]string, error)
}

// tasks run the restorer.
type tasks interface {
	Run(ctx context.Context, o pool.TaskOrder) (arn string, err error)
	Describe(ctx context.Context, arn string) (pool.TaskStatus, error)
	Stop(ctx context.Context, arn, why string) error
}

type announcer interface {
	TenantRestored(ctx context.Context, r pool.Restoration, missing []pool.Missing) error
	TenantMoves(ctx context.Context, r pool.Restoration) error
	TenantMoved(ctx context.Context, r pool.Restoration, t pool.Tenant) error
	RestoreUndone(ctx context.Context, r pool.Restoration) error
	RestoreFailed(ctx context.Context, r pool.Restoration) error
	RestoreWaits(ctx context.Context, r pool.Restoration, why string) error
	InstanceLeft(ctx context.Context, i pool.RestoredInstance, why string) error
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
	Shelf      shelves
	Terms      terms
	Vault      vault
	Databases  databases
	Instances  instances
	Storage    storage
	Shares     shares
	Tasks      tasks
	Announce   announcer
	Steps      sender        // the queue of Headroom's own messages, for what has to wait
	StepsQueue string        // its name: messages of Headroom's own kinds are taken from nowhere else
	Scrubs     sender        // the queue of decommission's steps, which clears slots
	Refused    keeper        // the dead-letter queue
	Versions   time.Duration // for how long a share's bucket keeps what is not current any more
	AtOnce     int           // tenants whose data is copied at once
	Stage      string
	Name       func() (string, error) // draws an opaque name of a slot
	Metrics    telemetry.Recorder
	Log        *slog.Logger
	Now        func() time.Time
	Until      func(time.Time) time.Duration // how much is left until the deadline of an invocation, which need not be by Now
}

// Handler handles the messages of the restore queue and of its own.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Shelf == nil || c.Terms == nil || c.Scrubs == nil || c.Vault == nil || c.Databases == nil || c.Instances == nil || c.Storage == nil || c.Shares == nil ||
		c.Tasks == nil || c.Announce == nil || c.Steps == nil || c.StepsQueue == "" || c.Refused == nil || c.Versions <= 0 || c.AtOnce < 1 ||
		c.Stage == "" || c.Name == nil || c.Log == nil || c.Now == nil || c.Until == nil {
		return nil, errors.New("restore: every field of Config is required")
	}
	return &Handler{c}, nil
}

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	kind := events.TypeOf([]byte(d.Body))
	if d.Queue != h.StepsQueue {
		switch kind {
		case events.TypeRestoreRequest:
			return h.request(ctx, d)
		case events.TypeRestoreUndo:
			return h.undo(ctx, d)
		case events.TypeMoveRequest:
			return h.move(ctx, d)
		default: // those who may have tenants restored must not be able to say what a task found
			return h.refuse(ctx, d, kind, "", &events.FieldError{Field: "type", Reason: "is none that may be sent to this queue"})
		}
	}
	switch kind {
	case events.TypeStep:
		return events.Read(d, func(step events.Step) error { return h.step(ctx, step, d.Redelivered) })
	case events.TypeTaskReport:
		return events.Read(d, func(report events.TaskReport) error { return h.report(ctx, report) })
	case events.TypeTaskStateChange:
		return events.Read(d, func(event events.Envelope[events.TaskStateChange]) error { return h.taskChanged(ctx, event.Detail) })
	case events.TypeFileUpload:
		return events.Read(d, func(event events.Envelope[events.FileUpload]) error {
			return h.uploaded(ctx, event.Resources, event.Detail)
		})
	case events.TypeMoveOff:
		return events.Read(d, func(off events.MoveOff) error { return h.moveOff(ctx, d, off) })
	case events.TypeRestoreRound:
		return h.round(ctx)
	default:
		h.Log.InfoContext(ctx, "message of a type that is not handled", "messageId", d.ID, "type", kind)
		h.Metrics.Count(telemetry.EventsIgnored, 1)
		return nil
	}
}

// refuse keeps a bad message in the dead-letter queue and announces what is wrong with it.
func (h *Handler) refuse(ctx context.Context, d events.Delivery, kind, tenantID string, bad *events.FieldError) error {
	// Commit point: the message is kept before it leaves the queue. Killed after this, its next delivery keeps it
	// twice, which loses nothing.
	if err := h.Refused.SendRaw(ctx, d.Body, d.Kept(bad)); err != nil {
		return fmt.Errorf("keep a refused message: %w", err)
	}
	h.Log.WarnContext(ctx, "request rejected", "messageId", d.ID, "type", kind, "tenant", tenantID, "field", bad.Field, "reason", bad.Reason)
	return h.Announce.RequestRejected(ctx, kind, d.ID, tenantID, bad)
}

// step takes a restoration's step from where a message wants to go on.
func (h *Handler) step(ctx context.Context, s events.Step, redelivered bool) error {
	from := lifecycle.Cursor{Step: pool.Step(s.Step), Try: s.Try, Redelivered: redelivered, Again: s.Again}
	err := pool.ErrNotFound
	if s.Of == events.OfRestoration {
		err = h.machine().Drive(ctx, s.ID, from)
	}
	if errors.Is(err, pool.ErrNotFound) {
		h.Log.InfoContext(ctx, "step of what is not known", "of", s.Of, "id", s.ID)
		return nil
	}
	return err
}
