package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// Each life of a name counts once: of who is there, who waits, who left, and who came back.
func TestEachSignupIsToldOnce(t *testing.T) {
	server := dynamotest.Start(t)
	l := open(t, server.Client(), server.Table(t))
	at := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	sign := func(id pool.TenantID, tier pool.Tier, minutes int) pool.Tenant {
		stored, _, err := l.Request(t.Context(), pool.Tenant{ID: id, Tier: tier, Mark: "m", State: pool.TenantRequested, RequestedAt: at(minutes)})
		if err != nil {
			t.Fatal(err)
		}
		return stored
	}
	leave := func(before pool.Tenant, minutes int) pool.Tenant {
		tombstone, d, err := pool.Leave(before, pool.Departure{Reason: "it ended", RequestedAt: at(minutes)}, pool.DefaultTerms, at(minutes))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Depart(t.Context(), before, tombstone, d); err != nil {
			t.Fatal(err)
		}
		left, err := l.Tenant(t.Context(), before.ID)
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	sign("stays", "standard", 1)
	sign("elsewhere", "gold", 2)
	leave(sign("left", "standard", 3), 30)
	stored := leave(sign("back", "standard", 4), 31)
	back := stored.Clone()
	back.Held = false
	released, err := l.SaveTenant(t.Context(), stored, back)
	if err != nil {
		t.Fatal(err)
	}
	again, err := pool.SignAgain(released, pool.Tenant{ID: "back", Tier: "standard", Mark: "n", State: pool.TenantRequested, RequestedAt: at(40)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.SignAgain(t.Context(), released, again, "10.0.0.1"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // other things lie in the table
		sign(pool.TenantID(fmt.Sprintf("other%d", i)), "gold", 50)
	}
	var told []int
	if err := l.EachSignup(t.Context(), "standard", func(when time.Time) error {
		told = append(told, int(when.Sub(began)/time.Minute))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(told)
	if want := []int{1, 3, 4, 40}; !slices.Equal(told, want) {
		t.Errorf("signups at %v, want %v", told, want)
	}
	enough := errors.New("enough")
	if err := l.EachSignup(t.Context(), "gold", func(time.Time) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("it ended with %v", err)
	}
}
