package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/pool"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const standard pool.Tier = "standard"

func offer(host, index int) pool.Offer {
	return pool.Offer{Host: host, Index: index, Generation: 1, Name: fmt.Sprintf("n%d%d", host, index)}
}

func shareOffer(host, index int) pool.Offer {
	o := offer(host, index)
	o.Share = fmt.Sprintf("share-%d%d", host, index)
	return o
}

// shelf has databases of host 1 and shares of host 2.
func shelf(databases, shares int) pool.Shelf {
	s := pool.NewShelf(standard)
	for i := 1; i <= databases; i++ {
		s.Databases = append(s.Databases, offer(1, i))
	}
	for i := 1; i <= shares; i++ {
		s.Shares = append(s.Shares, shareOffer(2, i))
	}
	s.Hosts["database-standard-1"] = pool.Access{Address: "db", Port: 5432}
	s.Hosts["share-standard-2"] = pool.Access{Address: "gateway"}
	return s
}

func diff(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestTake(t *testing.T) {
	held := shelf(2, 2)
	held.Held["a"] = pool.Hold{Database: offer(1, 9), Share: shareOffer(2, 9)}
	queued := shelf(2, 2)
	queued.Queue = 4
	busy := shelf(2, 2)
	for i := range pool.HeldMost {
		busy.Held[pool.TenantID(fmt.Sprintf("other%d", i))] = pool.Hold{Database: offer(1, 9)}
	}
	busyAndHeld := busy.Clone()
	busyAndHeld.Held["a"] = held.Held["a"]
	busyAndBare := busy.Clone()
	busyAndBare.Shares = nil
	heldAndQueued := held.Clone()
	heldAndQueued.Queue = 4
	tests := []struct {
		name    string
		shelf   pool.Shelf
		waiting bool
		err     error
		index   int // of both slots taken
		again   bool
	}{
		{name: "the heads are taken", shelf: shelf(2, 2), index: 1},
		{name: "no databases", shelf: shelf(0, 2), err: pool.ErrEmpty},
		{name: "no shares", shelf: shelf(2, 0), err: pool.ErrEmpty},
		{name: "a newcomer while others wait", shelf: queued, err: pool.ErrQueued},
		{name: "as many hold slots as may", shelf: busy, err: pool.ErrBusy},
		{name: "one who waits, and as many hold slots as may", shelf: busy, waiting: true, err: pool.ErrBusy},
		{name: "one who holds already, of as many as may", shelf: busyAndHeld, index: 9, again: true},
		{name: "as many hold slots as may, and there is none to give", shelf: busyAndBare, err: pool.ErrEmpty},
		{name: "one who waits", shelf: queued, waiting: true, index: 1},
		{name: "one who holds already", shelf: held, index: 9, again: true},
		{name: "one who holds already, while others wait", shelf: heldAndQueued, index: 9, again: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := test.shelf.Clone()
			after, claim, err := pool.Take(test.shelf, "a", test.waiting)
			diff(t, "the argument", test.shelf, before)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err != nil || test.again {
				diff(t, "the shelf", after, before)
			}
			if err == nil {
				diff(t, "claim", []any{claim.Database.Offer.Index, claim.Share.Offer.Index, claim.Replayed}, []any{test.index, test.index, test.again})
				diff(t, "access", claim.Database.Access, before.Hosts["database-standard-1"])
				diff(t, "numbers", []int{claim.Left, claim.Unsettled}, []int{after.Pairs(), len(after.Held)})
			}
		})
	}
}

func TestClaimNeedsReconciling(t *testing.T) {
	moment, while := now.Add(-time.Second), now.Add(-time.Minute)
	tests := []struct {
		name  string
		claim pool.Claim
		want  bool
		last  bool
	}{
		{"plenty is left", pool.Claim{Left: pool.ShelfLow + 1, Unsettled: 1, Settled: while}, false, false},
		{"it runs low", pool.Claim{Left: pool.ShelfLow, Unsettled: 1, Settled: while}, true, false},
		{"somebody asked when it ran low", pool.Claim{Left: pool.ShelfLow - 1, Unsettled: 1, Settled: while}, false, false},
		{"it runs lower", pool.Claim{Left: pool.ShelfLow / 2, Unsettled: 1, Settled: while}, true, false},
		{"it runs low for many, who come fast", pool.Claim{Left: pool.ShelfSize, Unsettled: 1, Settled: moment}, true, false},
		{"it runs low for many, who hold much", pool.Claim{Left: pool.ShelfSize, Unsettled: pool.HeldMost - 1, Settled: while}, true, false},
		{"it is full for few", pool.Claim{Left: pool.ShelfSize, Unsettled: 1, Settled: while}, false, false},
		{"the last but one", pool.Claim{Left: 1, Unsettled: 1, Settled: while}, false, true},
		{"the last pair", pool.Claim{Left: 0, Unsettled: 1, Settled: while}, true, true},
		{"claims are to be settled", pool.Claim{Left: pool.ShelfLow + 1, Unsettled: pool.ShelfHeld, Settled: while}, true, false},
		{"nothing was taken", pool.Claim{Left: 0, Unsettled: pool.ShelfHeld, Replayed: true, Settled: while}, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.claim.NeedsReconciling(now); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
			if got := test.claim.LastOnes(); got != test.last {
				t.Errorf("the last ones: %v, want %v", got, test.last)
			}
		})
	}
}

