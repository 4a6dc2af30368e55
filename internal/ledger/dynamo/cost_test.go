package dynamo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/handler/signup"
	"headroom/internal/ledger/dynamo/meter"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/together"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// layout is what the meter has to know of the table.
var layout = meter.Table{Key: []string{"pk", "sk"}, Indexes: []meter.Index{{Key: []string{"due", "dueAt"}}, {Key: []string{"reserve", "used"}}}}

// metered is a system on DynamoDB's program, with all that it asks of the table metered.
type metered struct {
	*system
	signups *signup.Handler
	checks  *poolcheck.Handler
	tier    pool.Tier
	gauge   *meter.Meter

	mu    sync.Mutex
	now   time.Time
	asked []events.Delivery // for a pool check, or a look at the shelf
}

// newMetered opens a tier that was seeded.
func newMetered(tb testing.TB, server *dynamotest.Server, table string, tier pool.Tier) *metered {
	tb.Helper()
	m := &metered{tier: tier, system: &system{ready: map[string]time.Time{}}, gauge: meter.New(server.Client(), layout), now: began}
	l := open(tb, server.Client(m.gauge.Attach), table)
	p := parts{
		ledger: l, claims: together.New(l, m.clock, awsclient.Sleep), policies: policiesOf(tier), now: m.clock,
		opening: func(context.Context) error { return nil },
		steps:   func(body string, _ time.Duration) { tb.Errorf("sent to itself: %s", body) },
		checks: func(body string, _ time.Duration) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.asked = append(m.asked, events.Delivery{ID: "check", Body: body})
		},
	}
	m.signups, m.checks = m.process(tb, p), m.tender(tb, p)
	if err := l.SaveQuotas(tb.Context(), pool.Quotas{}, pool.Quotas{At: began, Seen: []pool.Quota{{Name: "stacks", Most: 2_000_000, Database: 1, Share: 1, Read: began}}}); err != nil {
		tb.Fatal(err)
	}
	m.check(tb)
	return m
}

