package pool_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

const day = 24 * time.Hour

// keeping is a policy that keeps so many slots free, and empty hosts for a day.
func keeping(slots int) pool.Policy {
	p := buffered(slots, 0)
	p.KeepEmpty = pool.Term(day)
	return p
}

// peaked is an outlook that knows what was wanted for two days: so much at most.
func peaked(buffer int) pool.Outlook {
	return pool.Outlook{Tier: standard, Peaks: map[pool.Kind][]pool.Peak{pool.Share: {
		{From: now.Add(-2 * day), Buffer: 1}, {From: now.Add(-2 * time.Hour), Buffer: buffer},
	}}}
}

// idle is a host in service whose slots stand as they do for so long.
func idle(seq int, letters string, since time.Duration) pool.Host {
	h := host(seq, letters)
	h.Since = now.Add(-since)
	for i := range h.Slots {
		h.Slots[i].Since = h.Since
	}
	return h
}

// poolOf is what is observed of a pool of these hosts, whose offers are on the shelf.
func poolOf(hosts ...pool.Host) pool.Observed {
	o := pool.Observed{Record: pool.Record{Key: shares}}
	for _, h := range hosts {
		o.Record.Counters = o.Record.Counters.Add(pool.Contribution(h))
		o.OnShelf += strings.Count(states(h), "o")
	}
	return o
}

func TestWhatAPoolCanSpare(t *testing.T) {
	hosts := []pool.Host{idle(1, "aaaaaaafff", 9*day), idle(2, "ffffffffff", day)}
	tests := []struct {
		name   string
		change func(*pool.Observed, *pool.Policy, *pool.Outlook)
		slots  int
		why    string
	}{
		{"what is beyond the largest buffer of a day", func(*pool.Observed, *pool.Policy, *pool.Outlook) {}, 10, "13 free, 3 the largest buffer of 24h0m0s"},
		{"what is wanted now", func(_ *pool.Observed, p *pool.Policy, _ *pool.Outlook) { p.BufferSlots = 8 }, 5, "13 free, 8 wanted now"},
		{"what is scheduled within a day", func(_ *pool.Observed, p *pool.Policy, _ *pool.Outlook) {
			p.Scheduled = []pool.Scheduled{{From: now.Add(23 * time.Hour), Until: now.Add(30 * time.Hour), Free: 12}}
		}, 1, "12 scheduled until"},
		{"a larger buffer than there is", func(_ *pool.Observed, _ *pool.Policy, o *pool.Outlook) { *o = peaked(20) }, -7, "13 free, 20 the largest"},
		{"somebody waits", func(o *pool.Observed, _ *pool.Policy, _ *pool.Outlook) { o.Waiting = 1 }, -1, "1 waiting"},
		{"a host is coming", func(o *pool.Observed, _ *pool.Policy, _ *pool.Outlook) { o.Record.Counters.Provisioning = 1 }, -1, "hosts provisioning: 1"},
		{"the floor", func(_ *pool.Observed, p *pool.Policy, _ *pool.Outlook) { p.Floor = 2 }, -1, "floor 2 hosts, there are 2"},
		{"never", func(_ *pool.Observed, p *pool.Policy, _ *pool.Outlook) { p.KeepEmpty = 0 }, -1, "keepEmpty is 0"},
		{"a stage that is younger than a day", func(_ *pool.Observed, _ *pool.Policy, o *pool.Outlook) { o.Peaks[pool.Share] = o.Peaks[pool.Share][1:] }, -1, "not known for 24h0m0s yet"},
		{"nothing known", func(_ *pool.Observed, _ *pool.Policy, o *pool.Outlook) { *o = pool.Outlook{} }, -1, "not known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, p, known := poolOf(hosts...), keeping(2), peaked(3)
			test.change(&o, &p, &known)
			plan := pool.Decide(o, p, nil, now)
			if o.Waiting > 0 || p.Floor > 0 {
				plan = pool.Plan{} // what else keeps it is not the matter here
			}
			if got := pool.Spares(o, p, plan, known, now); got.Slots != test.slots || !strings.Contains(got.Why, test.why) {
				t.Errorf("%+v, want %d because %q", got, test.slots, test.why)
			}
		})
	}
}

