package signup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
	ec2 "headroom/internal/adapter/firewall"
	"headroom/internal/adapter/firewall/firewalltest"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/adapter/secrets"
	"headroom/internal/adapter/secrets/secretstest"
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
	tier        pool.Tier = "standard"
	visibility            = 2 * time.Minute
	mark                  = "k3v9x2m7qa" // that every signup draws
	testOptions           = "nfsvers=4.1,hard"
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

// world is everything that a signup reaches.
type world struct {
	t          fatal
	now        time.Time
	ledger     *memory.Ledger
	secrets    *secretstest.Fake
	gateways   *gatewaytest.Service
	groups     *firewalltest.Groups
	bus        *bustest.Bus
	signups    *queuetest.Queue
	checks     *queuetest.Queue
	hostEvents *queuetest.Queue
	remark     bool            // each draw is another mark
	drawn      int             // marks
	dead       map[string]bool // addresses of instances that do not answer
	refused    *queuetest.Queue
	logins     map[string]string // verified passwords by instance and slot
	masters    map[string]string // master passwords by instance
	stale      int               // so many times more, a master password is read as it was before its rotation
	hosts      []pool.HostID
	policies   pool.Policies
	looks      int                   // of checkOrder
	listed     map[pool.TenantID]int // the look that first saw a tenant on the waiting list
	written    bytes.Buffer          // logs, metrics, and all that was sent to queues

	refusals int // calls that are refused next, in interleaved runs

	call killtest.Call    // makes every call to the outside
	fail map[string]error // calls that fail, by operation
}

// newWorld makes a world without hosts. late is how many looks it takes to see that a share has been
// updated.
func newWorld(t fatal, call killtest.Call, late int) *world {
	w := &world{
		t: t, now: start, call: call, fail: map[string]error{},
		ledger: memory.New(memory.Options{}), secrets: &secretstest.Fake{}, bus: &bustest.Bus{},
		gateways: &gatewaytest.Service{Late: late, Keys: map[string]bool{}},
		groups:   firewalltest.New("sg-1", "sg-2", "sg-3", "sg-4", "sg-5", "sg-6", "sg-7"),
		logins:   map[string]string{}, masters: map[string]string{}, dead: map[string]bool{},
	}
	w.signups, w.checks, w.refused, w.hostEvents = queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock)
	for _, k := range pool.Kinds {
		w.policies = append(w.policies, pool.Policy{Kind: k, Tier: tier, SlotsPerHost: 10, Ceiling: 9, MaxOrders: 1, Placement: pool.Pack})
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
		return killtest.Sender{Next: &queue.Sender{Client: tee{q, &w.written}, URL: "url"}, Call: faulty}
	}
	store := killtest.Ledger{Next: w.ledger, Call: faulty}
	reconciler, err := shelf.New(shelf.Config{Ledger: store, Policies: out, Now: w.clock})
	w.must(err)
	metrics := telemetry.Recorder{Out: &w.written, Now: w.clock, Stage: "dev", Log: slog.New(slog.DiscardHandler)}
	announcer, err := announce.New(announce.Config{
		Events:  killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "bus"}, Call: faulty},
		Metrics: metrics, Now: w.clock, Stage: "dev",
	})
	w.must(err)
	h, err := New(Config{
		Ledger: store, Shelf: reconciler, Policies: out, Vault: out, Databases: out, Announce: announcer,
		Access: access.Writer{Shares: out, Firewall: out}, Tags: out,
		Mark: func() (string, error) { return w.draw(), nil }, Jitter: func() float64 { return 0.5 },
		Steps: sender(w.signups), StepsQueue: queuetest.Name, PoolChecks: sender(w.checks), HostEvents: sender(w.hostEvents), Refused: sender(w.refused),
		Networks: pool.Networks{Instances: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Hosts: []netip.Prefix{netip.MustParsePrefix("10.200.0.0/16")}}, Mount: testOptions,
		Metrics: metrics,
		Log:     slog.New(slog.NewJSONHandler(&w.written, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:     w.clock,
		Until:   func(t time.Time) time.Duration { return t.Sub(w.clock()) },
	})
	w.must(err)
	return h
}

// tee keeps a copy of what is sent.
type tee struct {
	*queuetest.Queue
	written io.Writer
}

func (q tee) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	fmt.Fprintln(q.written, *in.MessageBody)
	return q.Queue.SendMessage(ctx, in, o...)
}

