package pool_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

// seenTier is a tier whose pools want so many slots and have so many free.
func seenTier(budget pool.Budget, want, databasesFree, sharesFree int) pool.TierSeen {
	t := pool.TierSeen{Pools: map[pool.Kind]pool.Observed{}, Policies: map[pool.Kind]pool.Policy{}, Budget: budget}
	free := map[pool.Kind]int{pool.Database: databasesFree, pool.Share: sharesFree}
	for _, k := range pool.Kinds {
		p := buffered(want, 0)
		p.Kind, p.HostPrice = k, map[pool.Kind]float64{pool.Database: 300, pool.Share: 200}[k]
		t.Policies[k] = p
		t.Pools[k] = pool.Observed{Record: pool.Record{Key: p.Key(), Counters: pool.Counters{Reserve: free[k], Slots: free[k]}}}
	}
	return t
}

func TestBothKindsAreOrderedWhileThereIsMoney(t *testing.T) {
	for _, budget := range []pool.Budget{{}, {Cap: 100_000}, {Cap: 90_000, Spent: 40_000}} {
		plans := pool.DecideTier(seenTier(budget, 10, 5, 0), now)
		if len(plans[pool.Database].Actions) != 1 || len(plans[pool.Share].Actions) != 1 {
			t.Errorf("under %+v: %s; %s", budget, plans[pool.Database].Reason, plans[pool.Share].Reason)
		}
	}
}

func TestNearTheCapTheKindThatIsShorterInPairsGoesFirst(t *testing.T) {
	near := pool.Budget{Cap: 90_000, Spent: 50_000}
	plans := pool.DecideTier(seenTier(near, 10, 5, 0), now)
	if len(plans[pool.Share].Actions) != 1 || len(plans[pool.Database].Actions) != 0 || !strings.Contains(plans[pool.Database].Reason, "near the cap shares go first") {
		t.Errorf("%s; %s", plans[pool.Database].Reason, plans[pool.Share].Reason)
	}
	plans = pool.DecideTier(seenTier(near, 10, 0, 5), now)
	if len(plans[pool.Database].Actions) != 1 || len(plans[pool.Share].Actions) != 0 {
		t.Errorf("%s; %s", plans[pool.Database].Reason, plans[pool.Share].Reason)
	}
}

// Both kinds lack twenty slots, which is two hosts of each, at $300 and $200. With $700 left there is money for one of each, and
// $200 for a share host more, whose slots nobody could have: it is not ordered. With $400 left either kind could be had alone,
// and none is. With $1,000 both are ordered as wanted.
func TestNearTheCapKindsThatAreEquallyShortAreOrderedInPairs(t *testing.T) {
	for left, want := range map[pool.Cents]int{40_000: 0, 49_999: 0, 50_000: 1, 70_000: 1, 99_999: 1, 100_000: 2} {
		seen := seenTier(pool.Budget{Cap: 200_000, Spent: 200_000 - left}, 25, 5, 5)
		for k, p := range seen.Policies {
			p.MaxOrders = 5
			seen.Policies[k] = p
		}
		plans := pool.DecideTier(seen, now)
		for _, k := range pool.Kinds {
			if got := len(plans[k].Actions); got != want || plans[k].Missing() != 2-want {
				t.Errorf("with %s left %d %s hosts are ordered, and %d held back, want %d: %s", left, got, k, plans[k].Missing(), want, plans[k].Reason)
			}
		}
	}
}

func TestNoPlanSpendsMoreThanTheCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		budget := pool.Budget{Cap: pool.Cents(1 + n("cap", 500_000)), Spent: pool.Cents(n("spent", 600_000))}
		seen := seenTier(budget, n("wanted", 100), n("databases", 50), n("shares", 50))
		plans := pool.DecideTier(seen, now)
		databases, shares := len(plans[pool.Database].Actions), len(plans[pool.Share].Actions)
		if total := budget.Spent + 30_000*pool.Cents(databases) + 20_000*pool.Cents(shares); databases+shares > 0 && total > budget.Cap {
			t.Fatalf("both together spend %s of %s", total, budget.Cap)
		}
		free := func(k pool.Kind) int { return seen.Pools[k].Free(seen.Policies[k]) }
		if held := plans[pool.Database].Missing() + plans[pool.Share].Missing(); held > 0 {
			if databases > 0 && free(pool.Database) > free(pool.Share) && plans[pool.Share].Missing() > 0 || shares > 0 && free(pool.Share) > free(pool.Database) && plans[pool.Database].Missing() > 0 {
				t.Fatalf("near the cap the kind is ordered of which there are more: %s; %s", plans[pool.Database].Reason, plans[pool.Share].Reason)
			}
		}
		for k, price := range map[pool.Kind]pool.Cents{pool.Database: 30_000, pool.Share: 20_000} {
			if hosts := len(plans[k].Actions); hosts > 0 && budget.Spent+price*pool.Cents(hosts) > budget.Cap {
				t.Fatalf("%d %s hosts under %+v: %s", hosts, k, budget, plans[k].Reason)
			}
			if plans[k].Missing() > 0 && !strings.Contains(plans[k].Reason, "cap $") {
				t.Fatalf("what is held back is not said: %s", plans[k].Reason)
			}
		}
	})
}
