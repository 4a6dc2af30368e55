package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// Whoever stays for long shuts the tenant out no longer than it is not let in again, whichever database is in the place.
func TestATenantIsLetInWhoseSwapFails(t *testing.T) {
	x, a := newExchange(t), newAdapter(t)
	if err := a.HandOver(t.Context(), master(cluster), marked(x.name), x.standIn); err != nil {
		t.Fatal(err)
	}
	if got := x.reads(t); got != "now"+settingsOfIt {
		t.Errorf("once the stand-in is handed over, the tenant reads %q", got)
	}
	fails := func(inside *pgx.Conn, do func(exchanged, *testing.T, *Adapter) error, has string) {
		t.Helper()
		if err := do(x, t, a); err == nil {
			t.Fatal("it does not fail")
		}
		_, err := x.try(t.Context(), pool.DatabaseName(x.name))
		wantRefused(t, "the tenant", err, notAccepting)
		for range 2 {
			if err := a.LetIn(t.Context(), master(cluster), marked(x.name)); err != nil {
				t.Fatal(err)
			}
		}
		if got := x.reads(t); got != has+settingsOfIt {
			t.Errorf("the tenant reads %q", got)
		}
		if err := inside.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := do(x, t, a); err != nil {
			t.Fatal(err)
		}
	}
	a.Attempts = 1
	fails(superuserIn(t, x.tenant), exchanged.swap, "now")
	if got := x.reads(t); got != "then"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
	fails(superuserIn(t, x.tenant), exchanged.back, "then")
	if got := x.reads(t); got != "now"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
}
