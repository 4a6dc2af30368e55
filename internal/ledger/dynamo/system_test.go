package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/handler/signup"
	"headroom/internal/ledger"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
	"headroom/internal/shelf"
	"headroom/internal/telemetry"
)

// system is what came of signups that processes of the two functions handled, which sign tenants up and tend
// their pools, as they are deployed, around a ledger. What they open besides is there and works.
type system struct {
	mu      sync.Mutex
	ready   map[string]time.Time // tenants that were announced, and when
	waiting int                  // tenants that were told to wait
	refused int                  // messages kept in the dead-letter queue
}

// parts is what a system is made of.
type parts struct {
	ledger   ledger.Ledger
	claims   ledger.Ledger // what a process that signs tenants up has the ledger by
	policies pool.Policies
	now      func() time.Time
	opening  func(context.Context) error // takes the time that opening a tenant's storage takes
	steps    sender                      // the queue of Headroom's own messages to signup
	checks   sender                      // the pool check's queue
}

// sender sends a message to a queue.
type sender func(body string, delay time.Duration)

func (s sender) Send(_ context.Context, body any, delay time.Duration) error {
	text, err := json.Marshal(body)
	if err == nil {
		s(string(text), delay)
	}
	return err
}

// rounds takes the rounds that every check begins, which cost their own function what they cost. No host is repaired here.
func rounds(tb testing.TB) sender {
	return func(body string, _ time.Duration) {
		if events.TypeOf([]byte(body)) != events.TypePoolRound {
			tb.Errorf("sent to hostrepair: %s", body)
		}
	}
}

var discard = slog.New(slog.DiscardHandler)

func (p parts) metrics() telemetry.Recorder {
	return telemetry.Recorder{Out: io.Discard, Now: p.now, Stage: "prod", Log: discard}
}

