package decommission

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/access"
	s3tags "headroom/internal/adapter/buckets"
	"headroom/internal/adapter/buckets/bucketstest"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	ec2 "headroom/internal/adapter/firewall"
	"headroom/internal/adapter/firewall/firewalltest"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	s3 "headroom/internal/adapter/objects"
	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/adapter/secrets"
	"headroom/internal/adapter/secrets/secretstest"
	ecs "headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/announce"
	"headroom/internal/killtest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

const (
	tier       pool.Tier = "standard"
	visibility           = 6 * time.Minute
	nobody               = "192.0.2.1/32"
	archives             = "headroom-dev-archive"
	archiveKey           = "arn:aws:kms:eu-west-1:123456789012:key/archive"
	shareKey             = "arn:aws:kms:eu-west-1:123456789012:key/share"
	grace                = time.Hour
	coolDown             = 2 * time.Hour
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // killed handlers fail by the hundred
	os.Exit(m.Run())
}

// fatal is a test, or a run of a property.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// world is everything that a departure reaches.
type world struct {
	t        fatal
	now      time.Time
	terms    pool.Terms
	ledger   *memory.Ledger
	secrets  *secretstest.Fake
	gateways *gatewaytest.Service
	groups   *firewalltest.Groups
	tags     *bucketstest.S3
	objects  *objectstest.S3
	cluster  *taskstest.ECS
	servers  map[string]*server // by address
	bus      *bustest.Bus
	topic    *notifytest.Topic
	requests *queuetest.Queue // the queue from outside
	signups  *queuetest.Queue // the queue of who signs up; nil: nobody does
	steps    *queuetest.Queue
	checks   *queuetest.Queue
	refused  *queuetest.Queue
	hosts    []pool.HostID
	named    int
	written  bytes.Buffer // logs and metrics

	job      func(events.ArchivistJob) []events.TaskReport // what a task reports; nil: what a good one does
	mute     bool                                          // reports of tasks get lost
	inspect  func(what, name string)                       // is told of each call that destroys
	fail     map[string]error                              // calls that fail, by operation
	call     killtest.Call
	complain bool                           // a message that fails fails the test
	programs int                            // tasks that ran
	failing  map[string][]events.TaskReport // what the next tasks report, by job
	dumped   map[string][]string            // rows that were archived, by the archive's key
}

