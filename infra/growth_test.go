package main

import (
	"testing"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// Approximate list prices of one host a month, as in docs/operations.md.
var hostPrice = map[pool.Kind]float64{pool.Database: 325, pool.Share: 207}

// grown is a pool after a year.
type grown struct {
	hosts, idle int // hosts, and slots that nobody has
	held        map[string]int
	waited      int // tenants for whom there was no slot in the hour in which they came
}

// grow lets a pool grow steadily to a number of tenants within a year. It is looked at every hour; what it
// orders is there an hour later, which is longer than hosts take.
func grow(t *testing.T, p pool.Policy, tenants int) grown {
	t.Helper()
	const hours = 365 * 24
	result := grown{held: map[string]int{}}
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	var c pool.Counters
	p.UsualLead = pool.Term(time.Hour)
	demand := forecast.Began(now)
	arriving := 0
	for hour := 1; hour <= hours; hour++ {
		now = now.Add(time.Hour)
		c.InService, c.Slots, c.Reserve = c.InService+arriving, c.Slots+arriving*p.SlotsPerHost, c.Reserve+arriving*p.SlotsPerHost
		c.Provisioning, c.ProvisioningSlots, arriving = 0, 0, 0
		come := tenants*hour/hours - c.Used - result.waited
		given := min(come, c.Reserve)
		c.Used, c.Reserve = c.Used+given, c.Reserve-given
		if hour > 24 { // the first hosts are ordered on the first day
			result.waited += come - given
		}
		record := pool.Record{Key: p.Key(), Counters: c}
		demand = demand.Noted(int64(tenants*hour/hours), now, record.LeadTimes(p, now).Mean())
		plan := pool.Decide(pool.Observed{Record: record, Demand: demand}, p, nil, now)
		for _, held := range plan.Held {
			result.held[held.Limit] += held.Hosts
		}
		arriving = len(plan.Actions)
		c.Hosts += arriving
		c.Provisioning, c.ProvisioningSlots = arriving, arriving*p.SlotsPerHost
	}
	result.hosts, result.idle = c.Hosts, c.Reserve
	return result
}

// A year of steady growth needs nobody but for quotas: it meets no ceiling, nobody waits, and what is kept
// idle for it stays small beside what is used.
func TestAYearOfGrowthMeetsNoCeiling(t *testing.T) {
	tenants := map[string]int{"dev": 400, "prod": 4000}
	for _, stage := range Stages {
		idle, all := 0.0, 0.0
		for _, p := range stage.Pools {
			g := grow(t, p, tenants[stage.Name])
			if g.held["ceiling"] > 0 || g.waited > 0 {
				t.Errorf("%s, %s: %d hosts were held back by the ceiling %d, %d tenants waited", stage.Name, p.Key(), g.held["ceiling"], p.Ceiling, g.waited)
			}
			if g.hosts*p.SlotsPerHost < tenants[stage.Name] {
				t.Errorf("%s, %s: %d hosts for %d tenants", stage.Name, p.Key(), g.hosts, tenants[stage.Name])
			}
			price := hostPrice[p.Kind]
			idle += price * float64(g.idle) / float64(p.SlotsPerHost)
			all += price * float64(g.hosts)
			t.Logf("%s, %s: %d hosts, %d slots idle", stage.Name, p.Key(), g.hosts, g.idle)
		}
		if stage.Name != "prod" { // the prices are prod's
			continue
		}
		t.Logf("%s: of $%.0f a month, $%.0f are idle", stage.Name, all, idle)
		if idle > 1000 || idle > all/100 {
			t.Errorf("%s: of $%.0f a month, $%.0f are idle", stage.Name, all, idle)
		}
	}
}

// A tenant's share has a role of its own, and an account has 5,000 at most. What else has one, the control
// plane among it, fits beside the shares.
func TestCeilingsEndWhereAnAccountDoes(t *testing.T) {
	const most, others = 5000, 100
	for _, stage := range Stages {
		roles := 0
		for _, p := range stage.Pools {
			if p.Kind == pool.Share {
				roles += p.Ceiling * p.SlotsPerHost
			}
		}
		if roles > most-others {
			t.Errorf("%s: shares may have %d roles of an account's %d", stage.Name, roles, most)
		}
	}
}
