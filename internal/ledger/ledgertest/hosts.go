package ledgertest

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func hostRoundTrip(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	if _, err := l.Host(ctx, "share-standard-1"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("an unknown host: %v", err)
	}
	h := Host(key(pool.Share), 1, 3)
	h.Progress = pool.Progress{Step: pool.StepAnnounce, Tries: 2, Count: 1, Due: at(120), Error: "no answer", Stuck: pool.StepCache}
	h.Slots[0].State, h.Slots[0].Refill = pool.SlotOffered, 4
	h.Slots[1].State, h.Slots[1].Tenant = pool.SlotAssigned, ID(1)
	h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: at(5)}, "disk": {At: at(6)}}
	h.Rang, h.Calm, h.Set = []time.Time{at(4), at(6)}, at(7), at(3)
	h.Untold, h.Doubt, h.Trouble, h.ByHand, h.Repair = true, "it does not answer", "its storage is full", "jo: a drill", 3
	h.Gateways = 2
	h.Access.Machine, h.Access.Cache, h.Access.CacheGiB = "i-1", "vol-1", 150
	h.Losses = []pool.Loss{{Gateway: "sgw-1", At: at(3), Amount: "up to 1 GiB", Shares: []pool.LossOf{{Index: 1, Generation: 2, Tenant: "acme", Files: "a report named 1 file"}}}}
	h.Drained, h.Protected = "jo: old", "ann: the auditors"
	h.Retire = pool.Retirement{By: "jo: old", At: at(9), Off: at(8), Left: []pool.Remnant{
		{What: pool.RemnantSnapshot, Name: "s", Until: at(900)}, {What: pool.RemnantBucket, Name: "b"},
	}}
	h.Strikes = []pool.Strike{{Tenant: ID(2), At: at(7)}, {Tenant: ID(3), At: at(8)}}
	stored := add(t, l, h)
	want := h
	want.Version = 2
	expect(t, "host", stored, want)

	stored.Slots[0].State = pool.SlotFree
	stored.Alarms["cpu"] = pool.AlarmMark{}
	stored.Strikes[0].Tenant = ID(9)
	stored.Retire.Left[0].Name = "other"
	again, err := l.Host(ctx, h.ID)
	must(t, err)
	expect(t, "host after a copy of it was changed", again, want)

	bare := again.Clone()
	bare.Progress, bare.Alarms, bare.Slots = pool.Progress{}, nil, nil
	bare.Untold, bare.Doubt, bare.Strikes, bare.Retire = false, "", nil, pool.Retirement{}
	must(t, l.SaveHost(ctx, again, bare, pool.Neutral, start))
	again, err = l.Host(ctx, h.ID)
	must(t, err)
	bare.Version = 3
	expect(t, "bare host", again, bare)
}

func hostConflict(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	before := add(t, l, Host(key(pool.Share), 1, 3))
	after := before.Clone()
	after.Slots[0].State = pool.SlotOffered
	must(t, l.SaveHost(ctx, before, after, pool.Neutral, start))
	for _, outcome := range []pool.Outcome{pool.Neutral, pool.Succeeded, pool.Failed, pool.PassedOver} {
		if err := l.SaveHost(ctx, before, after, outcome, start); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("saving again with outcome %d: %v", outcome, err)
		}
		// Nothing of it moves the counters: this is a write of the host alone.
		if err := l.SaveHost(ctx, before, before, outcome, start); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("saving unchanged with outcome %d: %v", outcome, err)
		}
	}
	never := Host(key(pool.Share), 2, 3)
	if err := l.SaveHost(ctx, never, never, pool.Neutral, start); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that was never ordered: %v", err)
	}
	record, err := l.Pool(ctx, key(pool.Share))
	must(t, err)
	want := pool.Record{Key: key(pool.Share), Seq: 1, Noted: 1, Counters: pool.Contribution(after), Size: 3, Coming: []pool.Coming{{Host: after.ID, DecidedAt: start, OrderedAt: start, Slots: 3}}}
	expect(t, "pool after the conflicts", record, want)
}

func orderOnce(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	seen, err := l.Pool(ctx, key(pool.Share))
	must(t, err)
	expect(t, "a pool that is not there", seen, pool.Record{Key: key(pool.Share)})
	h := pool.Order(seen, pool.Policy{Kind: pool.Share, Tier: tier, SlotsPerHost: 10}, "headroom-test-", "k3v9x2m7qa", start, "floor 1 hosts, there are 0")
	must(t, l.Order(ctx, seen, h))
	if err := l.Order(ctx, seen, h); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("ordering again: %v", err)
	}
	stored, err := l.Host(ctx, h.ID)
	must(t, err)
	h.Version = 1
	expect(t, "host", stored, h)
	record, err := l.Pool(ctx, key(pool.Share))
	must(t, err)
	coming := []pool.Coming{{Host: h.ID, DecidedAt: start, OrderedAt: start, Slots: 10}}
	expect(t, "pool", record, pool.Record{Key: key(pool.Share), Seq: 1, Noted: 1, Size: 10, Coming: coming, Counters: pool.Contribution(h)})
}