// newWorld makes a world with a tenant "acme" that is ready, and has files and rows.
func newWorld(t fatal) *world {
	w := &world{
		t: t, now: start, terms: pool.DefaultTerms, ledger: memory.New(memory.Options{}), secrets: &secretstest.Fake{},
		gateways: &gatewaytest.Service{Keys: map[string]bool{}}, groups: firewalltest.New("sg-1", "sg-2"), tags: &bucketstest.S3{},
		servers: map[string]*server{}, bus: &bustest.Bus{}, topic: &notifytest.Topic{}, fail: map[string]error{}, dumped: map[string][]string{}, failing: map[string][]events.TaskReport{}, call: undisturbed, complain: true,
	}
	w.terms.Grace, w.terms.CoolDown = pool.Term(grace), pool.Term(coolDown)
	w.gateways.Now = w.clock
	w.objects = &objectstest.S3{Now: w.clock}
	w.objects.Add(archives, true)
	w.cluster = &taskstest.ECS{Now: w.clock, Program: w.program}
	w.requests, w.steps = queuetest.New(w.clock), queuetest.New(w.clock)
	w.checks, w.refused = queuetest.New(w.clock), queuetest.New(w.clock)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.serve("acme", "10.0.0.1", 1)
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// undisturbed makes a call.
func undisturbed(_ string, do func() error) error { return do() }

// handler makes a process that makes its calls by call.
func (w *world) handler(call killtest.Call) *Handler {
	faulty := func(operation string, do func() error) error {
		return call(operation, func() error {
			if err := w.fail[operation]; err != nil {
				return err
			}
			return do()
		})
	}
	out := outside{w, faulty}
	sender := func(q *queuetest.Queue) killtest.Sender {
		return killtest.Sender{Next: &queue.Sender{Client: q, URL: "url"}, Call: faulty}
	}
	store := killtest.Ledger{Next: w.ledger, Call: faulty}
	reconciler, err := shelf.New(shelf.Config{Ledger: store, Policies: out, Now: w.clock})
	w.must(err)
	metrics := telemetry.Recorder{Out: &w.written, Now: w.clock, Stage: "dev", Log: slog.New(slog.DiscardHandler)}
	announcer, err := announce.New(announce.Config{
		Events:  killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "bus"}, Call: faulty},
		Notify:  killtest.Notifier{Next: &notify.Topic{Client: w.topic, ARN: "topic"}, Call: faulty},
		Metrics: metrics, Now: w.clock, Stage: "dev", Region: "eu-west-1",
	})
	w.must(err)
	h, err := New(Config{
		Ledger: store, Shelf: reconciler, Terms: out, Vault: out, Databases: out,
		Access: access.Writer{Shares: out, Firewall: out}, Firewall: out, Shares: out, Buckets: out, Objects: out, Tasks: out,
		Announce: announcer, Steps: sender(w.steps), StepsQueue: queuetest.Name, PoolChecks: sender(w.checks), Refused: sender(w.refused),
		Archives: archives, ArchiveKey: archiveKey, ShareKey: shareKey, Nobody: nobody, Backups: 7 * 24 * time.Hour, Logs: 14 * 24 * time.Hour, AtOnce: 2, Stage: "dev",
		Name:    func() (string, error) { w.named++; return fmt.Sprintf("next%06d", w.named), nil },
		Metrics: metrics, Log: slog.New(slog.NewJSONHandler(&w.written, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: w.clock,
		Until: func(t time.Time) time.Duration { return t.Sub(w.clock()) },
	})
	w.must(err)
	return h
}

// add puts a host into service whose slots are made and closed.
func (w *world) add(kind pool.Kind, slots int) {
	w.t.Helper()
	ctx, key := context.Background(), pool.Key{Kind: kind, Tier: tier}
	seen, err := w.ledger.Pool(ctx, key)
	w.must(err)
	h := ledgertest.Host(key, seen.Seq+1, slots)
	h.Mark = "order00001"
	if kind == pool.Database {
		s := &server{password: "master-password", databases: map[string]*database{}}
		w.servers[h.Access.Address] = s
		h.Access.MasterSecret = w.secrets.Put("rds!"+string(h.ID), fmt.Sprintf(`{"username":"master","password":%q}`, s.password))
		for _, slot := range h.Slots {
			s.databases[slot.Name] = &database{mark: h.SlotMark(slot)}
		}
	} else {
		w.addShares(&h)
	}
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	w.must(w.ledger.Order(ctx, seen, ordered))
	before, err := w.ledger.Host(ctx, h.ID)
	w.must(err)
	w.must(w.ledger.SaveHost(ctx, before, h, pool.Neutral, w.now))
	w.hosts = append(w.hosts, h.ID)
}

// addShares makes a gateway with shares that are open to nobody.
func (w *world) addShares(h *pool.Host) {
	w.t.Helper()
	ctx, g := context.Background(), &gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}
	w.gateways.Keys[string(h.ID)] = true
	arn, err := g.Activate(ctx, string(h.ID), string(h.ID), nil)
	w.must(err)
	w.must(g.AddCache(ctx, arn))
	for i := range h.Slots {
		slot := &h.Slots[i]
		bucket := pool.BucketName(slot.Bucket)
		w.tags.Add(bucket, nil)
		w.objects.Add(bucket, false)
		w.must((&s3tags.Buckets{Client: w.tags}).Mark(ctx, slot.Bucket, h.SlotMark(*slot)))
		slot.Share, err = g.CreateShare(ctx, pool.ShareSpec{
			Token: slot.Name, Gateway: arn, Bucket: slot.Bucket, Role: slot.Role, Name: slot.Name, Key: shareKey, Clients: []string{nobody},
		})
		w.must(err)
	}
	_, seq, _ := h.ID.Parse()
	h.Access.Gateway, h.Access.SecurityGroup = arn, fmt.Sprintf("sg-%d", seq)
}

