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
	p := buffered(0, 0)
	p.MaxOrders, p.UsualLead = 1, pool.Term(8*time.Minute)
	plan := pool.Decide(pool.Observed{Record: r, Waiting: 3}, p, nil, now)
	if len(plan.Actions) != 1 || !strings.Contains(plan.Reason, "1 provisioning for more than 17 min: not counted on") {
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

// One that replaces a failed host was decided on long ago, and ordered just now: it has its time yet.
func TestAHostThatReplacesAFailedOneIsInTime(t *testing.T) {
	r := pool.Record{
		Key: shares, Counters: pool.Counters{Hosts: 1, Provisioning: 1, ProvisioningSlots: 10},
		Coming: []pool.Coming{{Host: shares.Host(1), DecidedAt: now.Add(-3 * time.Hour), OrderedAt: now.Add(-time.Minute), Slots: 10}},
	}
	if plan := pool.Decide(pool.Observed{Record: r, Waiting: 3}, buffered(0, 0), nil, now); len(plan.Actions) != 0 {
		t.Errorf("%d are ordered beside it: %s", len(plan.Actions), plan.Reason)
	}
}

func TestAfterWhatTimeAHostIsLate(t *testing.T) {
	r := pool.Record{Key: shares}
	p := buffered(0, 0)
	usual := r.LateAfter(p)
	if usual < 30*time.Minute || usual > 35*time.Minute {
		t.Errorf("with nothing measured: %s", usual)
	}
	r.Leads = []pool.Lead{{Took: time.Hour}}
	if got := r.LateAfter(p); got < 59*time.Minute {
		t.Errorf("with a long one: %s", got)
	}
	p.UsualLead = pool.Term(10 * time.Second)
	if got := (pool.Record{Key: shares}).LateAfter(p); got > time.Minute {
		t.Errorf("where ten seconds are usual: %s", got)
	}
	// A host that never comes must not make itself count as in time.
	r = pool.Record{Key: shares, Counters: pool.Counters{Provisioning: 1, ProvisioningSlots: 10}, Coming: []pool.Coming{{OrderedAt: now.Add(-9 * time.Hour), Slots: 10}}}
	if hosts, slots := r.Late(p, now); hosts != 1 || slots != 10 {
		t.Errorf("of a host of nine hours %d are late, with %d slots", hosts, slots)
	}
	if p99 := r.LeadTimes(p, now).P99(); p99 < 8*time.Hour {
		t.Errorf("with a host of nine hours, lead times are up to %s", p99)
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

// A host that people let go on after days took no longer to build for that.
func TestWhatAHostStoodGivenUpIsNoLeadTime(t *testing.T) {
	decided := time.Date(2026, 11, 6, 15, 0, 0, 0, time.UTC)
	h := pool.Host{
		ID: "share-standard-1", Kind: pool.Share, State: pool.HostQuarantined, Progress: pool.Progress{Stuck: pool.StepBoot}, DecidedAt: decided, Since: decided.Add(20 * time.Minute),
	}
	released, err := pool.Release(h, decided.Add(66*time.Hour), "it is mended")
	if err != nil {
		t.Fatal(err)
	}
	if took := decided.Add(66*time.Hour + 5*time.Minute).Sub(released.DecidedAt); took != 25*time.Minute {
		t.Errorf("in service five minutes later, it took %s", took)
	}
}
