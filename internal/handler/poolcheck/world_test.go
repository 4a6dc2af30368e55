package poolcheck

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/adapter/stacks"
	"headroom/internal/adapter/stacks/stackstest"
	"headroom/internal/announce"
	"headroom/internal/killtest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

const tier pool.Tier = "standard"

const (
	prefix     = "headroom-dev-"
	firstImage = "ami-00000000000000001" // the newest image of gateways until a test says otherwise
)

var (
	start     = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	databases = pool.Key{Kind: pool.Database, Tier: tier}
	shares    = pool.Key{Kind: pool.Share, Tier: tier}
)

// world is everything that a pool check reaches.
type world struct {
	t         testing.TB
	now       time.Time
	ledger    *memory.Ledger
	stacks    *stackstest.CloudFormation
	bus       *bustest.Bus
	topic     *notifytest.Topic
	signups   *queuetest.Queue
	leaving   *queuetest.Queue
	changes   *queuetest.Queue
	repairs   *queuetest.Queue
	restores  *queuetest.Queue
	steps     *queuetest.Queue
	policies  pool.Policies
	image     string                    // the newest of gateways
	alarms    map[string]pool.AlarmMark // that there are
	instances map[string]string         // what RDS says of them, by name
	multiZone bool                      // AWS chooses the zones of databases
	broken    error                     // of the policies
	fail      map[string]error          // calls that fail, by operation
	metrics   strings.Builder
	marks     int // drawn so far
	came      int // tenants, by come
	moneyCap  float64
	given     map[string]int // quotas by the policy document
}

// newWorld makes a world without hosts, whose policies ask for none.
func newWorld(t testing.TB) *world {
	w := &world{
		t: t, now: start, ledger: memory.New(memory.Options{}), stacks: &stackstest.CloudFormation{},
		bus: &bustest.Bus{}, topic: &notifytest.Topic{}, fail: map[string]error{}, image: firstImage,
	}
	w.signups, w.steps = queuetest.New(w.clock), queuetest.New(w.clock)
	w.leaving, w.changes, w.repairs = queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock)
	w.restores = queuetest.New(w.clock)
	for _, k := range pool.Kinds {
		w.policies = append(w.policies, pool.Policy{Kind: k, Tier: tier, SlotsPerHost: 10, Ceiling: 5, MaxOrders: 2, Placement: pool.Pack})
	}
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
	w.t.Helper()
	faulty := func(operation string, do func() error) error {
		return call(operation, func() error {
			if err := w.fail[operation]; err != nil {
				return err
			}
			return do()
		})
	}
	store, out := killtest.Ledger{Next: w.ledger, Call: faulty}, outside{w, faulty}
	reconciler, err := shelf.New(shelf.Config{Ledger: store, Policies: out, Now: w.clock})
	w.must(err)
	metrics := telemetry.Recorder{Out: &w.metrics, Now: w.clock, Stage: "dev", Log: slog.New(slog.DiscardHandler)}
	announcer, err := announce.New(announce.Config{
		Events: killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "bus"}, Call: faulty},
		Notify: killtest.Notifier{Next: &notify.Topic{Client: w.topic, ARN: "arn"}, Call: faulty},
		Ledger: store, Metrics: metrics, Now: w.clock, Stage: "dev", Region: "eu-west-1",
	})
	w.must(err)
	zones := []pool.Zone{{Name: "eu-west-1a", Subnet: "subnet-a"}, {Name: "eu-west-1b", Subnet: "subnet-b"}}
	databaseZones := zones
	if w.multiZone {
		databaseZones = nil
	}
	h, err := New(Config{
		Ledger: store, Shelf: reconciler, Policies: out, Stacks: out, Images: out, Alarms: out, Instances: out, Announce: announcer,
		Signups:    killtest.Sender{Next: &queue.Sender{Client: w.signups, URL: "signups"}, Call: faulty},
		Leaving:    killtest.Sender{Next: &queue.Sender{Client: w.leaving, URL: "leaving"}, Call: faulty},
		Changes:    killtest.Sender{Next: &queue.Sender{Client: w.changes, URL: "changes"}, Call: faulty},
		Repairs:    killtest.Sender{Next: &queue.Sender{Client: w.repairs, URL: "repairs"}, Call: faulty},
		Restores:   killtest.Sender{Next: &queue.Sender{Client: w.restores, URL: "restores"}, Call: faulty},
		HostEvents: killtest.Sender{Next: &queue.Sender{Client: w.steps, URL: "steps"}, Call: faulty},
		Templates: map[pool.Kind]Template{
			pool.Database: {URL: "https://s3/database", Parameters: map[string]string{"VpcId": "vpc"}, Zones: databaseZones},
			pool.Share:    {URL: "https://s3/share", Zones: zones},
		},
		StackRole: "arn:role", StackPrefix: prefix, Stage: "dev",
		Mark:    func() (string, error) { w.marks++; return fmt.Sprintf("mark%04d", w.marks), nil },
		Metrics: metrics, Log: slog.New(slog.DiscardHandler), Now: w.clock,
	})
	w.must(err)
	return h
}

