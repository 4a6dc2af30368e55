// Package decommission takes a tenant that leaves out of its storage, and its slots back into their pools. A departure
// shuts the tenant out, has its data archived and proven, and waits for its grace to be over; then a clearance of each
// of its slots scrubs it, makes it anew, proves it clean and sets it free. Until the clearances begin nothing is
// destroyed, and the departure can be undone.
//
// Each step is recorded with its evidence, and none is begun before the one before is proven. Every call that destroys
// passes pool.Guard, in guard.go, just before it is made.
package decommission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
	"headroom/internal/telemetry"
)

type store interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
	Owner(ctx context.Context, address string) (pool.TenantID, error)
	Unregister(ctx context.Context, address string, seen pool.Tenant) error
	Depart(ctx context.Context, before, after pool.Tenant, d pool.Departure) error
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	SaveDeparture(ctx context.Context, before, after pool.Departure) (pool.Departure, error)
	Rejoin(ctx context.Context, before, after pool.Departure, tombstone, tenant pool.Tenant) error
	BeginScrub(ctx context.Context, before, after pool.Departure, clearances []pool.Clearance) error
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Bays(ctx context.Context) (pool.Bays, error)
	SaveBays(ctx context.Context, before, after pool.Bays) error
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error)
	ForgetRestoration(ctx context.Context, last pool.Restoration, before, after pool.Tenant) error
	Stops(ctx context.Context) (pool.Stops, error)
	Recovery(ctx context.Context) (recovery.Record, error)
	Audit(ctx context.Context, a pool.Audit) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
}

// shelves settle claims, and take slots from tenants that do not get them.
type shelves interface {
	SettleFor(ctx context.Context, t pool.Tenant) error
	TakeFrom(ctx context.Context, t pool.Tenant, holds []pool.Holding, all func(pool.Tenant) bool) error
}

type terms interface {
	Terms(ctx context.Context) (pool.Terms, error)
}

// vault keeps credentials: of tenants, of master users, and of the copiers of single attempts.
type vault interface {
	Master(ctx context.Context, arn string) (username, password string, err error)
	Copier(ctx context.Context, name string, fill func(password string) events.Credentials) (events.Credentials, string, error)
	DeleteCopier(ctx context.Context, name string) error
	// DeleteTenant deletes the secret of a tenant's signup with a mark, for good, if there is one.
	DeleteTenant(ctx context.Context, tenantID, mark string) error
	// DeleteSecret deletes a secret for good, if it is there.
	DeleteSecret(ctx context.Context, arn string) error
}

