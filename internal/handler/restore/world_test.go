package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/adapter/instances/instancestest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/adapter/secrets/secretstest"
	ecs "headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/announce"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
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
	grace                = time.Hour
	measureLag           = 3 * time.Minute
	source               = "headroom-prod-database-standard-1"
)

var (
	start = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	then  = start.Add(30 * time.Minute) // when the rows were there that are wanted back
	asked = start.Add(time.Hour)        // when they are missed
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // killed handlers fail by the hundred
	os.Exit(m.Run())
}

// fatal is a test, or a run of a property.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// world is everything that a restoration reaches.
type world struct {
	t        fatal
	now      time.Time
	terms    pool.Terms
	moneyCap float64
	ledger   *memory.Ledger
	secrets  *secretstest.Fake
	gateways *gatewaytest.Service
	cluster  *taskstest.ECS
	rds      *instancestest.RDS
	servers  map[string]*server // by address
	past     map[string]*database
	free     int64
	scarce   bool      // a stand-in that is filled takes all that is free
	took     time.Time // when one was seen last
	bus      *bustest.Bus
	topic    *notifytest.Topic
	requests *queuetest.Queue // the queue from outside
	steps    *queuetest.Queue
	refused  *queuetest.Queue
	scrubs   *queuetest.Queue // decommission's
	named    int
	written  bytes.Buffer // logs and metrics
	copied   []string     // files that came back, by bucket and folder

	fail     map[string]error // calls that fail, by operation
	call     killtest.Call
	complain bool                           // a message that fails fails the test
	failing  map[string][]events.TaskReport // what the next tasks report, by job
	dying    map[string][]int               // what the next tasks end with, without a report, by job
	overdue  int
	writes   bool          // acme writes rows all the while
	acked    int           // rows that it wrote, each ten seconds
	out      time.Duration // for how long it could not
	filled   func()        // is called when a stand-in is filled, before that is reported
}

// newWorld makes a world with two tenants on the same hosts, of whom "acme" has lost rows.
func newWorld(t fatal) *world {
	w := &world{
		t: t, now: start, terms: pool.DefaultTerms, ledger: memory.New(memory.Options{}), secrets: &secretstest.Fake{},
		gateways: &gatewaytest.Service{Keys: map[string]bool{}}, rds: &instancestest.RDS{Late: 2}, servers: map[string]*server{}, past: map[string]*database{},
		free: 100 << 30, bus: &bustest.Bus{}, topic: &notifytest.Topic{}, fail: map[string]error{}, call: undisturbed, complain: true,
		failing: map[string][]events.TaskReport{}, dying: map[string][]int{},
	}
	w.terms.Grace = pool.Term(grace)
	w.gateways.Now = w.clock
	w.cluster = &taskstest.ECS{Now: w.clock, Program: w.program}
	w.requests, w.steps, w.refused, w.scrubs = queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock)
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.add(pool.Database, 2) // which has nobody
	w.serve("acme", 1)
	w.serve("other", 2)
	for name, d := range w.databaseServer().databases {
		past := *d
		past.rows = slices.Clone(d.rows)
		w.past[name] = &past
	}
	w.database("acme").rows = []string{"a row since"}
	w.database("other").rows = append(w.database("other").rows, "a row since")
	w.rds.Add(source, start, asked)
	w.now = asked
	return w
}

func (w *world) clock() time.Time { return w.now }