// serve makes a tenant ready, on the n-th slots of the first hosts.
func (w *world) serve(id pool.TenantID, address string, n int) pool.Tenant {
	w.t.Helper()
	ctx := context.Background()
	database, share := w.host("database-standard-1"), w.host("share-standard-1")
	w.must(w.ledger.Register(ctx, address, id))
	t, _, err := w.ledger.Request(ctx, pool.Tenant{ID: id, Tier: tier, Mark: "mark" + string(id), Addresses: []string{address}, State: pool.TenantRequested, RequestedAt: w.now})
	w.must(err)
	holding := func(h pool.Host) pool.Holding {
		return pool.Holding{Host: h.ID, Index: n, Generation: 1, Name: h.Slot(n).Name, Address: h.Access.Address, Port: h.Access.Port}
	}
	ready, err := pool.MoveTenant(t, pool.TenantReady, w.now, "test")
	w.must(err)
	ready.Database, ready.Share, ready.ReadyAt = holding(database), holding(share), w.now
	ready.Secret = w.secret(id, t.Mark)
	ready.Spent = []string{"spent" + string(id)} // it was given other slots first
	w.secret(id, ready.Spent[0])
	for _, h := range []pool.Host{database, share} {
		after := h.Clone()
		slot := after.Slot(n)
		slot.State, slot.Tenant = pool.SlotAssigned, id
		w.must(w.ledger.SaveHost(ctx, h, after, pool.Neutral, w.now))
	}
	_, err = w.ledger.SaveTenant(ctx, t, ready)
	w.must(err)
	ref, _ := share.ShareRef(n)
	g := &gateway.Gateways{Client: w.gateways}
	w.must(access.Writer{Shares: g, Firewall: &ec2.Groups{Client: w.groups}}.Set(ctx, ready, ref, share.Access.SecurityGroup))
	w.must(g.Tag(ctx, ref, map[string]string{"headroom:tenant": string(id)}))
	d := w.servers[database.Access.Address].databases[ready.Database.Name]
	d.login, d.rows = true, []string{"rows of " + string(id)}
	w.write(n, "a file of "+string(id), "content")
	w.write(n, "folder/another", "more content")
	return ready
}

// secret makes the secret of a tenant's signup with a mark.
func (w *world) secret(id pool.TenantID, mark string) (arn string) {
	w.t.Helper()
	_, arn, err := outside{w, undisturbed}.vault().Tenant(context.Background(), string(id), mark, func(password string) events.Credentials {
		return events.Credentials{Engine: "postgres", Password: password}
	})
	w.must(err)
	return arn
}

// write writes a file through the n-th share.
func (w *world) write(n int, key, content string) {
	w.t.Helper()
	_, err := w.store().Put(context.Background(), pool.ObjectSpec{Bucket: w.bucket(n), Key: key, KMSKey: shareKey, ContentType: "text/plain"}, []byte(content))
	w.must(err)
}

func (w *world) bucket(n int) string {
	return pool.BucketName(w.slot("share-standard-1", n).Bucket)
}

