package decommission

import (
	"bytes"
	"context"
	"fmt"
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
	"headroom/internal/adapter/secrets/secretstest"
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
	reports              = "headroom-dev-reports"
	reporter             = "arn:aws:iam::123456789012:role/reporter"
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
	restores *queuetest.Queue
	refused  *queuetest.Queue
	hosts    []pool.HostID
	named    int
	written  bytes.Buffer // logs and metrics

	inspect   func(what, name string) // is told of each call that destroys
	fail      map[string]error        // calls that fail, by operation
	call      killtest.Call
	complain  bool                           // a message that fails fails the test
	stuck     int                            // how often people were told that something was given up
	overdue   int                            // how often a step was tried again because its deadline was over
	checked   time.Time                      // the minute of the last pool check
	programs  int                            // tasks that ran
	failing   map[string][]events.TaskReport // what the next tasks report, by job
	probed    []string                       // shares and the addresses of tasks that looked into them
	furnished map[string]bool                // lives that had something of their own
	dirty     []string                       // what is found in every database that is looked into
	dying     map[string][]int               // what the next tasks end with, without a report, by job
	silent    []string                       // tasks that report nothing
	lost      map[string]bool                // gateways that nothing can be asked of any more, by their ARNs
	dumped    map[string][]string            // rows that were archived, by the archive's key
}

// newWorld makes a world with a tenant "acme" that is ready, and has files and rows.
func newWorld(t fatal) *world {
	w := &world{
		t: t, now: start, terms: pool.DefaultTerms, ledger: memory.New(memory.Options{}), secrets: &secretstest.Fake{},
		gateways: &gatewaytest.Service{Keys: map[string]bool{}}, groups: firewalltest.New("sg-1", "sg-2", "sg-3", "sg-4"), tags: &bucketstest.S3{},
		servers: map[string]*server{}, bus: &bustest.Bus{}, topic: &notifytest.Topic{}, fail: map[string]error{}, dumped: map[string][]string{}, lost: map[string]bool{}, failing: map[string][]events.TaskReport{}, dying: map[string][]int{}, call: undisturbed, complain: true,
	}
	w.terms.Grace, w.terms.CoolDown = pool.Term(grace), pool.Term(coolDown)
	w.gateways.Now = w.clock
	w.objects = &objectstest.S3{Now: w.clock}
	w.objects.Add(archives, true)
	w.objects.Add(reports, false)
	w.gateways.Put = func(bucket, key string, content []byte) error {
		_, err := w.store().Put(context.Background(), pool.ObjectSpec{Bucket: bucket, Key: key, KMSKey: archiveKey, ContentType: "text/csv"}, content)
		return err
	}
	w.cluster = &taskstest.ECS{Now: w.clock, Program: w.program}
	w.requests, w.steps = queuetest.New(w.clock), queuetest.New(w.clock)
	w.checks, w.restores, w.refused = queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock)
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
		Announce: announcer, Steps: sender(w.steps), StepsQueue: queuetest.Name, PoolChecks: sender(w.checks), Restores: sender(w.restores), Refused: sender(w.refused),
		Archives: archives, ArchiveKey: archiveKey, ShareKey: shareKey, Reports: reports, Reporter: reporter, Nobody: nobody, Backups: 7 * 24 * time.Hour, Logs: 14 * 24 * time.Hour, AtOnce: 2, Stage: "dev",
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
	return w.serveAt(id, address, w.host("database-standard-1"), w.host("share-standard-1"), n)
}

// serveOn makes a tenant ready, on the first slots of the n-th hosts.
func (w *world) serveOn(id pool.TenantID, address string, n int) pool.Tenant {
	w.t.Helper()
	host := func(kind pool.Kind) pool.Host { return w.host(pool.Key{Kind: kind, Tier: tier}.Host(n)) }
	return w.serveAt(id, address, host(pool.Database), host(pool.Share), 1)
}

func (w *world) serveAt(id pool.TenantID, address string, database, share pool.Host, n int) pool.Tenant {
	w.t.Helper()
	ctx := context.Background()
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
	bucket := pool.BucketName(share.Slot(n).Bucket)
	w.write(bucket, "a file of "+string(id), "content")
	w.write(bucket, "folder/another", "more content")
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

// write writes a file into the bucket of a share.
func (w *world) write(bucket, key, content string) {
	w.t.Helper()
	_, err := w.store().Put(context.Background(), pool.ObjectSpec{Bucket: bucket, Key: key, KMSKey: shareKey, ContentType: "text/plain"}, []byte(content))
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
