package instancechange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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
	"headroom/internal/announce"
	"headroom/internal/handler/signup"
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
	visibility           = 3 * time.Minute
	term                 = 24 * time.Hour
	group                = "sg-1"
	slots                = 10 // of the gateway
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

var errNotNow = errors.New("not now")

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // killed handlers fail by the hundred
	os.Exit(m.Run())
}

// fatal is a test, or a run of a property.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// world is everything that a change reaches, and signup, whose tenants are changed.
type world struct {
	t        fatal
	now      time.Time
	ledger   *memory.Ledger
	gateways *gatewaytest.Service
	groups   *firewalltest.Groups
	bus      *bustest.Bus
	changes  *queuetest.Queue // wishes, and steps of changes
	signups  *queuetest.Queue // signups, and their steps
	checks   *queuetest.Queue
	refused  *queuetest.Queue
	fail     map[string]error // calls that fail, by operation
	mark     string           // of the next signups; empty: as always
	refusals int              // calls that are refused next
}

// newWorld makes a world with one gateway and slots for some tenants. late is how many looks it takes to see that a share
// has been updated.
func newWorld(t fatal, late int) *world {
	w := &world{
		t: t, now: start, ledger: memory.New(memory.Options{}), bus: &bustest.Bus{}, fail: map[string]error{},
		gateways: &gatewaytest.Service{Keys: map[string]bool{}}, groups: firewalltest.New(group, "sg-2"),
	}
	w.changes, w.signups, w.checks, w.refused = queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock), queuetest.New(w.clock)
	w.add(pool.Database)
	w.add(pool.Share)
	w.gateways.Late = late
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func undisturbed(_ string, do func() error) error { return do() }

// faulty makes calls that may be set to fail.
func (w *world) faulty(call killtest.Call) killtest.Call {
	return func(operation string, do func() error) error {
		return call(operation, func() error {
			if err := w.fail[operation]; err != nil {
				return err
			}
			if w.refusals > 0 {
				w.refusals--
				return errNotNow
			}
			return do()
		})
	}
}

func (w *world) announcer(call killtest.Call) *announce.Announcer {
	a, err := announce.New(announce.Config{
		Events: killtest.Publisher{Next: &bus.Publisher{Client: w.bus, Bus: "bus"}, Call: call}, Now: w.clock, Stage: "dev",
		Metrics: w.metrics(),
	})
	w.must(err)
	return a
}

func (w *world) metrics() telemetry.Recorder {
	return telemetry.Recorder{Out: &strings.Builder{}, Now: w.clock, Stage: "dev", Log: slog.New(slog.DiscardHandler)}
}

func sending(q *queuetest.Queue, call killtest.Call) killtest.Sender {
	return killtest.Sender{Next: &queue.Sender{Client: q, URL: "url"}, Call: call}
}

var networks = pool.Networks{
	Instances: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Hosts: []netip.Prefix{netip.MustParsePrefix("10.200.0.0/16")},
}

// handler makes a process of the function that makes its calls by call.
func (w *world) handler(call killtest.Call) *Handler {
	w.t.Helper()
	call = w.faulty(call)
	out := outside{w, call}
	h, err := New(Config{
		Ledger: killtest.Ledger{Next: w.ledger, Call: call}, Policies: out, Access: access.Writer{Shares: out, Firewall: out},
		Announce: w.announcer(call), Steps: sending(w.changes, call), StepsQueue: queuetest.Name, Refused: sending(w.refused, call),
		Networks: networks, Log: slog.New(slog.DiscardHandler), Now: w.clock,
		Until: func(t time.Time) time.Duration { return t.Sub(w.now) },
	})
	w.must(err)
	return h
}

// signup makes a process of signup.
func (w *world) signup(call killtest.Call) *signup.Handler {
	w.t.Helper()
	call = w.faulty(call)
	out, store := outside{w, call}, killtest.Ledger{Next: w.ledger, Call: call}
	shelves, err := shelf.New(shelf.Config{Ledger: store, Policies: out, Now: w.clock})
	w.must(err)
	h, err := signup.New(signup.Config{
		Ledger: store, Shelf: shelves, Policies: out, Vault: out, Databases: out, Access: access.Writer{Shares: out, Firewall: out},
		Tags: out, Announce: w.announcer(call), Steps: sending(w.signups, call), StepsQueue: queuetest.Name, PoolChecks: sending(w.checks, call),
		HostEvents: sending(w.checks, call), Refused: sending(w.refused, call), Networks: networks, Mount: "nfsvers=4.1",
		Mark: func() (string, error) { return cmp.Or(w.mark, "k3v9x2m7qa"), nil }, Jitter: func() float64 { return 0.5 },
		Metrics: w.metrics(), Log: slog.New(slog.DiscardHandler), Now: w.clock,
		Until: func(t time.Time) time.Duration { return t.Sub(w.now) },
	})
	w.must(err)
	return h
}

