package pool_test

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// in are times so long from now on.
func in(waits ...time.Duration) []time.Time {
	var times []time.Time
	for _, wait := range waits {
		times = append(times, now.Add(wait))
	}
	return times
}

func TestSlotsThatRestCountIfTheyAreDueInALeadTime(t *testing.T) {
	p, r := forecasting()                // a host takes some thirteen minutes on average
	p.BufferSlots, p.ServeAtOnce = 11, 0 // one slot more than a host brings: it is one host or two, by whether any slot that rests counts
	mean := time.Duration(r.LeadTimes(p, now).Mean() * float64(time.Minute))
	for name, test := range map[string]struct {
		coolDown time.Duration
		rests    []time.Time
		cooling  int
		want     int
	}{
		"all that rest briefly":                       {10 * time.Minute, nil, 7, 7},
		"all that rest as short as can be":            {0, nil, 7, 7},
		"none of which nobody knows when":             {time.Hour, nil, 7, 0},
		"of those that rest for long, those due soon": {24 * time.Hour, in(0, 10*time.Minute, mean, mean+time.Second, 20*time.Hour), 7, 3},
		"no more than there are":                      {24 * time.Hour, in(time.Minute, 2*time.Minute, 3*time.Minute), 2, 2},
		"one that should be free since a minute":      {24 * time.Hour, in(-time.Minute), 7, 1},
		"none that should have been free long since":  {24 * time.Hour, in(-mean - time.Second), 7, 0},
		"none where none rests":                       {24 * time.Hour, in(time.Minute), 0, 0},
	} {
		r.Counters.Cooling = test.cooling
		seen := pool.Observed{Record: r, CoolDown: test.coolDown, Rests: test.rests}
		if got := seen.Coming(p, now); got != test.want {
			t.Errorf("%s: %d are coming, want %d", name, got, test.want)
		}
		if got, want := len(pool.Decide(seen, p, nil, now).Actions), (11-test.want+p.Brings()-1)/p.Brings(); got != want {
			t.Errorf("%s: %d hosts are ordered for eleven slots, want %d", name, got, want)
		}
	}
}

// Slots of which enough are free again in five minutes are waited for so long, however long another one rests.
func TestWhoWaitsForASlotThatRestsIsToldUntilWhen(t *testing.T) {
	seen := func(rests ...time.Duration) pool.TierSeen {
		resting := coming()
		for k, o := range resting.Pools {
			o.Record.Counters = o.Record.Counters.Add(pool.Counters{Hosts: 1, InService: 1, Slots: 10, Cooling: 10})
			o.CoolDown, o.Rests = 24*time.Hour, in(rests...)
			resting.Pools[k] = o
		}
		return resting
	}
	fresh := coming().EstimateWait(1, now)
	for _, test := range []struct {
		position int
		least    time.Duration
	}{{1, 5 * time.Minute}, {2, 10 * time.Minute}} {
		got := seen(5*time.Minute, 10*time.Minute, 20*time.Hour).EstimateWait(test.position, now)
		if got.Capped != "" || got.Median < test.least || got.Median > got.Ninety || got.Ninety > test.least+pool.CheckEvery {
			t.Errorf("at place %d, %+v", test.position, got)
		}
	}
	brief := seen()
	for k, o := range brief.Pools {
		o.CoolDown = 0 // and yet a slot rests for more than a minute
		brief.Pools[k] = o
	}
	if got := brief.EstimateWait(1, now); got.Capped != "" || got.Median < time.Minute || got.Ninety > time.Minute+2*pool.CheckEvery {
		t.Errorf("with slots that rest as short as can be: %+v", got)
	}
	if got := seen(-time.Minute).EstimateWait(1, now); got.Capped != "" || got.Ninety > pool.CheckEvery {
		t.Errorf("with a slot that is due: %+v", got)
	}
	if got := seen(20*time.Hour).EstimateWait(1, now); got != fresh {
		t.Errorf("with a slot that rests for twenty hours %+v, with none %+v", got, fresh)
	}
}

// rest is a slot that rests for a day from noon on: its clearance, and its host.
func rest(t *testing.T) (pool.Clearance, pool.Host) {
	t.Helper()
	_, d := leaving(t, leaver())
	has := d.Tenant.Share
	host := pool.Host{ID: has.Host, Kind: pool.Share, Tier: "standard", State: pool.HostInService, Slots: []pool.Slot{
		{Index: has.Index, Generation: has.Generation, Name: has.Name, Share: "share-1", State: pool.SlotAssigned, Tenant: "acme"},
	}}
	c := pool.Clear(d, pool.Share, "next", noon)
	c.NextShare, c.CoolDown, c.Step = "share-2", 24*time.Hour, pool.StepProve
	host, _, err := pool.LeaveSlot(host, has, "acme", noon)
	if err != nil {
		t.Fatal(err)
	}
	if host, _, err = pool.RenewSlot(host, c, noon); err != nil {
		t.Fatal(err)
	}
	c, err = pool.MoveClearance(c.Proven(pool.StepCool, noon, "it is clean"), pool.ClearanceCooling, pool.StepCool, noon, "it is clean")
	if err != nil {
		t.Fatal(err)
	}
	return c, host
}