func (w *world) store() *s3.Objects {
	store, err := s3.New(s3.Config{
		Client: w.objects, Jitter: func() float64 { return 0.5 }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	w.must(err)
	return store
}

// ask puts a request into the queue from outside.
func (w *world) ask(tenant, more string) {
	w.t.Helper()
	w.put(fmt.Sprintf(`{"version":"1","type":"DecommissionRequested","tenantId":%q,"reason":"its contract ended","requestedBy":"billing"%s}`, tenant, more))
}

func (w *world) undo(tenant string) {
	w.t.Helper()
	w.put(fmt.Sprintf(`{"version":"1","type":"UndoRequested","tenantId":%q,"reason":"a mistake","requestedBy":"support"}`, tenant))
}

func (w *world) put(body string) {
	w.t.Helper()
	w.must((&queue.Sender{Client: w.requests, URL: "url"}).SendRaw(context.Background(), body, nil))
}

func (w *world) tenant(id pool.TenantID) pool.Tenant {
	w.t.Helper()
	t, err := w.ledger.Tenant(context.Background(), id)
	w.must(err)
	return t
}

func (w *world) host(id pool.HostID) pool.Host {
	w.t.Helper()
	h, err := w.ledger.Host(context.Background(), id)
	w.must(err)
	return h
}

func (w *world) slot(id pool.HostID, index int) *pool.Slot {
	w.t.Helper()
	h := w.host(id)
	return h.Slot(index)
}

func (w *world) departure(id pool.DepartureID) pool.Departure {
	w.t.Helper()
	d, err := w.ledger.Departure(context.Background(), id)
	w.must(err)
	return d
}

func (w *world) clearance(kind pool.Kind) pool.Clearance {
	w.t.Helper()
	c, err := w.ledger.Clearance(context.Background(), clearanceOf("acme.markacme", kind))
	w.must(err)
	return c
}

// said lists the types of the events that were published, in order.
func (w *world) said() string {
	var types []string
	for _, kind := range []string{"TenantClosed", "TenantReopened", "TenantReleased", "RequestRejected"} {
		for range w.bus.Of(kind) {
			types = append(types, kind)
		}
	}
	return strings.Join(types, " ")
}

// server is a database host.
type server struct {
	password  string
	databases map[string]*database // by slot
}

// database is a slot's database with its role.
type database struct {
	mark   string
	login  bool
	rows   []string
	copier string // its password; empty: there is none
}

// outside makes each call to what the handler reaches one killtest.Call.
type outside struct {
	w    *world
	call killtest.Call
}

func (o outside) Load(context.Context) (pool.Policies, error) {
	var all pool.Policies
	for _, k := range pool.Kinds {
		all = append(all, pool.Policy{Kind: k, Tier: tier, SlotsPerHost: 10, Ceiling: 9, MaxOrders: 1, Placement: pool.Pack})
	}
	return all, nil
}

func (o outside) Terms(context.Context) (pool.Terms, error) { return o.w.terms, nil }

func (o outside) vault() *secrets.Vault {
	return secrets.New(secrets.Config{
		Client: o.w.secrets, Stage: "dev", Prefix: "headroom/dev/tenant/", CopierPrefix: "headroom/dev/copier/", KeyID: "key", Random: rand.Reader,
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Jitter: func() float64 { return 0.5 },
	})
}

// destroys tells the world of a call that destroys something, before it is made.
func (o outside) destroys(what, name string) {
	if o.w.inspect != nil {
		o.w.inspect(what, name)
	}
}

func (o outside) Master(ctx context.Context, arn string) (username, password string, err error) {
	err = o.call("Master", func() (err error) { username, password, err = o.vault().Master(ctx, arn); return err })
	return username, password, err
}

func (o outside) Copier(ctx context.Context, name string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = o.call("Copier", func() (err error) { c, arn, err = o.vault().Copier(ctx, name, fill); return err })
	return c, arn, err
}

func (o outside) DeleteCopier(ctx context.Context, name string) error {
	return o.call("DeleteCopier", func() error { return o.vault().DeleteCopier(ctx, name) })
}

func (o outside) DeleteTenant(ctx context.Context, tenantID, mark string) error {
	return o.call("DeleteTenant", func() error {
		o.destroys("unhanded", tenantID+" "+mark)
		return o.vault().DeleteTenant(ctx, tenantID, mark)
	})
}

func (o outside) DeleteSecret(ctx context.Context, arn string) error {
	return o.call("DeleteSecret", func() error {
		o.destroys("secret", arn)
		return o.vault().DeleteSecret(ctx, arn)
	})
}

func (o outside) Delete(ctx context.Context, bucket string, versions []pool.ObjectVersion) (kept []pool.ObjectRefusal, err error) {
	err = o.call("Delete", func() (err error) {
		o.destroys("objects", bucket)
		kept, err = o.w.store().Delete(ctx, bucket, versions)
		return err
	})
	return kept, err
}

var errNoSlot = errors.New("there is no such slot")

// in does something to a slot's database.
func (o outside) in(operation string, login pool.Login, slot pool.MarkedSlot, do func(*server, *database) error) error {
	return o.call(operation, func() error {
		s := o.w.servers[login.Host]
		if s == nil || login.Password != s.password {
			return fmt.Errorf("log in: %w", pool.ErrLogin)
		}
		d := s.databases[slot.Name]
		if d != nil && slot.Mark != "" && d.mark != slot.Mark {
			return errors.New("the database bears another mark")
		}
		return do(s, d)
	})
}

func (o outside) Close(_ context.Context, login pool.Login, name string) error {
	return o.in("Close", login, pool.MarkedSlot{Name: name}, func(_ *server, d *database) error {
		if d != nil {
			d.login = false
		}
		return nil
	})
}

func (o outside) Closed(_ context.Context, login pool.Login, name string) error {
	return o.in("Closed", login, pool.MarkedSlot{Name: name}, func(_ *server, d *database) error {
		if d != nil && d.login {
			return pool.ErrDatabaseOpen
		}
		return nil
	})
}

func (o outside) Reopen(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("Reopen", login, slot, func(_ *server, d *database) error {
		if d == nil {
			return errNoSlot
		}
		d.login = true
		return nil
	})
}

func (o outside) GrantCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot, password string, _ time.Time) error {
	return o.in("GrantCopier", login, slot, func(_ *server, d *database) error {
		switch {
		case d == nil:
			return errNoSlot
		case d.login:
			return pool.ErrDatabaseOpen
		}
		d.copier = password
		return nil
	})
}

func (o outside) RevokeCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("RevokeCopier", login, slot, func(_ *server, d *database) error {
		if d != nil {
			d.copier = ""
		}
		return nil
	})
}