// databases are the slots of database hosts.
type databases interface {
	Close(ctx context.Context, login pool.Login, name string) error
	Closed(ctx context.Context, login pool.Login, name string) error
	Reopen(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
	GrantCopier(ctx context.Context, login pool.Login, slot pool.MarkedSlot, password string, until time.Time) error
	RevokeCopier(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
	Drop(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error
	MakeSlot(ctx context.Context, login pool.Login, name, mark string, limit int) error
	Prove(ctx context.Context, login pool.Login, former string, slot pool.MarkedSlot, until time.Time) ([]string, error)
}

// accesses sets who may reach a share, and looks whether it is so: access.ErrNotServing when not yet.
type accesses interface {
	Set(ctx context.Context, t pool.Tenant, share pool.ShareRef, group string) error
	// Admit lets a tenant's addresses in to a gateway.
	Admit(ctx context.Context, t pool.Tenant, group string) error
	// Shut closes a share to everybody but one client, which may be nobody.
	Shut(ctx context.Context, share pool.ShareRef, client string) error
	Served(ctx context.Context, share pool.ShareRef, clients []string) error
}

// firewall is the security groups of gateways.
type firewall interface {
	Admit(ctx context.Context, group, address, description string) error
	Evict(ctx context.Context, group, address string) error
}

// shares are the file shares of gateways.
type shares interface {
	NotifyWhenUploaded(ctx context.Context, share pool.ShareRef) (string, error)
	ShareStatus(ctx context.Context, share pool.ShareRef) (string, error)
	DeleteShare(ctx context.Context, share pool.ShareRef) error
	CreateShare(ctx context.Context, s pool.ShareSpec) (string, error)
	TagsOf(ctx context.Context, share pool.ShareRef) (map[string]string, error)
	// StartReport has a report made of the files that fail to upload; FilesIn reads it where it was put.
	StartReport(ctx context.Context, s pool.ReportSpec) (arn string, err error)
	Report(ctx context.Context, arn string) (pool.CacheReport, error)
	DeleteReport(ctx context.Context, arn string) error
	FilesIn(report io.Reader) (pool.FailingFiles, error)
}

// buckets are the buckets of shares, by their ARNs.
type buckets interface {
	Mark(ctx context.Context, bucketARN, mark string) error
	MarkOf(ctx context.Context, bucketARN string) (string, error)
}

// objects are the objects of shares' buckets, and of the archive's.
type objects interface {
	Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error)
	Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error)
	Uploads(ctx context.Context, bucket, prefix string, from pool.UploadCursor) (pool.UploadPage, error)
	Delete(ctx context.Context, bucket string, versions []pool.ObjectVersion) ([]pool.ObjectRefusal, error)
	AbortUpload(ctx context.Context, bucket string, u pool.OpenUpload) error
	Open(ctx context.Context, ref pool.ObjectRef, size int64) (io.ReadCloser, pool.StoredObject, error)
	ReadAll(ctx context.Context, ref pool.ObjectRef, most int64) ([]byte, pool.StoredObject, error)
	Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (pool.StoredObject, error)
	Retain(ctx context.Context, ref pool.ObjectRef, until time.Time) error
	Tag(ctx context.Context, ref pool.ObjectRef, tags map[string]string) error
}

// tasks run the archivist.
type tasks interface {
	Run(ctx context.Context, o pool.TaskOrder) (arn string, err error)
	Describe(ctx context.Context, arn string) (pool.TaskStatus, error)
	Stop(ctx context.Context, arn, why string) error
}

type announcer interface {
	TenantClosed(ctx context.Context, d pool.Departure) error
	TenantReopened(ctx context.Context, d pool.Departure) error
	TenantReleased(ctx context.Context, d pool.Departure, c events.Certificate) error
	RequestRejected(ctx context.Context, kind, messageID, tenantID string, bad *events.FieldError) error
	Refused(ctx context.Context, c pool.Clearance, why string) error
	LeavingRefused(ctx context.Context, d pool.Departure, why string) error
	Quarantined(ctx context.Context, c pool.Clearance) error
	FilesFailing(ctx context.Context, d pool.DepartureID, share pool.Holding, files pool.FailingFiles) error
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
	Access     accesses
	Firewall   firewall
	Shares     shares
	Buckets    buckets
	Objects    objects
	Tasks      tasks
	Announce   announcer
	Steps      sender        // the queue of Headroom's own messages, for what has to wait
	StepsQueue string        // its name: messages of Headroom's own kinds are taken from nowhere else
	PoolChecks sender        // asks for a pool check
	Restores   sender        // the queue of restores' steps
	Refused    keeper        // the dead-letter queue
	Archives   string        // name of the bucket of archives
	ArchiveKey string        // ARN of the KMS key that encrypts them
	ShareKey   string        // ARN of the KMS key of shares' objects
	Reports    string        // name of the bucket that gateways put reports into
	Reporter   string        // ARN of the role by which they do
	Nobody     string        // a client that is nobody: who a closed share is open to
	Backups    time.Duration // for how long backups of database hosts are kept
	Logs       time.Duration // for how long logs are kept
	AtOnce     int           // tenants whose data is copied at once
	Stage      string
	Name       func() (string, error) // draws the opaque name of a slot
	Metrics    telemetry.Recorder
	Log        *slog.Logger
	Now        func() time.Time
	Until      func(time.Time) time.Duration // how much is left until the deadline of an invocation, which need not be by Now
}

// Handler handles the messages of the decommission queue and of its own.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Shelf == nil || c.Terms == nil || c.Vault == nil || c.Databases == nil || c.Access == nil || c.Firewall == nil || c.Shares == nil ||
		c.Buckets == nil || c.Objects == nil || c.Tasks == nil || c.Announce == nil || c.Steps == nil || c.StepsQueue == "" || c.PoolChecks == nil || c.Restores == nil ||
		c.Refused == nil || c.Archives == "" || c.ArchiveKey == "" || c.ShareKey == "" || c.Reports == "" || c.Reporter == "" || c.Nobody == "" || c.Backups <= 0 || c.Logs <= 0 || c.AtOnce < 1 || c.Stage == "" ||
		c.Name == nil || c.Log == nil || c.Now == nil || c.Until == nil {
		return nil, errors.New("decommission: every field of Config is required")
	}
	return &Handler{c}, nil
}

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	kind := events.TypeOf([]byte(d.Body))
	if d.Queue != h.StepsQueue {
		switch kind {
		case events.TypeDecommissionRequested:
			return h.request(ctx, d)
		case events.TypeUndoRequested:
			return h.undo(ctx, d)
		case events.TypeDepartureRequest:
			return h.operate(ctx, d)
		default: // those who may have tenants leave must not be able to say what a task found
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

// step takes a departure's or a clearance's step from where a message wants to go on.
func (h *Handler) step(ctx context.Context, s events.Step, redelivered bool) error {
	from := lifecycle.Cursor{Step: pool.Step(s.Step), Try: s.Try, Redelivered: redelivered, Again: s.Again}
	var err error
	switch s.Of {
	case events.OfDeparture:
		err = h.departures().Drive(ctx, s.ID, from)
	case events.OfClearance:
		err = h.clearances().Drive(ctx, s.ID, from)
	default:
		err = pool.ErrNotFound
	}
	if errors.Is(err, pool.ErrNotFound) {
		h.Log.InfoContext(ctx, "step of what is not known", "of", s.Of, "id", s.ID)
		return nil
	}
	return err
}