// outside makes each call to what handlers reach one killtest.Call.
type outside struct {
	w    *world
	call killtest.Call
}

func (o outside) Load(context.Context) (pool.Policies, error) {
	var ps pool.Policies
	for _, k := range pool.Kinds {
		ps = append(ps, pool.Policy{Kind: k, Tier: tier, SlotsPerHost: 10, Ceiling: 9, MaxOrders: 1, Placement: pool.Pack})
	}
	return ps, nil
}

func (o outside) Document(ctx context.Context) (pool.Document, error) {
	ps, err := o.Load(ctx)
	return pool.Document{Pools: ps, Terms: pool.DefaultTerms}, err
}

func (o outside) Terms(context.Context) (t pool.Terms, err error) {
	err = o.call("Terms", func() error { t = pool.DefaultTerms; return nil })
	return t, err
}

func (o outside) Tenant(_ context.Context, _, _ string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = o.call("Secret", func() error { c = fill("password"); return nil })
	return c, "arn:secret", err
}

func (o outside) Master(context.Context, string) (username, password string, err error) {
	return "master", "password", nil
}

func (o outside) Open(context.Context, pool.Login, string, string) error {
	return o.call("Open", func() error { return nil })
}

func (o outside) Tag(context.Context, pool.ShareRef, map[string]string) error { return nil }

func (o outside) gateways() *gateway.Gateways { return &gateway.Gateways{Client: o.w.gateways} }

func (o outside) SetClients(ctx context.Context, share pool.ShareRef, clients []string) error {
	return o.call("SetClients", func() error { return o.gateways().SetClients(ctx, share, clients) })
}

func (o outside) Serves(ctx context.Context, share pool.ShareRef, clients []string) (serves bool, err error) {
	err = o.call("Serves", func() (err error) { serves, err = o.gateways().Serves(ctx, share, clients); return err })
	return serves, err
}

func (o outside) Admit(ctx context.Context, group, address, description string) error {
	return o.call("Admit", func() error {
		return (&ec2.Groups{Client: o.w.groups}).Admit(ctx, group, address, description)
	})
}

func (o outside) Evict(ctx context.Context, group, address string) error {
	return o.call("Evict", func() error { return (&ec2.Groups{Client: o.w.groups}).Evict(ctx, group, address) })
}

// add puts a host into service whose slots are made and closed.
func (w *world) add(kind pool.Kind) {
	w.t.Helper()
	ctx, key := context.Background(), pool.Key{Kind: kind, Tier: tier}
	h := ledgertest.Host(key, 1, slots)
	if kind == pool.Share {
		g := &gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}
		w.gateways.Keys["KEY"] = true
		arn, err := g.Activate(ctx, "KEY", string(h.ID), nil)
		w.must(err)
		w.must(g.AddCache(ctx, arn))
		for i := range h.Slots {
			h.Slots[i].Share, err = g.CreateShare(ctx, pool.ShareSpec{
				Token: h.Slots[i].Name, Gateway: arn, Bucket: h.Slots[i].Bucket, Role: h.Slots[i].Role,
				Name: h.Slots[i].Name, Key: "alias/hosts", Clients: []string{"192.0.2.1/32"},
			})
			w.must(err)
		}
		h.Access.Gateway, h.Access.SecurityGroup = arn, group
	}
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	w.must(w.ledger.Order(ctx, pool.Record{Key: key}, ordered))
	before, err := w.ledger.Host(ctx, h.ID)
	w.must(err)
	w.must(w.ledger.SaveHost(ctx, before, h, pool.Neutral, w.now))
}

// ready signs a tenant up, and has it served.
func (w *world) ready(id pool.TenantID, address string) {
	w.t.Helper()
	late := w.gateways.Late
	w.gateways.Late = 0
	w.ask(id, address)
	w.drain(undisturbed)
	w.gateways.Late = late
	if w.tenant(id).State != pool.TenantReady {
		w.t.Fatal("it is not ready")
	}
}

// ask puts a signup into its queue.
func (w *world) ask(id pool.TenantID, address string) {
	w.t.Helper()
	w.put(w.signups, fmt.Sprintf(`{"version":"1","tenantId":%q,"tier":"standard","instanceIp":%q}`, id, address))
}