// comes keeps a host among those that are coming until something came of it.
func comes(t *testing.T, l ledger.Ledger) {
	for n, outcome := range []pool.Outcome{pool.Succeeded, pool.Failed, pool.PassedOver} {
		first, second := add(t, l, Host(key(pool.Share), 2*n+1, 3)), add(t, l, Host(key(pool.Share), 2*n+2, 4))
		must(t, l.SaveHost(t.Context(), first, first, outcome, at(60)))
		record, err := l.Pool(t.Context(), key(pool.Share))
		must(t, err)
		expect(t, "what is coming", record.Coming, []pool.Coming{{Host: second.ID, DecidedAt: start, OrderedAt: start, Slots: 4}})
		must(t, l.SaveHost(t.Context(), second, second, outcome, at(60)))
	}
}

// tiersAreListed lists the tiers there ever were, each once.
func tiersAreListed(t *testing.T, l ledger.Ledger) {
	list := func() []pool.Tier {
		t.Helper()
		tiers, err := l.Tiers(t.Context())
		must(t, err)
		return tiers
	}
	expect(t, "tiers before the first order", list(), []pool.Tier(nil))
	for _, tier := range []pool.Tier{"silver", "gold"} {
		for _, k := range pool.Kinds {
			add(t, l, Host(pool.Key{Kind: k, Tier: tier}, 1, 3))
			add(t, l, Host(pool.Key{Kind: k, Tier: tier}, 2, 3))
		}
	}
	expect(t, "tiers", list(), []pool.Tier{"gold", "silver"})
}

func backoff(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	host := add(t, l, Host(key(pool.Share), 1, 3))
	save := func(outcome pool.Outcome, now time.Time) pool.Record {
		t.Helper()
		must(t, l.SaveHost(ctx, host, host, outcome, now))
		var err error
		host, err = l.Host(ctx, host.ID)
		must(t, err)
		r, err := l.Pool(ctx, key(pool.Share))
		must(t, err)
		return r
	}
	for failures := 1; failures <= 3; failures++ {
		now := at(1000 * failures)
		r := save(pool.Failed, now)
		expect(t, "failures", r.Failures, failures)
		expect(t, "backoff", r.BackoffUntil, now.Add(pool.Backoff(failures)))
		r = save(pool.Neutral, now)
		expect(t, "failures after something neutral", r.Failures, failures)
	}
	r := save(pool.Succeeded, at(5000))
	expect(t, "after success", []any{r.Failures, r.BackoffUntil}, []any{0, time.Time{}})
}

func leadTimes(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	policy := pool.Policy{Kind: pool.Share, Tier: tier, SlotsPerHost: 10}
	record := func() pool.Record {
		t.Helper()
		r, err := l.Pool(ctx, key(pool.Share))
		must(t, err)
		return r
	}
	order := func(now time.Time) pool.Host {
		t.Helper()
		h := pool.Order(record(), policy, "headroom-test-", "k3v9x2m7qa", now, "test")
		must(t, l.Order(ctx, record(), h))
		stored, err := l.Host(ctx, h.ID)
		must(t, err)
		return stored
	}
	first := order(at(0))
	must(t, l.SaveHost(ctx, first, first, pool.Failed, at(300)))
	expect(t, "owed", record().Owed, []pool.Owed{{DecidedAt: at(0), FailedAt: at(300)}})

	second := order(at(400))
	expect(t, "the replacement was decided on with the first", second.DecidedAt, at(0))
	expect(t, "owed after its replacement", record().Owed, []pool.Owed(nil))
	must(t, l.SaveHost(ctx, second, second, pool.Succeeded, at(1000)))
	expect(t, "lead times", record().Leads, []pool.Lead{{At: at(1000), Took: 1000 * time.Second}})

	for n := range pool.LeadLimit {
		h := order(at(2000))
		must(t, l.SaveHost(ctx, h, h, pool.Succeeded, at(2001+n)))
	}
	leads := record().Leads
	expect(t, "how many are kept", len(leads), pool.LeadLimit)
	expect(t, "the oldest of them", leads[0], pool.Lead{At: at(2001), Took: time.Second})

	// What was noted since the record was read is not overwritten by an order.
	seen := record()
	third := order(at(3000))
	must(t, l.SaveHost(ctx, third, third, pool.Failed, at(3100)))
	seen.Seq = record().Seq
	stale := pool.Order(seen, policy, "headroom-test-", "k3v9x2m7qa", at(3200), "test")
	if err := l.Order(ctx, seen, stale); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("an order over a failure that was noted since: %v", err)
	}

	// Nor is a failure alone, which leaves the pool's number as it was read.
	seen = record()
	third, err := l.Host(ctx, third.ID)
	must(t, err)
	must(t, l.SaveHost(ctx, third, third, pool.Failed, at(3300)))
	stale = pool.Order(seen, policy, "headroom-test-", "k3v9x2m7qa", at(3400), "test")
	if err := l.Order(ctx, seen, stale); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("an order over a failure alone: %v", err)
	}
}