// outside makes each call to what has no double of its own one killtest.Call.
type outside struct {
	w    *world
	call killtest.Call
}

func (o outside) Load(context.Context) (pool.Policies, error) { return o.w.policies, o.w.broken }

func (o outside) Document(context.Context) (pool.Document, error) {
	return pool.Document{Pools: o.w.policies, Terms: pool.DefaultTerms, MoneyCap: o.w.moneyCap, Quotas: o.w.given}, o.w.broken
}

func (o outside) Create(ctx context.Context, order pool.StackOrder) (id string, err error) {
	err = o.call("Create", func() (err error) {
		host := o.w.host(pool.HostID(strings.TrimPrefix(order.Name, prefix)))
		if host.Stack.Name != order.Name || host.Stack.Token != order.Token || host.Mark != order.Tags["headroom:order"] {
			return fmt.Errorf("stack %s was not recorded before it was ordered", order.Name)
		}
		id, err = (&stacks.Client{API: o.w.stacks}).Create(ctx, order)
		return err
	})
	return id, err
}

func (o outside) Describe(ctx context.Context, nameOrID string) (status pool.StackStatus, err error) {
	err = o.call("Describe", func() (err error) {
		status, err = (&stacks.Client{API: o.w.stacks}).Describe(ctx, nameOrID)
		return err
	})
	return status, err
}

func (o outside) States(_ context.Context, names []string) (states map[string]pool.AlarmLook, err error) {
	states = map[string]pool.AlarmLook{}
	err = o.call("States", func() error {
		for _, name := range names {
			if mark, there := o.w.alarms[name]; there {
				states[name] = pool.AlarmLook{On: mark.On, OK: !mark.On, At: mark.At}
			}
		}
		return nil
	})
	return states, err
}

func (o outside) Ringing(_ context.Context, prefix string) (states map[string]pool.AlarmLook, err error) {
	states = map[string]pool.AlarmLook{}
	err = o.call("Ringing", func() error {
		for name, mark := range o.w.alarms {
			if strings.HasPrefix(name, prefix) && mark.On {
				states[name] = pool.AlarmLook{On: true, At: mark.At}
			}
		}
		return nil
	})
	return states, err
}

func (o outside) Statuses(_ context.Context, prefix string) (statuses map[string]string, err error) {
	statuses = map[string]string{}
	err = o.call("Statuses", func() error {
		for name, status := range o.w.instances {
			if strings.HasPrefix(name, prefix) {
				statuses[name] = status
			}
		}
		return nil
	})
	return statuses, err
}

func (o outside) Status(_ context.Context, name string) (status string, err error) {
	err = o.call("Status", func() error {
		there := false
		if status, there = o.w.instances[name]; !there {
			return pool.ErrNotFound
		}
		return nil
	})
	return status, err
}

