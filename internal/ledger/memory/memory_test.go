package memory

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
)

func TestContract(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ledger.Ledger { return New(Options{}) })
}

var (
	start  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	shares = pool.Key{Kind: pool.Share, Tier: "standard"}
)

func tenant(n int) pool.Tenant {
	return pool.Tenant{ID: ledgertest.ID(n), Tier: "standard", State: pool.TenantRequested, RequestedAt: start, Progress: pool.Progress{Step: pool.StepOpen, Due: start}}
}

func TestFaults(t *testing.T) {
	errLost := errors.New("connection lost")
	tests := []struct {
		name    string
		applied bool
		fresh   bool // the tenant is new to the next request
	}{
		{"the request is lost", false, true},
		{"the reply is lost", true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			l := New(Options{Fault: func(operation string) (bool, error) {
				asked = append(asked, operation)
				if len(asked) == 1 {
					return test.applied, errLost
				}
				return false, nil
			}})
			if _, fresh, err := l.Request(t.Context(), tenant(1)); !errors.Is(err, errLost) || fresh {
				t.Fatalf("fresh %v, error %v", fresh, err)
			}
			_, fresh, err := l.Request(t.Context(), tenant(1))
			if err != nil || fresh != test.fresh {
				t.Errorf("the next request: fresh %v, error %v", fresh, err)
			}
			if len(asked) != 2 || asked[0] != "Request" {
				t.Errorf("asked before %v", asked)
			}
		})
	}
}

func TestAClaimWhoseReplyIsLostIsGivenAgain(t *testing.T) {
	errLost := errors.New("connection lost")
	lose := false
	l := New(Options{Fault: func(operation string) (bool, error) {
		if lose && operation == "Claim" {
			lose = false
			return true, errLost
		}
		return false, nil
	}})
	s := pool.NewShelf("standard")
	s.Databases = []pool.Offer{{Host: 1, Index: 1, Name: "db"}}
	s.Shares = []pool.Offer{{Host: 1, Index: 1, Name: "share", Share: "share-1"}}
	if err := l.SaveShelf(t.Context(), pool.NewShelf("standard"), s); err != nil {
		t.Fatal(err)
	}
	lose = true
	if _, err := l.Claim(t.Context(), "standard", ledgertest.ID(1), false); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	claim, err := l.Claim(t.Context(), "standard", ledgertest.ID(1), false)
	if err != nil || !claim.Replayed || claim.Share.Offer != s.Shares[0] {
		t.Errorf("claim %+v, error %v", claim, err)
	}
}

func TestIndexesLag(t *testing.T) {
	const lag = 2
	l := New(Options{Lag: lag})
	for n := 1; n <= 4; n++ {
		if _, _, err := l.Request(t.Context(), tenant(n)); err != nil {
			t.Fatal(err)
		}
		due, err := l.OverdueTenants(t.Context(), start, 10)
		if err != nil {
			t.Fatal(err)
		}
		if want := max(0, n-lag); len(due) != want {
			t.Errorf("after %d writes %d are due, want %d", n, len(due), want)
		}
	}
	for n := 1; n <= 3; n++ {
		due, err := l.OverdueTenants(t.Context(), start, 10)
		if want := min(4, 4-lag+n); err != nil || len(due) != want {
			t.Errorf("%d questions later %d are due, want %d; %v", n, len(due), want, err)
		}
	}
}

func TestALaggingReserveNamesHostsThatAreCordoned(t *testing.T) {
	l := New(Options{Lag: 1})
	h := ledgertest.Host(shares, 1, 3)
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	if err := l.Order(t.Context(), pool.Record{Key: shares}, ordered); err != nil {
		t.Fatal(err)
	}
	for _, state := range []pool.HostState{pool.HostInService, pool.HostCordoned} {
		before, err := l.Host(t.Context(), h.ID)
		if err != nil {
			t.Fatal(err)
		}
		after := h.Clone()
		after.State = state
		if err := l.SaveHost(t.Context(), before, after, pool.Neutral, start); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := l.Reserve(t.Context(), shares, pool.Pack, 10, 10)
	if err != nil || len(ids) != 1 {
		t.Errorf("named %v, error %v", ids, err)
	}
}
