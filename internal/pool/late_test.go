package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// B6: what is on its way for longer than any host took brings nothing to a plan, and keeps no order back.
func TestAHostThatIsLateIsNotCountedOn(t *testing.T) {
	r := pool.Record{
		Key: shares, Counters: pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 10},
		Coming: []pool.Coming{{Host: shares.Host(1), OrderedAt: now.Add(-20 * time.Minute), Slots: 10}},
	}
	for range 5 {
		r.Leads = append(r.Leads, pool.Lead{At: now, Took: 15 * time.Minute})
	}
	p := buffered(0, 0)
	p.MaxOrders = 1
	plan := pool.Decide(pool.Observed{Record: r, Waiting: 3}, p, nil, now)
	if len(plan.Actions) != 1 || !strings.Contains(plan.Reason, "1 provisioning for more than 15m0s") {
		t.Errorf("%d orders: %s", len(plan.Actions), plan.Reason)
	}
	if early := pool.Decide(pool.Observed{Record: r, Waiting: 3}, p, nil, now.Add(-10*time.Minute)); len(early.Actions) != 0 {
		t.Errorf("ordered while the host was in time: %s", early.Reason)
	}
	// Nor does everything that is late have something ordered for it, again and again.
	r2 := r
	r2.Counters = pool.Counters{Hosts: 2, Provisioning: 2, ProvisioningSlots: 20}
	r2.Coming = append(r2.Coming, pool.Coming{Host: shares.Host(2), OrderedAt: now.Add(-20 * time.Minute), Slots: 10})
	if more := pool.Decide(pool.Observed{Record: r2, Waiting: 3}, p, nil, now); len(more.Actions) != 0 || !strings.Contains(more.Reason, "2 of 2 provisioning are late") {
		t.Errorf("%d orders with twice as many late as are ordered at once: %s", len(more.Actions), more.Reason)
	}
	p.Ceiling = 1
	if full := pool.Decide(pool.Observed{Record: r, Waiting: 3}, p, nil, now); len(full.Actions) != 0 {
		t.Errorf("ordered beyond the ceiling: %s", full.Reason)
	}
	p.Ceiling, p.Floor = 9, 1
	if floor := pool.Decide(pool.Observed{Record: r}, p, nil, now); len(floor.Actions) != 1 {
		t.Errorf("the floor counts a host that is late: %s", floor.Reason)
	}
	p.Floor, p.TenantsPerHost = 0, 5
	if limited := pool.Decide(pool.Observed{Record: r, Waiting: 3}, p, nil, now); len(limited.Actions) != 1 {
		t.Errorf("under a limit of tenants: %s", limited.Reason)
	}
}

func TestTheLongestLeadIsTheUsualOneUntilEnoughAreMeasured(t *testing.T) {
	r := pool.Record{Key: shares, Leads: []pool.Lead{{Took: time.Minute}, {Took: 2 * time.Minute}}}
	if got := r.LongestLead(); got != 25*time.Minute {
		t.Errorf("with two measured: %s", got)
	}
	for range 3 {
		r.Leads = append(r.Leads, pool.Lead{Took: time.Minute})
	}
	if got := r.LongestLead(); got != 2*time.Minute {
		t.Errorf("with five measured: %s", got)
	}
	r.Leads[0].Took = time.Hour
	if got := (pool.Record{Key: pool.Key{Kind: pool.Database, Tier: standard}, Leads: r.Leads[:1]}).LongestLead(); got != time.Hour {
		t.Errorf("a long one among few: %s", got)
	}
}

func TestWhyNoHostMayBeOrdered(t *testing.T) {
	p := buffered(0, 0)
	p.Ceiling = 2
	r := pool.Record{Key: shares, Counters: pool.Counters{Hosts: 2}}
	if got := pool.Blocked(r, p, now); !strings.Contains(got, "no share host may be ordered: ceiling 2 hosts, there are 2") {
		t.Errorf("%q", got)
	}
	r.Counters.Hosts = 1
	if got := pool.Blocked(r, p, now); got != "" {
		t.Errorf("below the ceiling: %q", got)
	}
}
