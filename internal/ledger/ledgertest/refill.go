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
	var ids []pool.HostID
	for _, o := range shelf.Refill.Offers {
		if id := o.Host(tier); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var offers []pool.Listed
	hosts := map[pool.HostID]pool.Access{}
	for _, id := range ids {
		before, err := l.Host(ctx, id)
		if err != nil {
			return err
		}
		after, good := pool.SetOut(before, *shelf.Refill, start)
		if die() {
			return errKilled
		}
		if !slices.Equal(before.Slots, after.Slots) {
			if err := l.SaveHost(ctx, before, after, pool.Neutral, start); err != nil {
				return fmt.Errorf("set out slots of %s: %w", id, err)
			}
		}
		offers, hosts[id] = append(offers, pool.List(before.Kind, good)...), before.Access
	}
	if die() {
		return errKilled
	}
	_, err = l.CommitRefill(ctx, shelf, offers, hosts)
	return err
}

// settle assigns every hold to its tenant in the hosts' records, and forgets it.
func settle(ctx context.Context, l ledger.Ledger) error {
	shelf, err := l.Shelf(ctx, tier)
	if err != nil {
		return err
	}
	taken := map[pool.HostID][]pool.Listed{}
	for id, hold := range shelf.Held {
		for _, side := range hold.Listed() {
			side.Tenant = id
			taken[side.Host(tier)] = append(taken[side.Host(tier)], side)
		}
	}
	for host, slots := range taken {
		before, err := l.Host(ctx, host)
		if err != nil {
			return err
		}
		if err := l.SaveHost(ctx, before, pool.Assign(before, slots, start), pool.Neutral, start); err != nil {
			return err
		}
	}
	return l.Settle(ctx, tier, shelf.Held, start)
}

func refillOrder(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	h := add(t, l, Host(key(pool.Share), 1, 3))
	r := func(number int64, offers ...pool.Offer) pool.Refill {
		return pool.Refill{Number: number, Offers: pool.List(pool.Share, offers)}
	}
	refused := func(what string, r pool.Refill) {
		t.Helper()
		if _, err := l.BeginRefill(ctx, tier, r); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	commit := func(seen pool.Shelf, offers []pool.Offer) (pool.Shelf, error) {
		return l.CommitRefill(ctx, seen, pool.List(pool.Share, offers), map[pool.HostID]pool.Access{h.ID: h.Access})
	}
	refused("a number too high", r(2, Offers(h)...))
	begun := begin(t, l, r(1, Offers(h)[0]))
	expect(t, "begun", begun.Refill, &pool.Refill{Number: 1, Offers: pool.List(pool.Share, Offers(h)[:1])})
	refused("one is under way", r(2, Offers(h)[1]))
	another := begun.Clone()
	another.Refill.Number = 2
	if _, err := commit(another, nil); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("committing another: %v", err)
	}
	committed, err := commit(begun, Offers(h)[:1])
	must(t, err)
	for what, seen := range map[string]pool.Shelf{"committing again": begun, "committing none": committed} {
		if _, err := commit(seen, Offers(h)[:1]); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("a number that is used up", r(1, Offers(h)[1]))
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "as it was answered", shelf, committed)
	expect(t, "set out", shelf.Shares, Offers(h)[:1])
	expect(t, "hosts", shelf.Hosts, map[pool.HostID]pool.Access{h.ID: h.Access})

	withdrawn, err := pool.Withdraw(shelf, h.ID)
	must(t, err)
	must(t, l.SaveShelf(ctx, shelf, withdrawn))
	refused("slots are on their way back", r(2, Offers(h)[1]))
	shelf, err = l.Shelf(ctx, tier)
	must(t, err)
	back := shelf.Clone()
	back.Withdrawn = nil
	must(t, l.SaveShelf(ctx, shelf, back))
	// A refill whose slots all turned out bad ends with nothing set out.
	_, err = commit(begin(t, l, r(2, Offers(h)[1])), nil)
	must(t, err)
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
		begin(t, l, pool.Refill{Number: int64(before + 1), Offers: pool.List(pool.Share, offers)})
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
	if _, err := l.Claim(ctx, tier, ID(1), false); err != nil {
		t.Fatal(err)
	}
	refill := func(seq int) {
		t.Helper()
		h := add(t, l, Host(key(pool.Share), seq, 1))
		shelf, err := l.Shelf(ctx, tier)
		must(t, err)
		begin(t, l, pool.Refill{Number: shelf.Refills + 1, Offers: pool.List(pool.Share, Offers(h))})
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
