package ledgertest

import (
	"errors"
	"slices"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func claimTakesHeads(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 3)
	db, share := Host(key(pool.Database), 1, 3), Host(key(pool.Share), 1, 3)
	for n := 1; n <= 3; n++ {
		got, err := l.Claim(ctx, tier, ID(n), false)
		must(t, err)
		expect(t, "claim", got, pool.Claim{
			Database: pool.Side{Host: db.ID, Offer: Offers(db)[n-1], Access: db.Access},
			Share:    pool.Side{Host: share.ID, Offer: Offers(share)[n-1], Access: share.Access},
			Left:     3 - n, Unsettled: n,
		})
	}
	if _, err := l.Claim(ctx, tier, ID(4), false); !errors.Is(err, pool.ErrEmpty) {
		t.Errorf("a claim too many: %v", err)
	}
}

func claimAgain(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 3)
	first, err := l.Claim(ctx, tier, ID(1), false)
	must(t, err)
	if _, err := l.Claim(ctx, tier, ID(2), false); err != nil {
		t.Fatal(err)
	}
	again, err := l.Claim(ctx, tier, ID(1), false)
	must(t, err)
	want := first
	want.Replayed, want.Left, want.Unsettled = true, 1, 2
	expect(t, "claim again", again, want)
}

func claimEmpty(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	if _, err := l.Claim(ctx, tier, ID(1), false); !errors.Is(err, pool.ErrEmpty) {
		t.Errorf("no shelf: %v", err)
	}
	// Databases and no shares: neither is taken.
	h := add(t, l, Host(key(pool.Database), 1, 2))
	begin(t, l, pool.Refill{Number: 1, Offers: pool.List(pool.Database, Offers(h))})
	must(t, finish(ctx, l, nil))
	if _, err := l.Claim(ctx, tier, ID(1), false); !errors.Is(err, pool.ErrEmpty) {
		t.Errorf("databases only: %v", err)
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "databases", len(shelf.Databases), 2)
}

func claimAnyName(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	names := []pool.TenantID{"a.b.c", "a b", "#x:y", "size", "ünï-cødé", "[0]", "1"}
	stock(t, l, len(names))
	holds := map[pool.TenantID]pool.Hold{}
	for _, id := range names {
		if _, err := l.Claim(ctx, tier, id, false); err != nil {
			t.Fatalf("claim of %q: %v", id, err)
		}
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	for _, id := range names {
		hold, ok := shelf.Held[id]
		if !ok {
			t.Errorf("%q holds nothing", id)
		}
		holds[id] = hold
	}
	must(t, l.Settle(ctx, tier, holds, start))
}

// busy is a shelf with everything on it that a shelf can have.
func busy() pool.Shelf {
	db, share := Host(key(pool.Database), 3, 7), Host(key(pool.Share), 4, 6)
	s := pool.NewShelf(tier)
	s.Databases, s.Shares = Offers(db)[2:4], Offers(share)[2:4]
	s.Hosts[db.ID], s.Hosts[share.ID] = db.Access, share.Access
	s.Held[ID(1)] = pool.Hold{Database: Offers(db)[0], Share: Offers(share)[0]}
	s.Held[ID(2)] = pool.Hold{Database: Offers(db)[1], Share: Offers(share)[1]}
	s.Refills, s.Refill = 7, &pool.Refill{Number: 7, At: at(5), Offers: slices.Concat(pool.List(pool.Share, Offers(share)[5:]), pool.List(pool.Database, Offers(db)[4:5]))}
	s.Withdrawn = []pool.Listed{{Kind: pool.Share, Offer: Offers(share)[4]}, {Kind: pool.Database, Offer: Offers(db)[5], Tenant: ID(3)}, {Kind: pool.Database, Offer: Offers(db)[6], Tenant: ID(4), Moves: true}}
	s.Tail, s.Queue, s.Signups, s.Settled = 9, 8, 7, at(3)
	return s
}

func shelfRoundTrip(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	bare, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "a shelf that is not there", bare, pool.NewShelf(tier))

	must(t, l.SaveShelf(ctx, bare, busy()))
	stored, err := l.Shelf(ctx, tier)
	must(t, err)
	want := busy()
	want.Version = 1
	expect(t, "a busy shelf", stored, want)

	must(t, l.SaveShelf(ctx, stored, pool.NewShelf(tier)))
	stored, err = l.Shelf(ctx, tier)
	must(t, err)
	want = pool.NewShelf(tier)
	want.Version = 2
	expect(t, "an emptied shelf", stored, want)
}

func shelfConflict(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 2)
	before, err := l.Shelf(ctx, tier)
	must(t, err)
	if err := l.SaveShelf(ctx, pool.NewShelf(tier), pool.NewShelf(tier)); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("creating a shelf that is there: %v", err)
	}
	if _, err := l.Claim(ctx, tier, ID(1), false); err != nil {
		t.Fatal(err)
	}
	withdrawn, err := pool.Withdraw(before, "share-standard-1")
	must(t, err)
	if err := l.SaveShelf(ctx, before, withdrawn); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving a shelf that was claimed from: %v", err)
	}
	now, err := l.Shelf(ctx, tier)
	must(t, err)
	if now.Version == before.Version || len(now.Shares) != 1 {
		t.Errorf("the claim did not move the version, or its slot is back: %+v", now)
	}
}

func settleHeld(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	stock(t, l, 4)
	for n := 1; n <= 3; n++ {
		if _, err := l.Claim(ctx, tier, ID(n), false); err != nil {
			t.Fatal(err)
		}
	}
	shelf, err := l.Shelf(ctx, tier)
	must(t, err)
	first, second := shelf.Held[ID(1)], shelf.Held[ID(2)]
	next, other := first, first
	next.Database.Generation++
	other.Share = shelf.Held[ID(3)].Share
	for name, holds := range map[string]map[pool.TenantID]pool.Hold{
		"another generation": {ID(1): next, ID(2): second},
		"another share":      {ID(1): other},
		"not held":           {ID(1): first, ID(4): second},
	} {
		if err := l.Settle(ctx, tier, holds, at(9)); !errors.Is(err, pool.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stored, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "after the conflicts", stored, shelf)

	must(t, l.Settle(ctx, tier, map[pool.TenantID]pool.Hold{ID(1): first, ID(2): second}, at(10)))
	stored, err = l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "still held", stored.Held, map[pool.TenantID]pool.Hold{ID(3): shelf.Held[ID(3)]})
	expect(t, "settled", stored.Settled, at(10))
}

func settleMany(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	const many = 250
	s := pool.NewShelf(tier)
	for n := range many {
		s.Held[ID(n)] = pool.Hold{
			Database: pool.Offer{Host: 1, Index: n + 1, Name: "db"},
			Share:    pool.Offer{Host: 1, Index: n + 1, Name: "share", Share: "share-0000000A"},
		}
	}
	must(t, l.SaveShelf(ctx, pool.NewShelf(tier), s))
	must(t, l.Settle(ctx, tier, s.Held, start))
	stored, err := l.Shelf(ctx, tier)
	must(t, err)
	expect(t, "still held", stored.Held, map[pool.TenantID]pool.Hold{})
}