func (p parts) reconciler(tb testing.TB) *shelf.Reconciler {
	tb.Helper()
	r, err := shelf.New(shelf.Config{Ledger: p.ledger, Policies: fixed(p.policies), Now: p.now})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// process makes a process that signs tenants up.
func (s *system) process(tb testing.TB, p parts) *signup.Handler {
	tb.Helper()
	out := outside{s, p}
	h, err := signup.New(signup.Config{
		Ledger: p.claims, Shelf: p.reconciler(tb), Policies: fixed(p.policies), Vault: out, Databases: out, Access: out, Tags: out, Announce: out,
		Steps: p.steps, StepsQueue: "steps", PoolChecks: p.checks, HostEvents: p.checks, Refused: out,
		Networks: pool.Networks{Instances: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, Mount: "nfsvers=4.1,hard",
		Mark: func() (string, error) { return "k3v9x2m7qa", nil }, Jitter: rand.Float64,
		Metrics: p.metrics(), Log: discard, Now: p.now, Until: func(at time.Time) time.Duration { return at.Sub(p.now()) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// tender makes a process that makes pool checks.
func (s *system) tender(tb testing.TB, p parts) *poolcheck.Handler {
	tb.Helper()
	out := outside{s, p}
	template := poolcheck.Template{URL: "https://s3/template", Zones: []pool.Zone{{Name: "eu-central-1a", Subnet: "subnet-a"}}}
	h, err := poolcheck.New(poolcheck.Config{
		Ledger: p.ledger, Shelf: p.reconciler(tb), Policies: fixed(p.policies), Stacks: out, Images: out, Alarms: out, Instances: out, Announce: out,
		Signups: p.steps, Changes: p.steps, Leaving: p.steps, Repairs: rounds(tb), Restores: p.steps, HostEvents: p.checks, Templates: map[pool.Kind]poolcheck.Template{pool.Database: template, pool.Share: template},
		StackRole: "arn:role", StackPrefix: "headroom-prod-", Stage: "prod",
		Mark:    func() (string, error) { return "k3v9x2m7qa", nil },
		Metrics: p.metrics(), Log: discard, Now: p.now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// signupOf is the message by which the n-th tenant of a tier signs up.
func signupOf(tier pool.Tier, n int, sent time.Time) events.Delivery {
	address := netip.AddrFrom4([4]byte{10, byte(n / 62500), byte(n / 250 % 250), byte(1 + n%250)})
	return events.Delivery{
		ID: fmt.Sprintf("5e1c1b70-87b4-4af1-a1f2-%012x", n), Queue: "signups", SentAt: sent,
		Body: fmt.Sprintf(`{"version":"1","tenantId":%q,"tier":%q,"instanceIp":%q}`, ledgertest.ID(n), tier, address),
	}
}

// served is how many tenants were announced.
func (s *system) served() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready)
}

// fixed are policies that do not change.
type fixed pool.Policies

func (f fixed) Load(context.Context) (pool.Policies, error) { return pool.Policies(f), nil }

func (f fixed) Document(context.Context) (pool.Document, error) {
	return pool.Document{Pools: pool.Policies(f), Terms: pool.DefaultTerms}, nil
}

// outside is what a system's functions reach besides the ledger and the queues.
type outside struct {
	s *system
	p parts
}

func (outside) Tenant(_ context.Context, id, mark string, fill func(string) events.Credentials) (events.Credentials, string, error) {
	return fill("password"), "arn:aws:secretsmanager:eu-central-1:123456789012:secret:headroom/prod/tenant/" + id + "/" + mark + "-AbCdEf", nil
}

func (outside) Master(context.Context, string) (username, password string, err error) {
	return "master", "password", nil
}

func (o outside) Open(ctx context.Context, _ pool.Login, _, _ string) error { return o.p.opening(ctx) }

func (outside) Set(context.Context, pool.Tenant, pool.ShareRef, string) error { return nil }

func (outside) Served(context.Context, pool.ShareRef, []string) error { return nil }

func (outside) Describe(context.Context, string) (pool.StackStatus, error) {
	return pool.StackStatus{}, pool.ErrNotFound
}

func (outside) States(context.Context, []string) (map[string]pool.AlarmLook, error) { return nil, nil }

func (outside) Ringing(context.Context, string) (map[string]pool.AlarmLook, error) { return nil, nil }

func (outside) Statuses(context.Context, string) (map[string]string, error) { return nil, nil }

func (outside) Status(context.Context, string) (string, error) { return "", nil }

func (outside) Tag(context.Context, pool.ShareRef, map[string]string) error { return nil }

func (o outside) StorageReady(_ context.Context, out events.StorageReady) error {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if _, again := o.s.ready[out.TenantID]; !again {
		o.s.ready[out.TenantID] = o.p.now()
	}
	return nil
}

func (o outside) StorageWaiting(context.Context, pool.Tenant, int, pool.Estimate) error {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.waiting++
	return nil
}

func (o outside) SignupRejected(context.Context, string, string, *events.FieldError) error {
	return nil
}

func (o outside) SendRaw(context.Context, string, map[string]string) error {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.refused++
	return nil
}

func (outside) Create(_ context.Context, order pool.StackOrder) (string, error) {
	return "", fmt.Errorf("stack %s was ordered, and the pool has enough", order.Name)
}

func (outside) Newest(context.Context) (string, error) { return "ami-0f11e5a7e4a7e0001", nil }

func (outside) HostOrdered(context.Context, pool.Host) error { return nil }

func (outside) Host(context.Context, pool.Host) error { return nil }

func (outside) ChangeStuck(context.Context, pool.Tenant) error { return nil }

func (outside) DepartureStuck(context.Context, pool.Departure) error { return nil }

func (outside) ClearanceStuck(context.Context, pool.Clearance) error { return nil }

func (o outside) HostsFell(context.Context, pool.Gathered) error { return nil }

func (outside) InstanceNews(context.Context, pool.Host, pool.InstanceNews) error { return nil }

func (o outside) SignupStuck(_ context.Context, t pool.Tenant) error {
	return fmt.Errorf("tenant %s is stuck", t.ID)
}