// measured is what is free on the database host, as CloudWatch says it: behind by some minutes. Where room is scarce there
// is none beside a stand-in that was filled.
func (w *world) measured() int64 {
	if !w.scarce {
		return w.free
	}
	for _, d := range w.databaseServer().databases {
		if strings.Contains(d.mark, "stand-in") && len(d.rows) > 0 {
			w.took = w.now
		}
	}
	if !w.took.IsZero() && w.now.Sub(w.took) < measureLag {
		return 1 << 20
	}
	return w.free
}

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
	metrics := telemetry.Recorder{Out: &w.written, Now: w.clock, Stage: "prod", Log: slog.New(slog.DiscardHandler)}
	announcer, err := announce.New(announce.Config{
		Events:  killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "bus"}, Call: faulty},
		Notify:  killtest.Notifier{Next: &notify.Topic{Client: w.topic, ARN: "topic"}, Call: faulty},
		Metrics: metrics, Now: w.clock, Stage: "prod", Region: "eu-west-1",
	})
	w.must(err)
	books := killtest.Ledger{Next: w.ledger, Call: faulty}
	shelves, err := shelf.New(shelf.Config{Ledger: books, Policies: out, Now: w.clock})
	w.must(err)
	h, err := New(Config{
		Ledger: books, Shelf: shelves, Terms: out, Vault: out, Databases: out, Instances: out, Storage: out, Shares: out, Tasks: out,
		Announce: announcer, Steps: sender(w.steps), StepsQueue: queuetest.Name, Scrubs: sender(w.scrubs), Refused: sender(w.refused),
		Versions: 7 * 24 * time.Hour, AtOnce: 2, Stage: "prod",
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
		slot.Share, err = g.CreateShare(ctx, pool.ShareSpec{
			Token: slot.Name, Gateway: arn, Bucket: slot.Bucket, Role: slot.Role, Name: slot.Name, Key: "arn:aws:kms:eu-west-1:123456789012:key/share", Clients: []string{nobody},
		})
		w.must(err)
	}
	h.Access.Gateway = arn
}

// serve makes a tenant ready, on the n-th slots of the first hosts.
func (w *world) serve(id pool.TenantID, n int) {
	w.t.Helper()
	ctx, database, share := context.Background(), w.host("database-standard-1"), w.host("share-standard-1")
	t, _, err := w.ledger.Request(ctx, pool.Tenant{ID: id, Tier: tier, Mark: "mark" + string(id), State: pool.TenantRequested, RequestedAt: w.now})
	w.must(err)
	holding := func(h pool.Host) pool.Holding {
		return pool.Holding{Host: h.ID, Index: n, Generation: 1, Name: h.Slot(n).Name, Address: h.Access.Address, Port: h.Access.Port}
	}
	ready, err := pool.MoveTenant(t, pool.TenantReady, w.now, "test")
	w.must(err)
	ready.Database, ready.Share, ready.ReadyAt = holding(database), holding(share), w.now
	ready.Secret = w.secrets.Put("headroom/prod/tenant/"+string(id), fmt.Sprintf(`{"engine":"postgres","host":%q,"port":%d,"dbname":%q,"username":%q,"password":%q}`,
		database.Access.Address, database.Access.Port, pool.DatabaseName(ready.Database.Name), pool.RoleName(ready.Database.Name), "of "+string(id)))
	for _, has := range []pool.Holding{ready.Database, ready.Share} {
		host := w.host(has.Host)
		after := host.Clone()
		slot := after.Slot(has.Index)
		slot.State, slot.Tenant = pool.SlotAssigned, id
		w.must(w.ledger.SaveHost(ctx, host, after, pool.Neutral, w.now))
	}
	_, err = w.ledger.SaveTenant(ctx, t, ready)
	w.must(err)
	ref, _ := share.ShareRef(n)
	w.must((&gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}).Tag(ctx, ref, map[string]string{"headroom:tenant": string(id)}))
	d := w.database(id)
	d.login, d.password, d.rows = true, "of "+string(id), []string{"a row of " + string(id), "another"}
}

func (w *world) host(id pool.HostID) pool.Host {
	w.t.Helper()
	h, err := w.ledger.Host(context.Background(), id)
	w.must(err)
	return h
}

func (w *world) databaseServer() *server {
	return w.servers[w.host("database-standard-1").Access.Address]
}

// database is a tenant's own, or what one had that leaves, whichever has its name now.
func (w *world) database(id pool.TenantID) *database {
	w.t.Helper()
	has := w.has(id).Database
	return w.servers[w.host(has.Host).Access.Address].databases[has.Name]
}

// has is a tenant as it is, or as it was when it left.
func (w *world) has(id pool.TenantID) pool.Tenant {
	w.t.Helper()
	t, err := w.ledger.Tenant(context.Background(), id)
	w.must(err)
	if t.State != pool.TenantLeft {
		return t
	}
	d, err := w.ledger.Departure(context.Background(), pool.DepartureIDOf(t))
	w.must(err)
	return d.Tenant
}

