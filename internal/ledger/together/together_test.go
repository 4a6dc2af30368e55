package together_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/ledger"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/ledger/together"
	"headroom/internal/pool"
)

const tier pool.Tier = "standard"

// counted is a ledger whose claims take a moment.
type counted struct {
	ledger.Ledger
	mu     sync.Mutex
	groups []int // tenants that were claimed for at once
	single int   // claims of one who waits
	fail   error
}

func (c *counted) ClaimAll(ctx context.Context, t pool.Tier, tenants []pool.TenantID, waiting bool) ([]pool.Claimed, error) {
	c.mu.Lock()
	c.groups = append(c.groups, len(tenants))
	c.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	if c.fail != nil {
		return nil, c.fail
	}
	return c.Ledger.ClaimAll(ctx, t, tenants, waiting)
}

func (c *counted) Claim(ctx context.Context, t pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	c.single++
	return c.Ledger.Claim(ctx, t, tenant, waiting)
}

// stocked is a ledger with so many pairs on its shelf, of which so many are held.
func stocked(t *testing.T, pairs, held int) *counted {
	t.Helper()
	l := memory.New(memory.Options{})
	s := pool.NewShelf(tier)
	for _, k := range pool.Kinds {
		s.SetOffers(k, ledgertest.Offers(ledgertest.Host(pool.Key{Kind: k, Tier: tier}, 1, pairs)))
	}
	for n := range held {
		s.Held[pool.TenantID(fmt.Sprint(n))] = pool.Hold{}
	}
	if err := l.SaveShelf(t.Context(), pool.NewShelf(tier), s); err != nil {
		t.Fatal(err)
	}
	return &counted{Ledger: l}
}

// claims has tenants claim at the same moment, and returns what they got.
func claims(ctx context.Context, l *together.Ledger, tenants int) []pool.Claimed {
	got := make([]pool.Claimed, tenants)
	var group sync.WaitGroup
	for n := range tenants {
		group.Go(func() { got[n].Claim, got[n].Err = l.Claim(ctx, tier, ledgertest.ID(n), false) })
	}
	group.Wait()
	return got
}

func TestThoseWhoComeDuringAClaimAreClaimedForTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := stocked(t, 30, 0)
		l := together.New(next, time.Now, awsclient.Sleep)
		slots := map[string]bool{}
		for n, got := range claims(t.Context(), l, 25) {
			if got.Err != nil {
				t.Fatalf("tenant %d: %v", n, got.Err)
			}
			slots[got.Claim.Database.Offer.Name+got.Claim.Share.Offer.Name] = true
		}
		if len(slots) != 25 || !slices.Equal(next.groups, []int{10, 10, 5}) {
			t.Errorf("%d pairs were taken by groups of %v", len(slots), next.groups)
		}
	})
}

// The signups of a batch come to their claims one after the other, for each writes records of its own before.
func TestABatchIsClaimedForTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := stocked(t, 30, 0)
		l := together.New(next, time.Now, awsclient.Sleep)
		var group sync.WaitGroup
		for n := range 8 {
			group.Go(func() {
				time.Sleep(time.Duration(n) * 3 * time.Millisecond)
				if _, err := l.Claim(t.Context(), tier, ledgertest.ID(n), false); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if !slices.Equal(next.groups, []int{8}) {
			t.Errorf("groups of %v", next.groups)
		}
	})
}

func TestOneAloneWaitsForAMomentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := stocked(t, 2, 0)
		l := together.New(next, time.Now, awsclient.Sleep)
		began := time.Now()
		if got := claims(t.Context(), l, 1); got[0].Err != nil || time.Since(began) != 40*time.Millisecond {
			t.Errorf("%v after %v", got[0].Err, time.Since(began))
		}
		if _, err := l.Claim(t.Context(), tier, ledgertest.ID(9), true); err != nil || next.single != 1 || len(next.groups) != 1 {
			t.Errorf("one who waits: %v, %d single claims, groups %v", err, next.single, next.groups)
		}
	})
}

func TestEachHearsOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := stocked(t, 30, 0)
		next.fail = errors.New("lost")
		for n, got := range claims(t.Context(), together.New(next, time.Now, awsclient.Sleep), 5) {
			if !errors.Is(got.Err, next.fail) {
				t.Errorf("tenant %d: %v", n, got.Err)
			}
		}
	})
}

func TestABusyShelfIsLeftInPeaceForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := stocked(t, 30, pool.HeldMost)
		l := together.New(next, time.Now, awsclient.Sleep)
		for range 3 {
			if _, err := l.Claim(t.Context(), tier, ledgertest.ID(1), false); !errors.Is(err, pool.ErrBusy) {
				t.Fatalf("answered %v", err)
			}
		}
		if len(next.groups) != 1 {
			t.Errorf("asked %d times", len(next.groups))
		}
		if _, err := l.Claim(t.Context(), "other", ledgertest.ID(1), false); !errors.Is(err, pool.ErrEmpty) {
			t.Errorf("another tier answers %v", err)
		}
		time.Sleep(2 * time.Second)
		settled := map[pool.TenantID]pool.Hold{"0": {}}
		if err := next.Settle(t.Context(), tier, settled, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Claim(t.Context(), tier, ledgertest.ID(1), false); err != nil {
			t.Errorf("after a while: %v", err)
		}
	})
}

func TestWhoseTimeIsOverHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := stocked(t, 30, 0)
		l := together.New(next, time.Now, awsclient.Sleep)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		hurried := func() {
			if _, err := l.Claim(ctx, tier, ledgertest.ID(1), false); !errors.Is(err, context.Canceled) {
				t.Errorf("answered %v", err)
			}
		}
		group.Go(hurried) // it waits for others
		synctest.Wait()
		group.Go(func() { _ = claims(t.Context(), l, 1) })
		synctest.Wait()
		group.Go(hurried) // it waits for its turn
		synctest.Wait()
		cancel()
		group.Wait()
		if _, err := l.Claim(t.Context(), tier, ledgertest.ID(2), false); err != nil {
			t.Error(err)
		}
	})
}
