package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// errKilled is what a tender is killed with.
var errKilled = errors.New("killed")

// finish finishes the refill under way, as a reconciliation does. killed is asked before each
// write; nil means never.
func finish(ctx context.Context, l ledger.Ledger, killed func() bool) error {
	die := func() bool { return killed != nil && killed() }
	shelf, err := l.Shelf(ctx, tier)
	if err != nil || shelf.Refill == nil {
		return err
	}
	r := *shelf.Refill
	var ids []pool.HostID
	for _, o := range r.Offers {
		if id := (pool.Key{Kind: r.Kind, Tier: tier}).Host(o.Host); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var offers []pool.Offer
	hosts := map[pool.HostID]pool.Access{}
	for _, id := range ids {
		before, err := l.Host(ctx, id)
		if err != nil {
			return err
		}
		after, good := pool.SetOut(before, r, start)
		if die() {
			return errKilled
		}
		if !slices.Equal(before.Slots, after.Slots) {
			if err := l.SaveHost(ctx, before, after, pool.Neutral, start); err != nil {
				return fmt.Errorf("set out slots of %s: %w", id, err)
			}
		}
		offers, hosts[id] = append(offers, good...), before.Access
	}
	if die() {
		return errKilled
	}
	return l.CommitRefill(ctx, tier, r.Number, r.Kind, offers, hosts)
}

// settle assigns every hold to its tenant in the hosts' records, and forgets it.
func settle(ctx context.Context, l ledger.Ledger) error {
	shelf, err := l.Shelf(ctx, tier)
	if err != nil {
		return err
	}
	taken := map[pool.HostID]map[pool.Offer]pool.TenantID{}
	for id, hold := range shelf.Held {
		for _, side := range []pool.Taken{{Kind: pool.Database, Offer: hold.Database}, {Kind: pool.Share, Offer: hold.Share}} {
			host := pool.Key{Kind: side.Kind, Tier: tier}.Host(side.Offer.Host)
			if taken[host] == nil {
				taken[host] = map[pool.Offer]pool.TenantID{}
			}
			taken[host][side.Offer] = id
		}
	}
	for host, slots := range taken {
		before, err := l.Host(ctx, host)
		if err != nil {
			return err
		}
		after := before
		for offer, id := range slots {
			after = pool.Assign(after, offer, id, start)
		}
		if err := l.SaveHost(ctx, before, after, pool.Neutral, start); err != nil {
			return err
		}
	}
	return l.Settle(ctx, tier, shelf.Held)
}

func refillOrder(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	h := add(t, l, Host(key(pool.Share), 1, 3))
	r := func(number int64, offers ...pool.Offer) pool.Refill {
		return pool.Refill{Number: number, Kind: pool.Share, Offers: offers}
	}
	if err := l.BeginRefill(ctx, tier, r(2, Offers(h)...)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a number too high: %v", err)
	}
	must(t, l.BeginRefill(ctx, tier, r(1, Offers(h)[0])))
	if err := l.BeginRefill(ctx, tier, r(2, Offers(h)[1])); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("one is under way: %v", err)
	}
	if err := l.CommitRefill(ctx, tier, 2, pool.Share, nil, nil); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("committing another: %v", err)
	}
	must(t, l.CommitRefill(ctx, tier, 1, pool.Share, Offers(h)[:1], map[pool.HostID]pool.Access{h.ID: h.Access}))
	if err := l.CommitRefill(ctx, tier, 1, pool.Share, Offers(h)[:1], nil); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("committing again: %v", err)
	}
	if err := l.BeginRefill(ctx, tier, r(1, Offers(h)[1])); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("a number that is used up: %v", err)
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "set out", shelf.Shares, Offers(h)[:1])
	expect(t, "hosts", shelf.Hosts, map[pool.HostID]pool.Access{h.ID: h.Access})

	withdrawn, err := pool.Withdraw(shelf, h.ID)
	must(t, err)
	must(t, l.SaveShelf(ctx, shelf, withdrawn))
	if err := l.BeginRefill(ctx, tier, r(2, Offers(h)[1])); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("slots are on their way back: %v", err)
	}
	shelf, err = l.Shelf(ctx, tier)
	must(t, err)
	back := shelf.Clone()
	back.Withdrawn = nil
	must(t, l.SaveShelf(ctx, shelf, back))
	must(t, l.BeginRefill(ctx, tier, r(2, Offers(h)[1])))
	// A refill whose slots all turned out bad ends with nothing set out.
	must(t, l.CommitRefill(ctx, tier, 2, pool.Share, nil, nil))
	shelf, err = l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "set out", len(shelf.Shares), 0)
}

func refillCrash(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	const hosts, slots = 3, 4
	var all []pool.Offer
	seq := 0
	// The writes of one refill are one for each host and the commit; it is killed before each of
	// them in turn, and after the last.
	for before := range hosts + 2 {
		var offers []pool.Offer
		for range hosts {
			seq++
			offers = append(offers, Offers(add(t, l, Host(key(pool.Share), seq, slots)))...)
		}
		must(t, l.BeginRefill(ctx, tier, pool.Refill{Number: int64(before + 1), Kind: pool.Share, Offers: offers}))
		writes := 0
		err := finish(ctx, l, func() bool { writes++; return writes == before+1 })
		if killed := before < hosts+1; errors.Is(err, errKilled) != killed {
			t.Fatalf("killed before write %d: %v", before+1, err)
		}
		must(t, finish(ctx, l, nil))
		must(t, finish(ctx, l, nil)) // and once more: there is nothing to do
		all = append(all, offers...)
		shelf, err := l.Shelf(ctx, tier)
		must(t, err)
		expect(t, fmt.Sprintf("set out after a kill before write %d", before+1), shelf.Shares, all)
	}
	record, err := l.Pool(ctx, key(pool.Share))
	must(t, err)
	expect(t, "used", record.Counters.Used, len(all))
	expect(t, "in reserve", record.Counters.Reserve, 0)
}

func refillTidies(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 1)
	if _, err := l.Claim(ctx, tier, ID(1), start, false); err != nil {
		t.Fatal(err)
	}
	refill := func(seq int) {
		t.Helper()
		h := add(t, l, Host(key(pool.Share), seq, 1))
		shelf, err := l.Shelf(ctx, tier)
		must(t, err)
		must(t, l.BeginRefill(ctx, tier, pool.Refill{Number: shelf.Refills + 1, Kind: pool.Share, Offers: Offers(h)}))
		must(t, finish(ctx, l, nil))
	}
	hosts := func() []string {
		t.Helper()
		shelf, err := l.Shelf(ctx, tier)
		must(t, err)
		var ids []string
		for id := range shelf.Hosts {
			ids = append(ids, string(id))
		}
		slices.Sort(ids)
		return ids
	}
	refill(2)
	expect(t, "while the claim is held", hosts(), []string{"database-standard-1", "share-standard-1", "share-standard-2"})
	must(t, settle(ctx, l))
	refill(3)
	expect(t, "after it is settled", hosts(), []string{"share-standard-2", "share-standard-3"})
}