// wish puts a wish into its queue; the lists are separated by spaces.
func (w *world) wish(id pool.TenantID, add, remove string) {
	w.t.Helper()
	body, err := json.Marshal(events.InstanceChangeRequested{
		Version: events.Version, Type: events.TypeInstanceChangeRequested, TenantID: string(id),
		Add: strings.Fields(add), Remove: strings.Fields(remove),
	})
	w.must(err)
	w.put(w.changes, string(body))
}

func (w *world) put(q *queuetest.Queue, body string) {
	w.t.Helper()
	w.must((&queue.Sender{Client: q, URL: "url"}).SendRaw(context.Background(), body, nil))
}

// drain delivers the messages of both queues one by one until there are none but those that are due hours later, which
// fail each time.
func (w *world) drain(call killtest.Call) {
	w.t.Helper()
	w.drainBy(func(q *queuetest.Queue, d events.Delivery) error { return w.message(q, d, call) })
}

func (w *world) drainBy(deliver func(*queuetest.Queue, events.Delivery) error) {
	w.t.Helper()
	for range 1000 {
		var q *queuetest.Queue
		var at time.Time
		for _, some := range []*queuetest.Queue{w.changes, w.signups} {
			if next, ok := some.Next(); ok && (q == nil || next.Before(at)) {
				q, at = some, next
			}
		}
		if q == nil || at.After(w.now.Add(time.Hour/2)) {
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		d, _ := q.Receive(time.Hour)
		if err := deliver(q, d); err == nil {
			q.Delete(d.ID)
		}
		w.now = w.now.Add(time.Second)
	}
	w.t.Fatal("the messages never end")
}

// message hands a message to the function that its queue drives.
func (w *world) message(q *queuetest.Queue, d events.Delivery, call killtest.Call) error {
	if q == w.signups {
		return w.signup(call).Message(context.Background(), d)
	}
	return w.handler(call).Message(context.Background(), d)
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
		q := w.signups
		if after.Step.OfChange() {
			q = w.changes
		}
		if after.Step != "" && after.Step != pool.StepReport && after.Step != pool.StepOverlap {
			step := events.NewTenantStep(string(id), string(after.Step), after.Count+1)
			w.must((&queue.Sender{Client: q, URL: "url"}).Send(context.Background(), step, 0))
		}
	}
}

func (w *world) tenant(id pool.TenantID) pool.Tenant {
	w.t.Helper()
	t, err := w.ledger.Tenant(context.Background(), id)
	w.must(err)
	return t
}

// clients is who is let in to a tenant's share.
func (w *world) clients(id pool.TenantID) string {
	w.t.Helper()
	t := w.tenant(id)
	host, err := w.ledger.Host(context.Background(), t.Share.Host)
	w.must(err)
	for _, share := range w.gateways.Shares() {
		if slot := host.Slot(t.Share.Index); slot != nil && share.ID == slot.Share {
			return strings.ReplaceAll(strings.Join(share.Clients, " "), "/32", "")
		}
	}
	return "no share"
}

// rules is who is let in to the gateway.
func (w *world) rules() string {
	var in []string
	for _, rule := range w.groups.Rules(group) {
		in = append(in, strings.TrimSuffix(strings.TrimPrefix(rule, "tcp 2049-2049 "), "/32"))
	}
	return strings.Join(in, " ")
}

// free reports whether an address is nobody's, and makes it nobody's again.
func (w *world) free(address string) bool {
	w.t.Helper()
	err := w.ledger.Register(context.Background(), address, "prober")
	if err == nil {
		w.must(w.ledger.Unregister(context.Background(), address, pool.Tenant{ID: "prober"}))
	}
	return err == nil
}

// said lists what changed, as it was said, each once: "+added -removed =serving".
func (w *world) said() []string {
	w.t.Helper()
	var all []string
	for _, detail := range w.bus.Of("AccessChanged") {
		var e events.AccessChanged
		w.must(json.Unmarshal(detail, &e))
		line := fmt.Sprintf("%s +%s -%s =%s", e.TenantID, strings.Join(e.Added, ","), strings.Join(e.Removed, ","), strings.Join(e.Addresses, ","))
		if !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}

// rejected lists the refusals so far, as "<tenant> <field> <reason>".
func (w *world) rejected() []string {
	w.t.Helper()
	var all []string
	for _, detail := range w.bus.Of("RequestRejected") {
		var r events.RequestRejected
		w.must(json.Unmarshal(detail, &r))
		all = append(all, r.TenantID+" "+r.Field+" "+r.Reason)
	}
	return all
}