// What a limit holds back is wanted as much as what is ordered: there is a ceiling, or no money, and so nothing to spare.
func TestNothingIsSpareWhileHostsAreWanted(t *testing.T) {
	o, p, known := poolOf(idle(1, "ffffffffff", day)), keeping(2), peaked(3)
	for name, plan := range map[string]pool.Plan{
		"1 ordered, 0 held back": {Buffer: 2, Actions: []pool.Action{{Kind: pool.OrderHost}}},
		"0 ordered, 2 held back": {Buffer: 2, Held: []pool.HeldBack{{Limit: "ceiling", Hosts: 2}}},
	} {
		if got := pool.Spares(o, p, plan, known, now); got.Slots >= 0 || !strings.Contains(got.Why, name) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A pool wanted 20 slots for one check, and two ever since. A peak stands for the hour in which it was, so with a keepEmpty of a
// day it counts until a day after that hour's end, and no longer: for 25 hours from the hour's beginning.
func TestWhatWasWantedCountsForAsLongAsKeepEmpty(t *testing.T) {
	began := now.Truncate(time.Hour)
	keep := func(pool.Kind) time.Duration { return day }
	known := pool.Outlook{Tier: standard}.Planned(map[pool.Kind]pool.Plan{pool.Share: {Buffer: 20}}, keep, began.Add(10*time.Minute))
	o, p := poolOf(idle(1, "ffffffffff", 9*day), idle(2, "ffffffffff", 9*day), idle(3, "ffffffffff", 9*day)), keeping(2)
	for minute := 60; minute <= 27*60; minute += 5 {
		at := began.Add(time.Duration(minute) * time.Minute)
		known = known.Planned(map[pool.Kind]pool.Plan{pool.Share: {Buffer: 2}}, keep, at)
		want := 10 // of 30, but for 20
		switch {
		case minute < 24*60:
			want = -1 // nobody knows yet what is wanted in a day
		case minute >= 25*60:
			want = 28 // but for two
		}
		if got := pool.Spares(o, p, pool.Plan{Buffer: 2}, known, at); got.Slots != want {
			t.Fatalf("%d minutes after the hour began %+v, want %d", minute, got, want)
		}
	}
}

// A keepEmpty that was made shorter counts at once, though more is remembered.
func TestWhatWasWantedBeforeAShorterKeepEmptyDoesNotCount(t *testing.T) {
	o, p := poolOf(idle(1, "ffffffffff", 9*day)), keeping(2)
	for keep, want := range map[time.Duration]int{day: 10 - 5, 3 * time.Hour: 10 - 5, time.Hour: 10 - 2} {
		p.KeepEmpty = pool.Term(keep)
		known := pool.Outlook{Tier: standard, Peaks: map[pool.Kind][]pool.Peak{pool.Share: {
			{From: now.Add(-2 * day), Buffer: 1}, {From: now.Add(-3 * time.Hour), Buffer: 5}, {From: now.Add(-time.Hour), Buffer: 2},
		}}}
		if got := pool.Spares(o, p, pool.Plan{Buffer: 2}, known, now); got.Slots != want {
			t.Errorf("with keepEmpty %s %+v, want %d", keep, got, want)
		}
	}
}

func TestWhichHostIsRetired(t *testing.T) {
	claimed := pool.NewShelf(standard)
	claimed.Held["acme"] = pool.Hold{Share: shareOffer(2, 1)}
	protected := idle(2, "ffff", day)
	protected.Protected = "ann: the auditors look at it"
	repaired := idle(2, "ffff", day)
	repaired.Repair = 3
	tests := []struct {
		name  string
		hosts []pool.Host
		shelf pool.Shelf
		spare int
		want  pool.HostID
		why   string
	}{
		{"an empty one", []pool.Host{idle(1, "afff", day), idle(2, "ffff", day)}, pool.NewShelf(standard), 4, "share-standard-2", "empty since 2026"},
		{"none that is too large", []pool.Host{idle(2, "ffff", day)}, pool.NewShelf(standard), 3, "", "takes 4 slots away, and 3 can be spared"},
		{"the one that was empty longest", []pool.Host{idle(1, "ffff", day), idle(2, "ffff", 2*day)}, pool.NewShelf(standard), 4, "share-standard-2", ""},
		{"rather one with nothing on the shelf", []pool.Host{idle(1, "ffff", day), idle(2, "ooff", 2*day)}, pool.NewShelf(standard), 4, "share-standard-1", ""},
		{"one that lies on the shelf", []pool.Host{idle(2, "oooo", day)}, pool.NewShelf(standard), 4, "share-standard-2", ""},
		{"none of which a slot was claimed", []pool.Host{idle(2, "oooo", day)}, claimed, 4, "", "no host has been empty"},
		{"none whose tenant has just left", []pool.Host{idle(2, "ffff", 5*time.Hour)}, pool.NewShelf(standard), 4, "", "no host has been empty"},
		{"none with a slot that rests", []pool.Host{idle(2, "fffc", day)}, pool.NewShelf(standard), 4, "", "no host has been empty"},
		{"none that is protected", []pool.Host{protected}, pool.NewShelf(standard), 4, "", "no host has been empty"},
		{"none that is repaired", []pool.Host{repaired}, pool.NewShelf(standard), 4, "", "no host has been empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := pool.ChooseEmpty(pool.Spare{Slots: test.spare, Why: "the test says so"}, test.hosts, keeping(0), test.shelf, now)
			if got.Host != test.want || !strings.Contains(got.Why, test.why) {
				t.Errorf("%+v, want %q because %q", got, test.want, test.why)
			}
		})
	}
}

// retireAll retires one host after the other of a pool, each as one check would.
func retireAll(o pool.Observed, p pool.Policy, known pool.Outlook, hosts []pool.Host, gone func(pool.Observed, pool.Host)) (retired int) {
	for {
		plan := pool.Decide(o, p, nil, now)
		chosen := pool.ChooseEmpty(pool.Spares(o, p, plan, known, now), hosts, p, pool.NewShelf(standard), now)
		if chosen.Host == "" {
			return retired
		}
		var left []pool.Host
		for _, h := range hosts {
			if h.ID == chosen.Host {
				o.Record.Counters = o.Record.Counters.Sub(pool.Contribution(h))
				o.OnShelf -= strings.Count(states(h), "o")
				gone(o, h)
			} else {
				left = append(left, h)
			}
		}
		hosts, retired = left, retired+1
	}
}

// somePool draws a pool with a policy, and what is known of it.
func somePool(t *rapid.T) (o pool.Observed, p pool.Policy, known pool.Outlook, hosts []pool.Host) {
	n := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
	p = keeping(n("buffer", 30))
	p.Floor, p.BufferPercent, p.TenantsPerHost = n("floor", 4), n("percent", 60), n("limit", 12)
	p.ServeAtOnce = rapid.SampledFrom([]float64{0, 90, 99}).Draw(t, "serve")
	if n("scheduled", 2) == 0 {
		p.Scheduled = []pool.Scheduled{{From: now.Add(time.Duration(n("from", 40)) * time.Hour), Until: now.Add(50 * time.Hour), Free: 1 + n("free", 40)}}
	}
	for seq := range n("hosts", 8) {
		used := rapid.SampledFrom([]int{0, 0, 0, 4, 10}).Draw(t, "used")
		offered := n("offered", 10-used)
		h := idle(seq+1, strings.Repeat("a", used)+strings.Repeat("o", offered)+strings.Repeat("f", 10-used-offered), time.Duration(n("idle", 12))*time.Hour)
		hosts = append(hosts, h)
	}
	o = poolOf(hosts...)
	o.Demand = forecast.Began(now.Add(-time.Hour)).Noted(int64(n("signups", 30)), now, 26)
	known = peaked(n("peak", 40))
	return o, p, known, hosts
}

// However many go, no plan orders because of it, and no pool comes below what was wanted.
func TestRetiringMakesNoOrder(t *testing.T) {
	retired := 0
	rapid.Check(t, func(t *rapid.T) {
		o, p, known, hosts := somePool(t)
		before := pool.Decide(o, p, nil, now)
		retired += retireAll(o, p, known, hosts, func(left pool.Observed, h pool.Host) {
			for _, at := range []time.Time{now, now.Add(time.Minute)} {
				plan := pool.Decide(left, p, nil, at)
				peak, _ := known.Peak(pool.Share, time.Duration(p.KeepEmpty), at)
				if len(plan.Actions)+plan.Missing() > len(before.Actions)+before.Missing() {
					t.Fatalf("without %s: %s", h.ID, plan.Reason)
				}
				if free := left.Free(p); free < plan.Buffer || free < peak || left.Record.Counters.InService < p.Floor {
					t.Fatalf("without %s %d are free, of %d and %d, in %d hosts of %d", h.ID, free, plan.Buffer, peak, left.Record.Counters.InService, p.Floor)
				}
				if why := pool.StillSpare(left, p, plan, known, now); why != "" {
					t.Fatalf("%s was retired, and %s", h.ID, why)
				}
			}
		})
	})
	if retired == 0 {
		t.Error("none was retired in any run")
	}
}

// A pool that can spare a host still can with more free slots, or when less is wanted.
func TestWhatIsSpareGrowsWithWhatIsFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, p, known, hosts := somePool(t)
		count := func(o pool.Observed, p pool.Policy, known pool.Outlook, hosts []pool.Host) int {
			return retireAll(o, p, known, hosts, func(pool.Observed, pool.Host) {})
		}
		less := count(o, p, known, hosts)
		more := append([]pool.Host{idle(99, "ffffffffff", day)}, hosts...)
		demand := o.Demand
		o2 := poolOf(more...)
		o2.Demand = demand
		if got := count(o2, p, known, more); got < less {
			t.Fatalf("with a host more %d are retired, of %d", got, less)
		}
		lower := p
		lower.BufferSlots = p.BufferSlots / 2
		if got := count(o, lower, known, hosts); got < less {
			t.Fatalf("with a smaller buffer %d are retired, of %d", got, less)
		}
	})
}