// check makes one undisturbed pool check.
func (w *world) check() error { return w.checkBy(undisturbed) }

func (w *world) checkBy(call killtest.Call) error {
	message := events.Delivery{ID: "m", Body: `{"version":"1","type":"PoolCheck","reason":"test"}`}
	return w.handler(call).Messages(context.Background(), []events.Delivery{message})
}

// want changes the policy of a pool.
func (w *world) want(key pool.Key, change func(*pool.Policy)) {
	for i := range w.policies {
		if w.policies[i].Key() == key {
			change(&w.policies[i])
		}
	}
}

// add puts a host with free slots into service.
func (w *world) add(key pool.Key, slots int) pool.HostID {
	w.t.Helper()
	ctx := context.Background()
	seen, err := w.ledger.Pool(ctx, key)
	w.must(err)
	h := ledgertest.Host(key, seen.Seq+1, slots)
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	w.must(w.ledger.Order(ctx, seen, ordered))
	w.must(w.ledger.SaveHost(ctx, w.host(h.ID), h, pool.Neutral, w.now))
	return h.ID
}

func (w *world) host(id pool.HostID) pool.Host {
	w.t.Helper()
	h, err := w.ledger.Host(context.Background(), id)
	w.must(err)
	return h
}

// change writes a host as change leaves it.
func (w *world) change(id pool.HostID, change func(pool.Host) pool.Host) {
	w.t.Helper()
	before := w.host(id)
	w.must(w.ledger.SaveHost(context.Background(), before, change(before.Clone()), pool.Neutral, w.now))
}

func (w *world) pool(key pool.Key) pool.Record {
	w.t.Helper()
	r, err := w.ledger.Pool(context.Background(), key)
	w.must(err)
	return r
}

func (w *world) shelf() pool.Shelf {
	w.t.Helper()
	s, err := w.ledger.Shelf(context.Background(), tier)
	w.must(err)
	return s
}

// request records a tenant whose signup is under way.
func (w *world) request(id pool.TenantID) pool.Tenant {
	w.t.Helper()
	t, _, err := w.ledger.Request(context.Background(), pool.Tenant{
		ID: id, Tier: tier, Mark: "k3v9x2m7qa", Addresses: []string{"10.0.0.1"}, State: pool.TenantRequested, RequestedAt: w.now, Progress: pool.Started(pool.StepOpen, w.now),
	})
	w.must(err)
	return t
}

// wait puts a tenant on the waiting list.
func (w *world) wait(id pool.TenantID) {
	w.t.Helper()
	w.request(id)
	seq, err := w.ledger.Draw(context.Background(), tier, id, false)
	w.must(err)
	w.move(id, pool.TenantWaiting, func(t *pool.Tenant) { t.Seq = seq })
}

// move takes a tenant to another state, as changed.
func (w *world) move(id pool.TenantID, to pool.TenantState, change func(*pool.Tenant)) {
	w.t.Helper()
	before := w.tenant(id)
	after, err := pool.MoveTenant(before, to, w.now, "test")
	w.must(err)
	if change != nil {
		change(&after)
	}
	_, err = w.ledger.SaveTenant(context.Background(), before, after)
	w.must(err)
}

// sent lists the bodies in a queue.
func sent(q *queuetest.Queue) []string {
	var bodies []string
	for _, m := range q.Messages() {
		bodies = append(bodies, m.Body)
	}
	return bodies
}

// said lists the types of the events that were published, each once, sorted.
func (w *world) said() []string {
	var types []string
	for _, e := range w.bus.Published() {
		types = append(types, e.DetailType)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// subjects lists the subjects of the notifications, each once.
func (w *world) subjects() []string {
	var subjects []string
	for _, n := range w.topic.Notes() {
		subjects = append(subjects, n.Subject)
	}
	return slices.Compact(subjects)
}
