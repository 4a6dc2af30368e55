package pool_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

func buffered(slots, percent int) pool.Policy {
	p := policy(pool.Pack, 0)
	p.BufferSlots, p.BufferPercent = slots, percent
	return p
}

func TestDecide(t *testing.T) {
	serving := func(hosts, reserve, used int) pool.Counters {
		return pool.Counters{Hosts: hosts, InService: hosts, Slots: 10 * hosts, Reserve: reserve, Used: used}
	}
	making := func(c pool.Counters, hosts int) pool.Counters {
		c.Hosts, c.Provisioning, c.ProvisioningSlots = c.Hosts+hosts, c.Provisioning+hosts, c.ProvisioningSlots+10*hosts
		return c
	}
	with := func(p pool.Policy, change func(*pool.Policy)) pool.Policy { change(&p); return p }
	tests := []struct {
		name     string
		counters pool.Counters
		onShelf  int
		waiting  int
		backoff  time.Time
		policy   pool.Policy
		orders   int
		missing  int
		reason   string // part of it
	}{
		{name: "nothing wanted", policy: buffered(0, 0), reason: "enough"},
		{name: "the floor", policy: with(buffered(0, 0), func(p *pool.Policy) { p.Floor = 2 }), orders: 2, reason: "floor 2 hosts, there are 0"},
		{name: "the floor counts hosts provisioning", counters: making(pool.Counters{}, 1), policy: with(buffered(0, 0), func(p *pool.Policy) { p.Floor = 2 }), orders: 1},
		{name: "the buffer is there", counters: serving(1, 5, 5), policy: buffered(5, 0), reason: "enough"},
		{name: "slots on the shelf are free", counters: serving(1, 0, 10), onShelf: 5, policy: buffered(5, 0), reason: "enough"},
		{name: "the buffer is short by one", counters: serving(1, 4, 6), policy: buffered(5, 0), orders: 1},
		{name: "hosts provisioning count", counters: making(serving(1, 0, 10), 1), policy: buffered(5, 0), reason: "10 coming"},
		{name: "the percentage counts when it is larger", counters: serving(10, 12, 88), policy: buffered(5, 20), orders: 1, reason: "wanted 18 (20 % of 88 assigned)"},
		{name: "those who wait are added to the buffer", waiting: 12, policy: buffered(5, 0), orders: 2, reason: "+ 12 waiting"},
		{name: "tenants of cordoned hosts are assigned", counters: pool.Counters{Hosts: 1, Cordoned: 1, CordonedUsed: 10}, policy: buffered(0, 50), orders: 1, reason: "wanted 5 (50 % of 10"},
		{name: "the ceiling", counters: serving(99, 0, 990), waiting: 50, policy: buffered(0, 0), orders: 1, missing: 4, reason: "ceiling 100 hosts, there are 99"},
		{name: "cordoned hosts count against the ceiling", counters: pool.Counters{Hosts: 100, Cordoned: 100}, waiting: 1, policy: buffered(0, 0), missing: 1},
		{name: "the most orders at once", waiting: 50, policy: with(buffered(0, 0), func(p *pool.Policy) { p.MaxOrders = 2 }), orders: 2, missing: 3, reason: "at most 2 provisioning"},
		{name: "during the backoff", waiting: 1, backoff: now.Add(time.Second), policy: buffered(0, 0), missing: 1, reason: "none before"},
		{name: "after the backoff", waiting: 1, backoff: now, policy: buffered(0, 0), orders: 1},
		{name: "a host provisioning does not bring what the limit of tenants keeps back", counters: making(pool.Counters{}, 1), policy: with(buffered(6, 0), func(p *pool.Policy) { p.TenantsPerHost = 5 }), orders: 1, reason: "5 coming"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			seen := pool.Observed{Record: pool.Record{Key: shares, Counters: test.counters, BackoffUntil: test.backoff, Failures: 1}, OnShelf: test.onShelf, Waiting: test.waiting}
			plan := pool.Decide(seen, test.policy, nil, now)
			if len(plan.Actions) != test.orders || plan.Missing() != test.missing || !strings.Contains(plan.Reason, test.reason) {
				t.Errorf("%+v, want %d orders, %d missing, because %q", plan, test.orders, test.missing, test.reason)
			}
		})
	}
}

func TestPlansKeepWithinThePolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		p := pool.Policy{
			Kind: pool.Share, Tier: standard, SlotsPerHost: 1 + n("slots", 9), Floor: n("floor", 5), Ceiling: 5 + n("ceiling", 20),
			ServeAtOnce: rapid.SampledFrom([]float64{0, 50, 99, 99.9}).Draw(t, "serve"), BufferSlots: n("buffer", 50), BufferPercent: n("percent", 200), MaxOrders: 1 + n("orders", 5), Placement: pool.Pack, TenantsPerHost: n("limit", 12),
		}
		c := pool.Counters{Provisioning: n("making", 5), Cordoned: n("cordoned", 5), Quarantined: n("quarantined", 3)}
		c.Hosts = c.Provisioning + c.Cordoned + c.Quarantined
		c.ProvisioningSlots = c.Provisioning * p.SlotsPerHost
		for seq := range n("in service", 20) {
			c = c.Add(pool.Contribution(host(seq+1, letters(n("used", 10), n("free", 10)))))
		}
		seen := pool.Observed{Record: pool.Record{Key: shares, Counters: c}, OnShelf: n("on the shelf", c.Used), Waiting: n("waiting", 40)}
		seen.Demand = forecast.Began(now.Add(-time.Hour)).Noted(int64(n("signups", 300)), now, 26)
		further := pool.Limit{Name: "test", Most: n("limit of more than the pool", 12), Why: "the test says so"}
		plan := pool.Decide(seen, p, []pool.Limit{further}, now)
		orders := len(plan.Actions)
		if plan.Missing() < 0 || plan.Reason == "" {
			t.Fatalf("%+v", plan)
		}
		if orders > 0 && (c.Hosts+orders > p.Ceiling || c.Provisioning+orders > p.MaxOrders || orders > further.Most) {
			t.Fatalf("%+v with %d hosts and %d provisioning goes over %+v", plan, c.Hosts, c.Provisioning, p)
		}
		// Ordering leaves free + coming − waiting at the buffer, or limits say by name of how many hosts not; and no host is wanted
		// beyond that and the floor.
		after := seen.Free(p) + seen.Coming(p, now) + (orders+plan.Missing())*p.Brings() - seen.Waiting
		if after < plan.Buffer {
			t.Fatalf("%+v leaves %d slots, with what is held back", plan, after)
		}
		if wanted := orders + plan.Missing(); wanted > 0 && after-p.Brings() >= plan.Buffer && c.InService+c.Provisioning+wanted > p.Floor {
			t.Fatalf("%+v wants a host more than it takes: %d slots", plan, after)
		}
		for _, held := range plan.Held {
			if held.Hosts <= 0 || !slices.Contains([]string{"ceiling", "maxOrders", "test"}, held.Limit) {
				t.Fatalf("%+v is held back by %+v", plan, held)
			}
		}
		if strings.Contains(plan.Reason, "NaN") || strings.Contains(plan.Reason, "Inf") {
			t.Fatal(plan.Reason)
		}
		more := seen
		more.Waiting++
		if next := pool.Decide(more, p, []pool.Limit{further}, now); len(next.Actions)+next.Missing() < orders+plan.Missing() {
			t.Fatalf("one more waits and fewer hosts are wanted: %+v, then %+v", plan, next)
		}
	})
}

func TestAPlanNamesWhatHoldsItBack(t *testing.T) {
	p := buffered(0, 0)
	p.MaxOrders, p.Ceiling = 3, 100
	seen := pool.Observed{Record: pool.Record{Key: shares}, Waiting: 50}
	plan := pool.Decide(seen, p, []pool.Limit{{Name: "stop", Why: "orders are stopped"}}, now)
	diff(t, "held back", plan.Held, []pool.HeldBack{{Limit: "maxOrders", Hosts: 2}, {Limit: "stop", Hosts: 3}})
	if len(plan.Actions) != 0 || !strings.Contains(plan.Reason, "none ordered; 2 held back: at most 3 provisioning, there are 0; 3 held back: orders are stopped") {
		t.Errorf("%+v", plan)
	}
	plan = pool.Decide(seen, p, nil, now)
	for _, action := range plan.Actions {
		if action.Kind != pool.OrderHost || action.Reason != plan.Reason {
			t.Errorf("%+v in %+v", action, plan)
		}
	}
}

func TestAnOrderBearsItsMark(t *testing.T) {
	r := pool.Record{Key: shares, Seq: 2}
	h := pool.Order(r, policy(pool.Pack, 0), "headroom-dev-", "k3v9x2m7qa", now, "floor")
	diff(t, "host", h, pool.Host{
		ID: "share-standard-3", Kind: pool.Share, Tier: standard, State: pool.HostOrdered, Since: now, Why: "floor",
		DecidedAt: now, OrderedAt: now, Mark: "k3v9x2m7qa", Size: 10,
		Progress: pool.Started(pool.StepOrder, now),
		Stack:    pool.Stack{Name: "headroom-dev-share-standard-3", Token: "share-standard-3-k3v9x2m7qa"},
		History:  []pool.Entry{{At: now, What: "ordered", Why: "floor"}},
	})
	diff(t, "ordered again", pool.Order(r, policy(pool.Pack, 0), "headroom-dev-", "k3v9x2m7qa", now, "floor"), h)
}

func TestPosition(t *testing.T) {
	tests := []struct {
		name       string
		seq, first int64
		want       int
	}{
		{"the first", 7, 7, 1}, {"the third", 9, 7, 3}, {"an empty list", 9, 0, 1}, {"before the first", 3, 7, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := pool.Position(test.seq, test.first); got != test.want {
				t.Errorf("position %d, want %d", got, test.want)
			}
		})
	}
}