func TestARecall(t *testing.T) {
	on := pool.NewShelf(standard)
	on.Shares = []pool.Offer{shareOffer(2, 1)}
	held := pool.NewShelf(standard)
	held.Held["acme"] = pool.Hold{Share: shareOffer(2, 1)}
	back := pool.NewShelf(standard)
	back.Withdrawn = []pool.Listed{{Kind: pool.Share, Offer: shareOffer(2, 1)}}
	refilled := pool.NewShelf(standard)
	refilled.Refill = &pool.Refill{Offers: []pool.Listed{{Kind: pool.Share, Offer: shareOffer(2, 1)}}}
	protected := host(2, "ffff")
	protected.Protected = "ann: no"
	for i, test := range []struct {
		host  pool.Host
		shelf pool.Shelf
		done  bool
		off   string
	}{
		{host(2, "ffff"), pool.NewShelf(standard), true, ""},
		{host(2, "offf"), pool.NewShelf(standard), false, ""},
		{host(2, "offf"), on, false, ""},
		{host(2, "offf"), held, false, "claimed by tenant acme"},
		{host(2, "ffff"), back, false, ""},
		{host(2, "ffff"), refilled, false, ""},
		{host(2, "afff"), pool.NewShelf(standard), false, "slot 1 is of tenant"},
		{host(2, "rfff"), pool.NewShelf(standard), false, "slot 1 is returned"},
		{protected, pool.NewShelf(standard), false, "it is protected"},
	} {
		done, off := pool.Recalled(test.host, test.shelf)
		if done != test.done || (off == "") != (test.off == "") || !strings.Contains(off, test.off) {
			t.Errorf("case %d: %v, %q", i, done, off)
		}
	}
}