func TestClaimsAreSettledWhenItPays(t *testing.T) {
	for name, test := range map[string]struct {
		held    int
		settled time.Time
		want    bool
	}{
		"none":                            {0, time.Time{}, false},
		"few, and some were just settled": {pool.ShelfHeld - 1, now.Add(-pool.SettleAfter + time.Second), false},
		"few, for long":                   {1, now.Add(-pool.SettleAfter), true},
		"many":                            {pool.ShelfHeld, now, true},
	} {
		s := pool.NewShelf(standard)
		s.Settled = test.settled
		for i := range test.held {
			s.Held[pool.TenantID(rune('a'+i))] = pool.Hold{}
		}
		if got := s.Settling(now); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTakingGivesEachSlotOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := shelf(rapid.IntRange(0, 8).Draw(t, "databases"), rapid.IntRange(0, 8).Draw(t, "shares"))
		pairs, version := s.Pairs(), s.Version
		taken := map[pool.Offer]pool.TenantID{}
		for range rapid.IntRange(0, 20).Draw(t, "claims") {
			tenant := pool.TenantID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"}).Draw(t, "tenant"))
			after, claim, err := pool.Take(s, tenant, false)
			if err != nil {
				if s.Pairs() > 0 {
					t.Fatalf("%v with %d pairs left", err, s.Pairs())
				}
				continue
			}
			for _, o := range []pool.Offer{claim.Database.Offer, claim.Share.Offer} {
				if other, twice := taken[o]; twice && other != tenant {
					t.Fatalf("%v was given to %s and %s", o, other, tenant)
				}
				taken[o] = tenant
			}
			s = after
		}
		if s.Pairs()+len(s.Held) != pairs || len(taken) != 2*len(s.Held) || s.Version != version+int64(len(s.Held)) {
			t.Fatalf("%d pairs became %d and %d held, %d slots taken, version %d", pairs, s.Pairs(), len(s.Held), len(taken), s.Version)
		}
	})
}

func TestWithdraw(t *testing.T) {
	s := shelf(3, 2)
	s.Databases = append(s.Databases, offer(5, 1), offer(1, 7))
	s.Held["a"] = pool.Hold{Database: offer(1, 9), Share: shareOffer(2, 9)}
	before := s.Clone()
	got, err := pool.Withdraw(s, "database-standard-1")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "the argument", s, before)
	diff(t, "what stays", got.Databases, []pool.Offer{offer(5, 1)})
	diff(t, "shares", got.Shares, s.Shares)
	diff(t, "what tenants hold", got.Held, s.Held)
	var back []pool.Listed
	for _, i := range []int{1, 2, 3, 7} {
		back = append(back, pool.Listed{Kind: pool.Database, Offer: offer(1, i)})
	}
	diff(t, "what goes back", got.Withdrawn, back)
	again, err := pool.Withdraw(got, "database-standard-1")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "withdrawn again", again, got)
	if _, err := pool.Withdraw(s, "gateway-7"); err == nil {
		t.Error("a malformed host id was taken")
	}
}

func TestTidyKeepsWhatIsNeeded(t *testing.T) {
	s := pool.NewShelf(standard)
	s.Databases = []pool.Offer{offer(1, 1)}
	s.Shares = []pool.Offer{shareOffer(2, 1)}
	s.Held["a"] = pool.Hold{Database: offer(3, 1), Share: shareOffer(4, 1)}
	s.Refill = &pool.Refill{Number: 1, Offers: pool.List(pool.Share, []pool.Offer{shareOffer(5, 1)})}
	s.Withdrawn = []pool.Listed{{Kind: pool.Share, Offer: shareOffer(6, 1)}}
	want := []pool.HostID{"database-standard-1", "database-standard-3", "share-standard-2", "share-standard-4", "share-standard-5"}
	for _, k := range pool.Kinds {
		for seq := 1; seq <= 6; seq++ {
			s.Hosts[pool.Key{Kind: k, Tier: standard}.Host(seq)] = pool.Access{}
		}
	}
	var got []pool.HostID
	for id := range pool.Tidy(s).Hosts {
		got = append(got, id)
	}
	slices.Sort(got)
	diff(t, "hosts", got, want)
	diff(t, "the argument's hosts", len(s.Hosts), 12)
	diff(t, "hosts with offers", s.Offering(), []pool.HostID{"database-standard-1", "share-standard-2"})
}

func TestClonesShareNothing(t *testing.T) {
	s := shelf(2, 2)
	s.Held["a"] = pool.Hold{}
	s.Refill = &pool.Refill{Number: 1, Offers: pool.List(pool.Database, []pool.Offer{offer(1, 1)})}
	s.Withdrawn = []pool.Listed{{Kind: pool.Share, Offer: shareOffer(2, 1)}}
	want := s.Clone()
	c := s.Clone()
	c.Databases[0].Name, c.Shares[0].Name, c.Refill.Offers[0].Offer.Name, c.Withdrawn[0].Kind = "x", "x", "x", "x"
	c.Refill.Number = 9
	c.Held["b"], c.Hosts["share-standard-9"] = pool.Hold{}, pool.Access{}
	diff(t, "the original", s, want)
}