// outside makes each call to what the handler opens one killtest.Call.
type outside struct {
	w    *world
	call killtest.Call
}

func (o outside) Load(context.Context) (pool.Policies, error) { return o.w.policies, nil }

func (o outside) Document(context.Context) (pool.Document, error) {
	return pool.Document{Pools: o.w.policies, Terms: pool.DefaultTerms}, nil
}

func (o outside) vault() *secrets.Vault {
	return secrets.New(secrets.Config{
		Client: o.w.secrets, Stage: "dev", Prefix: "headroom/dev/tenant/", KeyID: "key", Random: rand.Reader,
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Jitter: func() float64 { return 0.5 },
	})
}

func (o outside) Tenant(ctx context.Context, id, mark string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = o.call("Secret", func() (err error) { c, arn, err = o.vault().Tenant(ctx, id, mark, fill); return err })
	return c, arn, err
}

func (o outside) Master(ctx context.Context, arn string) (username, password string, err error) {
	err = o.call("Master", func() (err error) { username, password, err = o.vault().Master(ctx, arn); return err })
	if o.w.stale > 0 {
		o.w.stale--
		password = "of last week"
	}
	return username, password, err
}

func (o outside) Open(_ context.Context, l pool.Login, name, password string) error {
	return o.call("Open", func() error {
		if o.w.dead[l.Host] {
			return errors.New("dial tcp: connection refused")
		}
		if l.Password == "" || l.Password != o.w.masters[l.Host] {
			return fmt.Errorf("log in: %w", pool.ErrLogin)
		}
		o.w.logins[l.Host+" "+name] = password
		return nil
	})
}

func (o outside) SetClients(ctx context.Context, share pool.ShareRef, clients []string) error {
	return o.call("SetClients", func() error {
		return (&gateway.Gateways{Client: o.w.gateways}).SetClients(ctx, share, clients)
	})
}

func (o outside) Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error {
	return o.call("Tag", func() error { return (&gateway.Gateways{Client: o.w.gateways}).Tag(ctx, share, tags) })
}

func (o outside) Serves(ctx context.Context, share pool.ShareRef, clients []string) (serves bool, err error) {
	err = o.call("Serves", func() (err error) {
		serves, err = (&gateway.Gateways{Client: o.w.gateways}).Serves(ctx, share, clients)
		return err
	})
	return serves, err
}

func (o outside) Evict(ctx context.Context, group, address string) error {
	return o.call("Evict", func() error { return (&ec2.Groups{Client: o.w.groups}).Evict(ctx, group, address) })
}

func (o outside) Admit(ctx context.Context, group, address, description string) error {
	return o.call("Admit", func() error {
		return (&ec2.Groups{Client: o.w.groups}).Admit(ctx, group, address, description)
	})
}

// add puts a host into service whose slots are made and closed.
func (w *world) add(kind pool.Kind, slots int) {
	w.t.Helper()
	ctx, key := context.Background(), pool.Key{Kind: kind, Tier: tier}
	seen, err := w.ledger.Pool(ctx, key)
	w.must(err)
	h := ledgertest.Host(key, seen.Seq+1, slots)
	if kind == pool.Database {
		w.masters[h.Access.Address] = fmt.Sprintf("master-password-%d", seen.Seq+1)
		h.Access.MasterSecret = w.secrets.Put("rds!"+string(h.ID), fmt.Sprintf(`{"username":"master","password":%q}`, w.masters[h.Access.Address]))
	} else {
		w.share(&h)
	}
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	w.must(w.ledger.Order(ctx, seen, ordered))
	before, err := w.ledger.Host(ctx, h.ID)
	w.must(err)
	w.must(w.ledger.SaveHost(ctx, before, h, pool.Neutral, w.now))
	w.hosts = append(w.hosts, h.ID)
}

// share makes a gateway with shares that are open to nobody.
func (w *world) share(h *pool.Host) {
	w.t.Helper()
	ctx, g := context.Background(), &gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}
	late := w.gateways.Late
	w.gateways.Late = 0
	w.gateways.Keys[string(h.ID)] = true
	arn, err := g.Activate(ctx, string(h.ID), string(h.ID), nil)
	w.must(err)
	w.must(g.AddCache(ctx, arn))
	for i := range h.Slots {
		h.Slots[i].Share, err = g.CreateShare(ctx, pool.ShareSpec{
			Token: h.Slots[i].Name, Gateway: arn, Bucket: h.Slots[i].Bucket, Role: h.Slots[i].Role,
			Name: h.Slots[i].Name, Key: "alias/hosts", Clients: []string{"192.0.2.1/32"},
		})
		w.must(err)
	}
	w.gateways.Late = late
	_, seq, _ := h.ID.Parse()
	h.Access.Gateway, h.Access.SecurityGroup = arn, fmt.Sprintf("sg-%d", seq)
}