func reserveOrder(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	used := []int{3, 0, 5, 1, 10, 7}
	for i, n := range used {
		h := Host(key(pool.Share), i+1, 10)
		for s := range n {
			h.Slots[s].State = pool.SlotOffered
		}
		add(t, l, h)
	}
	cordoned := Host(key(pool.Share), 7, 10)
	cordoned.State = pool.HostCordoned
	add(t, l, cordoned)
	add(t, l, Host(key(pool.Database), 1, 10))

	ask := func(placement pool.Placement, below, limit int) []pool.HostID {
		t.Helper()
		ids, err := l.Reserve(ctx, key(pool.Share), placement, below, limit)
		must(t, err)
		return ids
	}
	hosts := func(seqs ...int) (ids []pool.HostID) {
		for _, seq := range seqs {
			ids = append(ids, key(pool.Share).Host(seq))
		}
		return ids
	}
	eventually(t, "pack", func() any { return ask(pool.Pack, 10, 10) }, hosts(6, 3, 1, 4, 2))
	eventually(t, "spread", func() any { return ask(pool.Spread, 10, 10) }, hosts(2, 4, 1, 3, 6))
	eventually(t, "pack below 5", func() any { return ask(pool.Pack, 5, 10) }, hosts(1, 4, 2))
	eventually(t, "the first of spread", func() any { return ask(pool.Spread, 10, 2) }, hosts(2, 4))
}

func overdueOrder(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	for n, due := range []int{50, 10, 90} {
		tn := tenant(n)
		tn.Due = at(due)
		if _, _, err := l.Request(ctx, tn); err != nil {
			t.Fatal(err)
		}
	}
	for i, due := range []int{70, 30} {
		h := Host(key(pool.Share), i+1, 3)
		h.Due = at(due)
		add(t, l, h)
	}
	tenants := func(now, limit int) any {
		t.Helper()
		ids, err := l.OverdueTenants(ctx, at(now), limit)
		must(t, err)
		return ids
	}
	hosts := func(now, limit int) any {
		t.Helper()
		ids, err := l.OverdueHosts(ctx, at(now), limit)
		must(t, err)
		return ids
	}
	all := []pool.TenantID{ID(1), ID(0), ID(2)}
	eventually(t, "all tenants", func() any { return tenants(100, 10) }, all)
	eventually(t, "tenants at the deadline", func() any { return tenants(50, 10) }, all[:2])
	eventually(t, "the first tenant", func() any { return tenants(100, 1) }, all[:1])
	eventually(t, "no tenant", func() any { return tenants(9, 10) }, []pool.TenantID(nil))
	eventually(t, "all hosts", func() any { return hosts(100, 10) }, []pool.HostID{"share-standard-2", "share-standard-1"})
	eventually(t, "the first host", func() any { return hosts(100, 1) }, []pool.HostID{"share-standard-2"})

	requested, err := l.Tenant(ctx, ID(0))
	must(t, err)
	_, err = l.SaveTenant(ctx, requested, served(requested, 0))
	must(t, err)
	h, err := l.Host(ctx, "share-standard-1")
	must(t, err)
	rested := h.Clone()
	rested.Due = time.Time{}
	must(t, l.SaveHost(ctx, h, rested, pool.Neutral, start))
	eventually(t, "tenants after one came to rest", func() any { return tenants(100, 10) }, []pool.TenantID{ID(1), ID(2)})
	eventually(t, "hosts after one came to rest", func() any { return hosts(100, 10) }, []pool.HostID{"share-standard-2"})
}

// eventually asks an index until it has caught up.
func eventually(t testing.TB, what string, ask func() any, want any) {
	t.Helper()
	for range 100 {
		if equal(ask(), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	expect(t, what, ask(), want)
}
