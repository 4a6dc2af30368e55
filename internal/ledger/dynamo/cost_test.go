package dynamo

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"headroom/internal/ledger/dynamo/meter"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// What a signup without contention may cost.
const (
	mostRequests = 4
	mostWRU      = 11
	mostRRU      = 3
)

func TestSignupCost(t *testing.T) {
	server := dynamotest.Start(t)
	for _, slots := range []int{100, 10_000} {
		t.Run(fmt.Sprintf("%d slots", slots), func(t *testing.T) {
			table := server.Table(t)
			seed(t, server.Client(), table, "standard", slots)
			s := newShop(t, server, table, "standard")
			highest := 0.0
			for n := range 100 {
				before := s.gauge.Usage()
				if _, err := s.serve(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				after := s.gauge.Usage()
				requests, wru, rru := after.Requests-before.Requests, after.WRU-before.WRU, after.RRU-before.RRU
				highest = max(highest, wru)
				if requests > mostRequests || wru > mostWRU || rru > mostRRU {
					t.Errorf("signup %d took %d requests, %v WRU, %v RRU", n, requests, wru, rru)
				}
				s.reconcile(t)
			}
			u := s.gauge.Usage()
			t.Logf("a signup: %.2f requests, %.2f WRU (%v at most), %.2f RRU", float64(u.Requests)/100, u.WRU/100, highest, u.RRU/100)
		})
	}
}

// TestClaimCost claims from the largest shelf there is: every list full, of as many hosts as may lie
// on it, and as many claims unsettled as make it be reconciled.
func TestClaimCost(t *testing.T) {
	const mostClaim = 6
	server := dynamotest.Start(t)
	gauge := meter.New(server.Client(), layout)
	l := open(t, server.Client(gauge.Attach), server.Table(t))
	s := pool.NewShelf("standard")
	for _, k := range pool.Kinds {
		var offers []pool.Offer
		for seq := 1001; seq <= 1000+pool.ShelfHosts; seq++ {
			h := ledgertest.Host(pool.Key{Kind: k, Tier: s.Tier}, seq, 100)
			s.Hosts[h.ID] = h.Access
			share := pool.ShelfSize/pool.ShelfHosts + 1
			offers = append(offers, ledgertest.Offers(h)[:share]...)
		}
		s.SetOffers(k, offers[:pool.ShelfSize])
	}
	for n := range pool.ShelfHeld {
		s.Held[ledgertest.ID(n)] = pool.Hold{Database: s.Databases[n], Share: s.Shares[n], At: began}
	}
	s.Refills, s.Version = 12345, 1234567
	if err := l.SaveShelf(t.Context(), pool.NewShelf(s.Tier), s); err != nil {
		t.Fatal(err)
	}
	i, err := encodeShelf(s)
	if err != nil {
		t.Fatal(err)
	}
	before := gauge.Usage()
	if _, err := l.Claim(t.Context(), s.Tier, ledgertest.ID(99), began, false); err != nil {
		t.Fatal(err)
	}
	cost := gauge.Usage().WRU - before.WRU
	t.Logf("a claim from a shelf of %d bytes: %v WRU", meter.Size(i), cost)
	if cost > mostClaim {
		t.Errorf("a claim from the largest shelf took %v WRU", cost)
	}
}

// TestClaimersAtOnce has many claim at the same moment, over and over, until the pool is used up.
func TestClaimersAtOnce(t *testing.T) {
	const slots, claimers, mostRetries = 1000, 50, 0.1
	server := dynamotest.Start(t)
	table := server.Table(t)
	seed(t, server.Client(), table, "standard", slots)
	s := newShop(t, server, table, "standard")
	claims := map[pool.TenantID]pool.Claim{}
	for first := 0; first < slots; first += claimers {
		maps.Copy(claims, s.atOnce(t, first, claimers))
		s.reconcile(t)
	}

	taken := map[string]pool.TenantID{}
	for _, id := range slices.Sorted(maps.Keys(claims)) {
		for _, side := range []pool.Side{claims[id].Database, claims[id].Share} {
			slot := fmt.Sprintf("%s/%d", side.Host, side.Offer.Index)
			if other, twice := taken[slot]; twice {
				t.Errorf("slot %s was taken by %s and %s", slot, other, id)
			}
			taken[slot] = id
		}
	}
	if len(taken) != 2*slots {
		t.Errorf("%d slots were taken, want %d", len(taken), 2*slots)
	}
	u := s.gauge.Usage()
	retries := float64(u.Retries()) / slots
	t.Logf("a signup: %.2f requests, %.2f WRU, %.3f retries", float64(u.Requests)/slots, u.WRU/slots, retries)
	if retries > mostRetries {
		t.Errorf("%.3f retries a signup, more than %v", retries, mostRetries)
	}
}