// ask puts a signup into the queue.
func (w *world) ask(tenant, address string) {
	w.t.Helper()
	w.put(fmt.Sprintf(`{"version":"1","tenantId":%q,"tier":"standard","instanceIp":%q}`, tenant, address))
}

func (w *world) put(body string) {
	w.t.Helper()
	w.must((&queue.Sender{Client: w.signups, URL: "url"}).SendRaw(context.Background(), body, nil))
}

// reconcile does for the shelf what the pool check does: it reconciles it, closes it to newcomers where a tenant
// came onto the waiting list after it was opened, and has waiting tenants served.
func (w *world) reconcile() {
	w.t.Helper()
	ctx := context.Background()
	reconciler, err := shelf.New(shelf.Config{Ledger: w.ledger, Policies: outside{w: w}, Now: w.clock})
	w.must(err)
	w.must(reconciler.Reconcile(ctx, tier))
	waiters, err := w.ledger.Waiting(ctx, tier, 1)
	w.must(err)
	if before := w.shelf(); len(waiters) > 0 && before.Queue == 0 {
		after := before.Clone()
		after.Queue = before.Tail
		w.must(w.ledger.SaveShelf(ctx, before, after))
	}
	w.must((&queue.Sender{Client: w.signups, URL: "url"}).Send(ctx, events.NewServeWaiting(string(tier)), 0))
}

// retryOverdue has the steps of tenants tried again whose deadline is over, as the pool check does.
func (w *world) retryOverdue(tenants ...pool.TenantID) {
	w.t.Helper()
	for _, id := range tenants {
		_, after, err := ledger.UpdateTenant(context.Background(), w.ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
			retried, changed := pool.OverdueTenant(t, w.now)
			if !changed {
				return t, ledger.ErrUnchanged
			}
			return retried, nil
		})
		w.must(err)
		if after.Due.After(w.now) && after.Step != pool.StepReport {
			step := events.NewTenantStep(string(id), string(after.Step), after.Count+1)
			w.must((&queue.Sender{Client: w.signups, URL: "url"}).Send(context.Background(), step, 0))
		}
	}
}

// drain delivers the messages in the queue one by one until there are none; of those that fail only
// what is tried once within the hour.
func (w *world) drain(deliver func(events.Delivery) error) {
	w.t.Helper()
	w.drainFor(1000*time.Hour, deliver)
}

// drainFor is drain for some time, after which it is over.
func (w *world) drainFor(d time.Duration, deliver func(events.Delivery) error) {
	w.t.Helper()
	end := w.now.Add(d)
	for range 1000 {
		at, ok := w.signups.Next()
		if !ok || at.After(w.now.Add(time.Hour/2)) {
			return
		}
		if at.After(end) {
			w.now = end
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		d, _ := w.signups.Receive(time.Hour)
		if err := deliver(d); err == nil {
			w.signups.Delete(d.ID)
		}
		w.now = w.now.Add(time.Second)
	}
	w.t.Fatal("the messages never end")
}

// once delivers a message to a handler.
func (w *world) once(d events.Delivery) error {
	return w.handler(w.call).Message(context.Background(), d)
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

func (w *world) shelf() pool.Shelf {
	w.t.Helper()
	s, err := w.ledger.Shelf(context.Background(), tier)
	w.must(err)
	return s
}

// said lists the tenants of a type of event, in order.
func (w *world) said(detailType string) string {
	var tenants []string
	for _, detail := range w.bus.Of(detailType) {
		_, rest, _ := strings.Cut(string(detail), `"tenantId":"`)
		tenant, _, _ := strings.Cut(rest, `"`)
		tenants = append(tenants, tenant)
	}
	return strings.Join(tenants, " ")
}

// draw draws a mark: the same for every signup, and another one each time for one that begins anew.
func (w *world) draw() string {
	if w.remark {
		w.drawn++
		return fmt.Sprintf("mark%06d", w.drawn)
	}
	return mark
}