// check makes one pool check.
func (m *metered) check(tb testing.TB) {
	tb.Helper()
	if err := m.checks.Check(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func (m *metered) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// tend does what pool checks were asked for.
func (m *metered) tend(tb testing.TB) {
	tb.Helper()
	if len(m.asked) == 0 {
		return
	}
	if err := m.checks.Messages(tb.Context(), m.asked); err != nil {
		tb.Fatal(err)
	}
	m.asked = nil
}

// hour is what an hour takes in which so many tenants sign up, from the one numbered first: with the pool check that comes every minute, and those that are asked for.
func (m *metered) hour(tb testing.TB, first, signups int) meter.Usage {
	tb.Helper()
	before := m.gauge.Usage()
	for minute := range 60 {
		for n := signups * minute / 60; n < signups*(minute+1)/60; n++ {
			if err := m.signups.Message(tb.Context(), signupOf(m.tier, first+n, m.now)); err != nil {
				tb.Fatal(err)
			}
			m.tend(tb)
		}
		m.now = m.now.Add(time.Minute)
		m.check(tb)
	}
	return m.gauge.Usage().Less(before)
}

// cost is what signups cost in all: what is used in the hour of their traffic and in an hour after it, in which what
// they left is settled, less what two idle hours take. It returns that for one signup, and an idle hour.
func (m *metered) cost(tb testing.TB, signups int) (each perSignup, idle meter.Usage) {
	tb.Helper()
	first := m.served()
	traffic, after := m.hour(tb, first, signups), m.hour(tb, 0, 0)
	idle = m.hour(tb, 0, 0)
	if got := m.served() - first; got != signups || m.waiting > 0 {
		tb.Fatalf("%d of %d tenants were served, and %d told to wait", got, signups, m.waiting)
	}
	n := float64(signups)
	return perSignup{
		requests: float64(traffic.Requests+after.Requests-2*idle.Requests) / n,
		wru:      (traffic.WRU + after.WRU - 2*idle.WRU) / n,
		rru:      (traffic.RRU + after.RRU - 2*idle.RRU) / n,
	}, idle
}

type perSignup struct{ requests, wru, rru float64 }

// TestSignupCost signs tenants up at a few a minute. What one may cost is what the documents say.
func TestSignupCost(t *testing.T) {
	const mostRequests, mostWRU = 7, 15
	server := dynamotest.Start(t)
	for _, size := range []struct{ slots, signups int }{{100, 80}, {10_000, 200}} {
		t.Run(fmt.Sprintf("%d slots", size.slots), func(t *testing.T) {
			table := server.Table(t)
			seed(t, server.Client(), table, "standard", size.slots)
			m := newMetered(t, server, table, "standard")
			each, idle := m.cost(t, size.signups)
			t.Logf("a signup: %.2f requests, %.2f WRU, %.2f RRU", each.requests, each.wru, each.rru)
			t.Logf("an idle check: %.2f requests, %.2f WRU, %.2f RRU", float64(idle.Requests)/60, idle.WRU/60, idle.RRU/60)
			if each.requests > mostRequests || each.wru > mostWRU {
				t.Errorf("a signup takes more than %v requests or %v WRU", mostRequests, mostWRU)
			}
			// A sample of the forecast is written every five minutes, and nothing else.
			if idle.WRU > 12*2 {
				t.Errorf("an idle hour writes %v units", idle.WRU)
			}
		})
	}
}

// TestTheLargestShelf holds its record to what the bounds of a shelf are for: every list full, of as many hosts as may
// lie on it, and as many claims unsettled as there may be, in the middle of a refill.
func TestTheLargestShelf(t *testing.T) {
	const most = 16 << 10
	s := pool.NewShelf("standard")
	for _, k := range pool.Kinds {
		var offers []pool.Offer
		for seq := 1001; seq <= 1000+pool.ShelfHosts; seq++ {
			h := ledgertest.Host(pool.Key{Kind: k, Tier: s.Tier}, seq, 100)
			s.Hosts[h.ID] = h.Access.Offered()
			offers = append(offers, ledgertest.Offers(h)[:pool.ShelfMost/pool.ShelfHosts+1]...)
		}
		s.SetOffers(k, offers[:pool.ShelfMost])
	}
	for n := range pool.HeldMost {
		s.Held[ledgertest.ID(n)] = pool.Hold{Database: s.Databases[n%pool.ShelfMost], Share: s.Shares[n%pool.ShelfMost]}
	}
	s.Refills, s.Version, s.Signups, s.Settled = 12345, 1234567, 1234567, began
	// Offers are the longest while they are being set out.
	s.Refill = &pool.Refill{Number: s.Refills, At: began, Offers: slices.Concat(pool.List(pool.Database, s.Databases), pool.List(pool.Share, s.Shares))}
	s.Databases, s.Shares = nil, nil
	i, err := encodeShelf(s)
	if err != nil {
		t.Fatal(err)
	}
	if size := meter.Size(i); size > most {
		t.Errorf("the largest shelf has %d bytes", size)
	} else {
		t.Logf("the largest shelf has %d bytes", size)
	}
}

// TestClaimersAtOnce has many sign up at the same moment, over and over, until the pool is used up.
func TestClaimersAtOnce(t *testing.T) {
	const slots, claimers, mostRetries = 1000, 20, 0.1
	server := dynamotest.Start(t)
	table := server.Table(t)
	seed(t, server.Client(), table, "standard", slots)
	m := newMetered(t, server, table, "standard")
	before := m.gauge.Usage()
	for first := 0; first < slots; first += claimers {
		m.atOnce(t, first, claimers)
	}
	taken := map[string]pool.TenantID{}
	for n := range slots {
		tenant, err := open(t, server.Client(), table).Tenant(t.Context(), ledgertest.ID(n))
		if err != nil || tenant.State != pool.TenantReady {
			t.Fatalf("tenant %d is %s, error %v", n, tenant.State, err)
		}
		for _, has := range []pool.Holding{tenant.Database, tenant.Share} {
			slot := fmt.Sprintf("%s/%d", has.Host, has.Index)
			if other, twice := taken[slot]; twice {
				t.Errorf("slot %s was taken by %s and %s", slot, other, tenant.ID)
			}
			taken[slot] = tenant.ID
		}
	}
	used := m.gauge.Usage().Less(before)
	retries := float64(used.Retries()) / slots
	t.Logf("a signup: %.2f requests, %.2f WRU, %.3f retries", float64(used.Requests)/slots, used.WRU/slots, retries)
	if retries > mostRetries {
		t.Errorf("%.3f retries a signup, more than %v", retries, mostRetries)
	}
}

// atOnce signs up tenants, numbered from first, all at the same moment, and makes the pool check that they ask for.
func (m *metered) atOnce(tb testing.TB, first, tenants int) {
	tb.Helper()
	group, ctx := errgroup.WithContext(tb.Context())
	for n := first; n < first+tenants; n++ {
		group.Go(func() error { return m.signups.Message(ctx, signupOf(m.tier, n, m.now)) })
	}
	if err := group.Wait(); err != nil {
		tb.Fatal(err)
	}
	m.tend(tb)
}