func (w *world) restoration() pool.Restoration {
	w.t.Helper()
	r, err := w.ledger.Restoration(context.Background(), "acme")
	w.must(err)
	return r
}

// ask puts a request into the queue from outside: "database", "share" or both.
func (w *world) ask(parts string, to time.Time) {
	w.t.Helper()
	w.put(events.RestoreRequest{
		Version: events.Version, Type: events.TypeRestoreRequest, TenantID: "acme", Database: strings.Contains(parts, "database"),
		Share: strings.Contains(parts, "share"), To: events.At(to), Reason: "it dropped a table", RequestedBy: "ops",
	})
}

func (w *world) undo() {
	w.t.Helper()
	w.put(events.RestoreUndo{Version: events.Version, Type: events.TypeRestoreUndo, TenantID: "acme", Reason: "the wrong day", RequestedBy: "ops"})
}

func (w *world) put(message any) {
	w.t.Helper()
	w.must((&queue.Sender{Client: w.requests, URL: "url"}).Send(context.Background(), message, 0))
}

// leave has the tenant leave.
func (w *world) leave() {
	w.t.Helper()
	ctx := context.Background()
	t, err := w.ledger.Tenant(ctx, "acme")
	w.must(err)
	left, d, err := pool.Leave(t, pool.Departure{Tenant: t, RequestedAt: w.now, Reason: "it leaves"}, w.terms, w.now)
	w.must(err)
	w.must(w.ledger.Depart(ctx, t, left, d))
}

// program stands for the restorer.
func (w *world) program(t taskstest.Task) int {
	var job events.ArchivistJob
	w.must(json.Unmarshal([]byte(t.Environment[ecs.JobVariable]), &job))
	if failing := w.failing[job.Job]; len(failing) > 0 {
		if job.Job == events.JobRestoreDatabase {
			_ = w.copy(job)
		}
		w.failing[job.Job] = failing[1:]
		w.report(job, failing[0])
		return 0
	}
	if dying := w.dying[job.Job]; len(dying) > 0 {
		w.dying[job.Job] = dying[1:]
		return dying[0]
	}
	w.report(job, events.TaskReport{Bytes: 5, Total: 10})
	if job.Job == events.JobRestoreFiles {
		w.copied = append(w.copied, fmt.Sprintf("%s/%s as of %s", job.Bucket, job.Folder, job.At.UTC().Format(time.RFC3339)))
		w.report(job, events.TaskReport{Bytes: 10, Total: 10, Entries: 2, Done: true, Proof: "2 files"})
		return 0
	}
	r := events.TaskReport{Done: true}
	if r.Failure = w.copy(job); r.Failure == "" {
		r.Proof = "1 table"
		if w.filled != nil {
			w.filled()
		}
	}
	w.report(job, r)
	return 0
}

// copy does what a job says, logged in with what its secrets say.
func (w *world) copy(job events.ArchivistJob) (failure string) {
	from := w.find(job.Database.Host, strings.TrimPrefix(job.Database.Name, "d_"), job.Database.Mark)
	to := w.find(job.StandIn.Host, strings.TrimPrefix(job.StandIn.Name, "d_"), job.StandIn.Mark)
	switch {
	case from == nil || to == nil:
		return "there is no such database"
	case from.copier == "" || from.copier != w.password(job.Database.SecretARN):
		return "the copier can't log in"
	case to.filler == "" || to.filler != w.password(job.StandIn.SecretARN):
		return "the filler can't log in"
	}
	to.rows = slices.Clone(from.rows)
	return ""
}

func (w *world) find(address, name, mark string) *database {
	s := w.at(address)
	if s == nil || s.databases[name] == nil || s.databases[name].mark != mark {
		return nil
	}
	return s.databases[name]
}

func (w *world) password(arn string) string {
	for _, s := range w.secrets.Secrets() {
		if s.ARN == arn {
			var c events.Credentials
			w.must(json.Unmarshal([]byte(s.Value), &c))
			return c.Password
		}
	}
	return ""
}

