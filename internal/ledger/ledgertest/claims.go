package ledgertest

import (
	"context"
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// claimAll claims for tenants at once, and holds the answers and the shelf against the rule.
func claimAll(t *testing.T, l ledger.Ledger, waiting bool, tenants ...pool.TenantID) []pool.Claimed {
	t.Helper()
	before, err := l.Shelf(t.Context(), tier)
	must(t, err)
	after, want := pool.TakeAll(before, tenants, waiting)
	got, err := l.ClaimAll(t.Context(), tier, tenants, waiting)
	must(t, err)
	if len(got) != len(want) {
		t.Fatalf("%d answers to %d tenants", len(got), len(tenants))
	}
	for i := range want {
		if !errors.Is(got[i].Err, want[i].Err) {
			t.Errorf("tenant %d: error %v, want %v", i, got[i].Err, want[i].Err)
		}
		got[i].Err, want[i].Err = nil, nil
	}
	stored, err := l.Shelf(t.Context(), tier)
	must(t, err)
	expect(t, "holds", stored.Held, after.Held)
	expect(t, "databases", stored.Databases, after.Databases)
	expect(t, "shares", stored.Shares, after.Shares)
	expect(t, "signups", stored.Signups, after.Signups)
	return got
}

func claimTogether(t *testing.T, l ledger.Ledger) {
	stock(t, l, 8)
	_, want := pool.TakeAll(mustShelf(t, l), []pool.TenantID{ID(1), ID(2), ID(3)}, false)
	expect(t, "claims", claimAll(t, l, false, ID(1), ID(2), ID(3)), want)
	// Of these one holds slots already, and one comes twice.
	got := claimAll(t, l, false, ID(4), ID(2), ID(5), ID(4))
	expect(t, "replayed", []bool{got[0].Claim.Replayed, got[1].Claim.Replayed, got[2].Claim.Replayed, got[3].Claim.Replayed}, []bool{false, true, false, true})
	// There are three pairs left for four.
	claimAll(t, l, false, ID(6), ID(7), ID(8), ID(9))
	claimAll(t, l, false, ID(10))
	if _, err := l.ClaimAll(t.Context(), tier, nil, false); err != nil {
		t.Errorf("for nobody: %v", err)
	}
}

func claimTogetherWhileOthersWait(t *testing.T, l ledger.Ledger) {
	stock(t, l, 4)
	claimAll(t, l, false, ID(1))
	if _, err := l.Draw(t.Context(), tier, ID(9), false); err != nil {
		t.Fatal(err)
	}
	claimAll(t, l, false, ID(1), ID(2))
	claimAll(t, l, true, ID(9), ID(8))
}

func holdsAreBounded(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	s := pool.NewShelf(tier)
	for n := range pool.HeldMost - 2 {
		s.Held[ID(n)] = pool.Hold{Database: pool.Offer{Host: 1, Index: 1, Generation: 1, Name: "db"}, Share: pool.Offer{Host: 1, Index: 1, Generation: 1, Name: "share"}}
	}
	for _, k := range pool.Kinds {
		s.SetOffers(k, Offers(Host(key(k), 2, 5)))
	}
	must(t, l.SaveShelf(ctx, pool.NewShelf(tier), s))
	claimAll(t, l, false, ID(101), ID(102), ID(103))
	for _, waiting := range []bool{false, true} {
		if _, err := l.Claim(ctx, tier, ID(104), waiting); !errors.Is(err, pool.ErrBusy) {
			t.Errorf("one more, waiting %v: %v", waiting, err)
		}
	}
	if claim, err := l.Claim(ctx, tier, ID(101), false); err != nil || !claim.Replayed {
		t.Errorf("one that holds slots: %+v, %v", claim, err)
	}
	full := mustShelf(t, l)
	must(t, l.Settle(ctx, tier, map[pool.TenantID]pool.Hold{ID(0): full.Held[ID(0)]}, start))
	if _, err := l.Claim(ctx, tier, ID(104), false); err != nil {
		t.Errorf("once one is settled: %v", err)
	}
}

func mustShelf(t *testing.T, l ledger.Ledger) pool.Shelf {
	t.Helper()
	s, err := l.Shelf(context.WithoutCancel(t.Context()), tier)
	must(t, err)
	return s
}