func TestWhichSlotsRestUntilWhen(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *pool.Clearance, h *pool.Host)
		rests  bool
	}{
		"one that was proven clean": {func(*pool.Clearance, *pool.Host) {}, true},
		"one that was released from quarantine while it rested": {func(c *pool.Clearance, h *pool.Host) {
			released, err := pool.MoveClearance(*c, pool.ClearanceQuarantined, "", noon, "it is in doubt")
			if err == nil {
				released, err = pool.ReleaseClearance(released, noon, "it is not")
			}
			if *c = released; err != nil {
				t.Fatal(err)
			}
		}, true},
		"one that is quarantined":    {func(_ *pool.Clearance, h *pool.Host) { h.Slots[0].State = pool.SlotQuarantined }, false},
		"one that was freed":         {func(_ *pool.Clearance, h *pool.Host) { h.Slots[0].State = pool.SlotFree }, false},
		"the rest of another tenant": {func(_ *pool.Clearance, h *pool.Host) { h.Slots[0].Generation++ }, false},
		"one that is being proven":   {func(c *pool.Clearance, _ *pool.Host) { c.Step = pool.StepProve }, false},
		"one of a cordoned host":     {func(_ *pool.Clearance, h *pool.Host) { h.State = pool.HostCordoned }, false},
		"one of a host that is gone": {func(_ *pool.Clearance, h *pool.Host) { *h = pool.Host{} }, false},
	} {
		c, h := rest(t)
		test.change(&c, &h)
		hosts := map[pool.HostID]pool.Host{c.Holding.Host: h}
		got := pool.Rests(map[pool.ClearanceID]pool.Clearance{c.ID(): c}, hosts)
		switch until := got[pool.Share]; {
		case !test.rests && len(got) > 0:
			t.Errorf("%s: rests until %v", name, got)
		case test.rests && (len(got) != 1 || len(until) != 1 || !until[0].Equal(noon.Add(24*time.Hour))):
			t.Errorf("%s: rests until %v", name, got)
		}
		if count := pool.Contribution(h).Cooling; len(got[pool.Share]) > count {
			t.Errorf("%s: %v rest, and its host counts %d", name, got, count)
		}
	}
	c, _ := rest(t)
	if !c.RestsIn("standard") || c.RestsIn("large") {
		t.Error("it rests in another tier than its host is of")
	}
}

func TestRestsAreInOrder(t *testing.T) {
	clearances, hosts := map[pool.ClearanceID]pool.Clearance{}, map[pool.HostID]pool.Host{}
	for i := range 9 {
		c, h := rest(t)
		c.Departure += pool.DepartureID(rune('a' + i))
		h.ID = h.Key().Host(i + 1)
		c.Holding.Host, c.CoolDown = h.ID, time.Duration(20+i)*time.Hour
		clearances[c.ID()], hosts[h.ID] = c, h
	}
	if got := pool.Rests(clearances, hosts)[pool.Share]; len(got) != 9 || !slices.IsSortedFunc(got, time.Time.Compare) {
		t.Errorf("%v", got)
	}
}

func TestRestsAreSoughtWhereSomethingRestsForLong(t *testing.T) {
	s := ofQuotas(10, map[pool.Kind]int{}, now)
	s.Document.Terms.CoolDown = pool.Term(24 * time.Hour)
	if until := s.RestsSought(); !until.IsZero() {
		t.Errorf("nothing rests, and what does by %s is sought", until)
	}
	r := s.Records[pool.Database]
	r.Counters.Cooling = 1
	s.Records[pool.Database] = r
	mean := time.Duration(r.LeadTimes(s.Policy(pool.Database), now).Mean() * float64(time.Minute))
	if until := s.RestsSought(); !until.Equal(now.Add(mean)) {
		t.Errorf("sought is what has rested by %s, a host takes %s", until, mean)
	}
	// The deadline of a slot that should be free is that of another look, and that must be found, however soon a host comes.
	quick := s
	quick.Records = map[pool.Kind]pool.Record{pool.Database: r}
	quick.Document.Pools = slices.Clone(s.Document.Pools)
	for i := range quick.Document.Pools {
		quick.Document.Pools[i].UsualLead = pool.Term(time.Minute)
	}
	c, _ := rest(t)
	late, changed := pool.OverdueClearance(c, c.RestsUntil())
	if next := late.Due.Sub(c.RestsUntil()); !changed || quick.RestsSought().Before(now.Add(next)) {
		t.Errorf("sought is what has rested by %s, and what should have is due %s later", quick.RestsSought(), next)
	}
	s.Document.Terms.CoolDown = pool.Term(10 * time.Minute)
	if until := s.RestsSought(); !until.IsZero() {
		t.Errorf("all that rests counts, and what does by %s is sought", until)
	}
}