// at is the server at an address. A temporary instance is what its source was.
func (w *world) at(address string) *server {
	name, temporary := strings.CutSuffix(address, ".rds.internal")
	if s := w.servers[address]; s != nil || !temporary {
		return s
	}
	if from, _ := w.rds.RestoredTo(name); from != source {
		return nil
	}
	s := &server{password: "temporary-password", databases: map[string]*database{}}
	for slot, d := range w.past {
		past := *d
		past.rows = slices.Clone(d.rows)
		s.databases[slot] = &past
	}
	w.servers[address] = s
	return s
}

// report puts a report of a job into the handler's own queue.
func (w *world) report(job events.ArchivistJob, r events.TaskReport) {
	r.Version, r.Type, r.Job, r.Of, r.ID, r.Attempt = events.Version, events.TypeTaskReport, job.Job, job.Of, job.ID, job.Attempt
	w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(context.Background(), r, 0))
}

// run lets everything happen for a time: messages, events of ECS and of the gateway, and the pool check.
func (w *world) run(d time.Duration, deliver func(events.Delivery) error) {
	w.t.Helper()
	for end := w.now.Add(d); !w.now.After(end); w.now = w.now.Add(10 * time.Second) {
		for range 200 {
			if !w.deliverOne(w.requests, deliver, false) && !w.deliverOne(w.steps, deliver, true) {
				break
			}
		}
		for _, body := range slices.Concat(w.cluster.Take(), w.gateways.Take()) {
			w.must((&queue.Sender{Client: w.steps, URL: "url"}).SendRaw(context.Background(), string(body), nil))
		}
		for _, t := range w.cluster.Live() { // they show late, and the fake counts looks
			_, _ = (outside{w, undisturbed}).runner().Describe(context.Background(), t.ARN)
		}
		w.retryOverdue()
		w.scrub()
		w.write()
	}
}

func (w *world) deliverOne(q *queuetest.Queue, deliver func(events.Delivery) error, own bool) bool {
	d, ok := q.Receive(visibility)
	if !ok {
		return false
	}
	if !own {
		d.Queue = "restore"
	}
	err := deliver(d)
	if err == nil {
		q.Delete(d.ID)
	} else if w.complain {
		w.t.Fatal(d.Body, err)
	}
	return true
}

// retryOverdue has steps tried again whose deadline is over, as the pool check does.
func (w *world) retryOverdue() {
	ctx := context.Background()
	overdue, err := w.ledger.OverdueRestorations(ctx, w.now, 10)
	w.must(err)
	for _, id := range overdue {
		_, r, err := ledger.UpdateRestoration(ctx, w.ledger, id, func(r pool.Restoration) (pool.Restoration, error) {
			after, changed, err := pool.OverdueRestoration(r, w.now)
			if err == nil && !changed {
				err = ledger.ErrUnchanged
			}
			if r.Step != pool.StepSweep {
				w.overdue++
			}
			return after, err
		})
		w.must(err)
		w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(ctx, events.NewStep(events.OfRestoration, string(id), string(r.Step), r.Count+1), 0))
	}
}

// once delivers a message to a handler.
func (w *world) once(d events.Delivery) error {
	return w.handler(w.call).Message(context.Background(), d)
}

// until lets everything happen until the restoration has come so far.
func (w *world) until(far func(pool.Restoration) bool) {
	w.t.Helper()
	for range 5000 {
		w.run(0, w.once)
		if r, err := w.ledger.Restoration(context.Background(), "acme"); err == nil && far(r) {
			return
		}
	}
	w.t.Fatal("it does not come so far: ", w.restoration())
}

// server is a database host.
type server struct {
	password  string
	databases map[string]*database // by slot
}

// database is a slot's database with its role.
type database struct {
	mark  string
	login bool
	rows  []string
	shut  bool // nobody is let in, whoever may log in: it changes places
	may   bool // whether its role may, while it is shut

	password string // with which its role logs in, where it may
	settings []pool.Setting
	copier   string // its password; empty: there is none
	filler   string // likewise of a stand-in's role
}

// sorted are the names of the server's databases.
func (s *server) sorted() []string { return slices.Sorted(maps.Keys(s.databases)) }
