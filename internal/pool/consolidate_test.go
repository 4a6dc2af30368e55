package pool_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// sparse is a database host in service whose slots stand as they do for a day.
func sparse(seq int, letters string) pool.Host {
	h := idle(seq, letters, day)
	h.Kind, h.ID = pool.Database, pool.Key{Kind: pool.Database, Tier: standard}.Host(seq)
	return h
}

// gathering is a policy by which hosts are drained by themselves.
func gathering(slots, percent int) pool.Policy {
	p := buffered(slots, percent)
	p.Kind, p.KeepEmpty, p.DrainPace, p.Consolidate, p.Ceiling = pool.Database, pool.Term(day), 4, true, 50
	return p
}

func expected(buffer int) pool.Outlook {
	return pool.Outlook{Tier: standard, Peaks: map[pool.Kind][]pool.Peak{pool.Database: {{From: now.Add(-2 * day), Buffer: 1}, {From: now.Add(-2 * time.Hour), Buffer: buffer}}}}
}

// Whatever host is drained by itself, its pool orders none for that, neither at once nor when all its tenants have moved, and
// keeps free what was wanted of late.
func TestAHostThatIsDrainedByItselfMakesNoOrder(t *testing.T) {
	drained := 0
	rapid.Check(t, func(r *rapid.T) {
		p := gathering(rapid.IntRange(0, 12).Draw(r, "buffer"), rapid.IntRange(0, 40).Draw(r, "percent"))
		if rapid.Bool().Draw(r, "limit") {
			p.TenantsPerHost = rapid.IntRange(5, 10).Draw(r, "most")
		}
		p.Floor = rapid.IntRange(0, 3).Draw(r, "floor")
		var hosts []pool.Host
		for seq := 1; seq <= rapid.IntRange(1, 6).Draw(r, "hosts"); seq++ {
			letters := ""
			for range 10 {
				letters += rapid.SampledFrom([]string{"a", "f", "f", "f", "l"}).Draw(r, "slot")
			}
			hosts = append(hosts, sparse(seq, letters))
		}
		o := poolOf(hosts...)
		o.Demand = forecast.Demand{}.Noted(0, now.Add(-time.Hour), 20)
		plan, peak := pool.Decide(o, p, nil, now), rapid.IntRange(0, 15).Draw(r, "peak")
		chosen := pool.ChooseSparse(o, pool.Spares(o, p, plan, expected(peak), now), hosts, p, pool.NewShelf(standard), now)
		if chosen.Host == "" {
			if chosen.Why == "" {
				r.Fatal("it is not said why none is drained")
			}
			return
		}
		drained++
		var after []pool.Host
		tenants := 0
		for _, h := range hosts {
			if h.ID == chosen.Host {
				tenants = h.Used()
				var err error
				if h, err = pool.DrainSparse(h, chosen.Why, now); err != nil {
					r.Fatal(err)
				}
			}
			after = append(after, h)
		}
		at := poolOf(after...)
		at.Demand = o.Demand
		check := func(o pool.Observed, when string) {
			if plan := pool.Decide(o, p, nil, now); len(plan.Actions)+plan.Missing() > 0 || o.Free(p) < peak {
				r.Fatalf("%s is drained, because %s, and %s: %s", chosen.Host, chosen.Why, when, plan.Reason)
			}
		}
		check(at, "at once")
		if tenants == 0 {
			r.Fatal("it is empty, and is retired as it is")
		}
		// Each moves only if that makes no order (TestAMoveOffAHostNeverMakesAnOrder); at last all have.
		moved := at
		for range tenants { // each into a slot that any other host has free
			for i, h := range after {
				if free := strings.Index(states(h), "f"); h.ID != chosen.Host && free >= 0 && (p.TenantsPerHost == 0 || h.Used() < p.TenantsPerHost) {
					after[i] = h.Clone()
					after[i].Slots[free].State = pool.SlotAssigned
					break
				}
			}
		}
		for i, h := range after {
			if h.ID == chosen.Host {
				after[i] = sparse(1, "llllllllll")
				after[i].ID, after[i].State = h.ID, pool.HostCordoned
			}
		}
		moved = poolOf(after...)
		moved.Demand = o.Demand
		check(moved, "once it is empty")
	})
	if drained == 0 {
		t.Error("none was ever drained")
	}
}

func TestWhichHostIsDrainedByItself(t *testing.T) {
	lately := sparse(2, "afffffffff")
	lately.Slots[0].Since = now.Add(-time.Hour)
	again := sparse(2, "afffffffff")
	again.Since = now.Add(-time.Hour)
	protected := sparse(2, "afffffffff")
	protected.Protected = "ann"
	for name, test := range map[string]struct {
		hosts  []pool.Host
		change func(*pool.Policy)
		want   pool.HostID
		why    string
	}{
		"the one with the fewest tenants":          {[]pool.Host{sparse(1, "aaafffffff"), sparse(2, "aaffffffff"), sparse(3, "aaaaffffff")}, nil, "database-standard-2", "its tenants (2) have room"},
		"none that the others can't take over":     {[]pool.Host{sparse(1, "aaaaaaafff"), sparse(2, "aaaaafffff"), sparse(3, "aaaaaaaaaa")}, nil, "", "takes 10 slots, those of its tenants among them, and 5 can"},
		"none while an empty one goes":             {[]pool.Host{sparse(1, "aaafffffff"), sparse(2, "ffffffffff"), sparse(3, "ffffffffff")}, nil, "", "database-standard-2 is empty, and goes first"},
		"none that is more than half full":         {[]pool.Host{sparse(1, "aaaaaaffff"), sparse(2, "aaaaaaffff"), sparse(3, "aaaaaaffff"), sparse(4, "aaaaaaffff")}, nil, "", "at most half full"},
		"none that somebody came to lately":        {[]pool.Host{sparse(1, "aaaaaafffl"), lately, sparse(3, "aaaaaaaaaf")}, nil, "", ""},
		"none that was let in again lately":        {[]pool.Host{sparse(1, "aaaaaaaaaa"), again, sparse(3, "aaaaaaaaaf")}, nil, "", ""},
		"none that is protected":                   {[]pool.Host{sparse(1, "aaaaaaaaaa"), protected, sparse(3, "aaaaaaaaaa")}, nil, "", ""},
		"none where the policy does not have that": {[]pool.Host{sparse(1, "afffffffff"), sparse(2, "afffffffff")}, func(p *pool.Policy) { p.Consolidate = false }, "", "consolidate is off"},
		"none without a pace":                      {[]pool.Host{sparse(1, "afffffffff"), sparse(2, "afffffffff")}, func(p *pool.Policy) { p.DrainPace = 0 }, "", "consolidate is off"},
		"none while another one is drained":        {[]pool.Host{sparse(2, "aaffffffff"), sparse(3, "afffffffff"), drainedHost("afffffffff")}, nil, "", "tenants on cordoned hosts: 1"},
	} {
		p := gathering(3, 0)
		if test.change != nil {
			test.change(&p)
		}
		o := poolOf(test.hosts...)
		s := pool.Spares(o, p, pool.Decide(o, p, nil, now), expected(3), now)
		if got := pool.ChooseSparse(o, s, test.hosts, p, pool.NewShelf(standard), now); got.Host != test.want || !strings.Contains(got.Why, test.why) {
			t.Errorf("%s: %q, because %s", name, got.Host, got.Why)
		}
	}
}