func (o outside) Drop(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("Drop", login, slot, func(s *server, _ *database) error {
		o.destroys("database", slot.Name)
		delete(s.databases, slot.Name)
		return nil
	})
}

func (o outside) MakeSlot(_ context.Context, login pool.Login, name, mark string, _ int) error {
	return o.in("MakeSlot", login, pool.MarkedSlot{Name: name, Mark: mark}, func(s *server, d *database) error {
		if d == nil {
			s.databases[name] = &database{mark: mark}
		}
		return nil
	})
}

func (o outside) Prove(_ context.Context, login pool.Login, former string, slot pool.MarkedSlot, _ time.Time) (found []string, err error) {
	err = o.in("Prove", login, slot, func(s *server, d *database) error {
		switch {
		case d == nil:
			return errNoSlot
		case s.databases[former] != nil:
			found = append(found, "the former database is there")
		}
		found = append(found, d.rows...)
		return nil
	})
	return found, err
}

func (o outside) gateways() *gateway.Gateways { return &gateway.Gateways{Client: o.w.gateways} }

func (o outside) SetClients(ctx context.Context, share pool.ShareRef, clients []string) error {
	return o.call("SetClients", func() error { return o.gateways().SetClients(ctx, share, clients) })
}

func (o outside) Serves(ctx context.Context, share pool.ShareRef, clients []string) (serves bool, err error) {
	err = o.call("Serves", func() (err error) { serves, err = o.gateways().Serves(ctx, share, clients); return err })
	return serves, err
}

func (o outside) NotifyWhenUploaded(ctx context.Context, share pool.ShareRef) (id string, err error) {
	err = o.call("NotifyWhenUploaded", func() (err error) { id, err = o.gateways().NotifyWhenUploaded(ctx, share); return err })
	return id, err
}

func (o outside) ShareStatus(ctx context.Context, share pool.ShareRef) (status string, err error) {
	err = o.call("ShareStatus", func() (err error) { status, err = o.gateways().ShareStatus(ctx, share); return err })
	return status, err
}

func (o outside) DeleteShare(ctx context.Context, share pool.ShareRef) error {
	return o.call("DeleteShare", func() error {
		o.destroys("share", share.ID)
		return o.gateways().DeleteShare(ctx, share)
	})
}

func (o outside) CreateShare(ctx context.Context, s pool.ShareSpec) (id string, err error) {
	err = o.call("CreateShare", func() (err error) { id, err = o.gateways().CreateShare(ctx, s); return err })
	return id, err
}

func (o outside) Tag(ctx context.Context, ref pool.ObjectRef, tags map[string]string) error {
	return o.call("Tag", func() error { return o.w.store().Tag(ctx, ref, tags) })
}

func (o outside) TagsOf(ctx context.Context, share pool.ShareRef) (tags map[string]string, err error) {
	err = o.call("TagsOf", func() (err error) { tags, err = o.gateways().TagsOf(ctx, share); return err })
	return tags, err
}

func (o outside) Admit(ctx context.Context, group, address, description string) error {
	return o.call("Admit", func() error { return (&ec2.Groups{Client: o.w.groups}).Admit(ctx, group, address, description) })
}

func (o outside) Evict(ctx context.Context, group, address string) error {
	return o.call("Evict", func() error { return (&ec2.Groups{Client: o.w.groups}).Evict(ctx, group, address) })
}

func (o outside) Mark(ctx context.Context, bucket, mark string) error {
	return o.call("Mark", func() error { return (&s3tags.Buckets{Client: o.w.tags}).Mark(ctx, bucket, mark) })
}

func (o outside) MarkOf(ctx context.Context, bucket string) (mark string, err error) {
	err = o.call("MarkOf", func() (err error) { mark, err = (&s3tags.Buckets{Client: o.w.tags}).MarkOf(ctx, bucket); return err })
	return mark, err
}

func (o outside) Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (page pool.ObjectPage, err error) {
	err = o.call("Current", func() (err error) { page, err = o.w.store().Current(ctx, bucket, prefix, from); return err })
	return page, err
}

func (o outside) Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (page pool.ObjectPage, err error) {
	err = o.call("Versions", func() (err error) { page, err = o.w.store().Versions(ctx, bucket, prefix, from); return err })
	return page, err
}

func (o outside) Uploads(ctx context.Context, bucket, prefix string, from pool.UploadCursor) (page pool.UploadPage, err error) {
	err = o.call("Uploads", func() (err error) { page, err = o.w.store().Uploads(ctx, bucket, prefix, from); return err })
	return page, err
}

func (o outside) AbortUpload(ctx context.Context, bucket string, u pool.OpenUpload) error {
	return o.call("AbortUpload", func() error {
		o.destroys("upload", bucket)
		return o.w.store().AbortUpload(ctx, bucket, u)
	})
}

func (o outside) Open(ctx context.Context, ref pool.ObjectRef, size int64) (content io.ReadCloser, stored pool.StoredObject, err error) {
	err = o.call("Open", func() (err error) { content, stored, err = o.w.store().Open(ctx, ref, size); return err })
	return content, stored, err
}

func (o outside) Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (stored pool.StoredObject, err error) {
	err = o.call("Put", func() (err error) { stored, err = o.w.store().Put(ctx, spec, content); return err })
	return stored, err
}

func (o outside) Retain(ctx context.Context, ref pool.ObjectRef, until time.Time) error {
	return o.call("Retain", func() error { return o.w.store().Retain(ctx, ref, until) })
}

func (o outside) runner() *ecs.Runner {
	return &ecs.Runner{
		API: o.w.cluster, Cluster: taskstest.Cluster, Definition: taskstest.Family, Container: taskstest.Container,
		Subnets: []string{"subnet-0a1b2c3d"}, Groups: []string{"sg-0a1b2c3d"},
	}
}

func (o outside) Run(ctx context.Context, order pool.TaskOrder) (arn string, err error) {
	err = o.call("Run", func() (err error) { arn, err = o.runner().Run(ctx, order); return err })
	return arn, err
}

func (o outside) Describe(ctx context.Context, arn string) (task pool.TaskStatus, err error) {
	err = o.call("Describe", func() (err error) { task, err = o.runner().Describe(ctx, arn); return err })
	return task, err
}

func (o outside) Stop(ctx context.Context, arn, why string) error {
	return o.call("Stop", func() error { return o.runner().Stop(ctx, arn, why) })
}
