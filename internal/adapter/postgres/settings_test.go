package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

func TestSettingsAreCarriedToAnotherSlot(t *testing.T) {
	from, to := newTenant(t, 4), newTenant(t, 4)
	conn := from.connect(t)
	database, role := pool.DatabaseName(from.name), pool.RoleName(from.name)
	must(t, conn,
		"ALTER ROLE CURRENT_USER SET work_mem = '5MB'",
		"ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'serializable'",
		"ALTER ROLE CURRENT_USER IN DATABASE "+database+` SET search_path = app, "od'd, name"`,
		"ALTER ROLE CURRENT_USER IN DATABASE "+database+` SET application_name = 'a ''quoted'' \one; $headroom$'`,
		"ALTER ROLE CURRENT_USER IN DATABASE "+database+" SET role = "+role,
		"ALTER ROLE CURRENT_USER IN DATABASE "+database+" SET transaction_read_only = on")
	must(t, superuser(t), "ALTER DATABASE "+database+" SET lock_timeout = '7s'")
	a := newAdapter(t)
	settings, err := a.Settings(t.Context(), master(cluster), marked(from.name))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(t.Context(), master(cluster), to.name); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again, it comes to the same
		if err := a.Configure(t.Context(), master(cluster), marked(to.name), settings); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Reopen(t.Context(), master(cluster), marked(to.name)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	moved, err := to.try(t.Context(), pool.DatabaseName(to.name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = moved.Close(context.Background()) }()
	for _, name := range []string{"work_mem", "default_transaction_isolation", "search_path", "application_name", "role", "transaction_read_only", "lock_timeout"} {
		var value string
		if err := moved.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
			t.Error(err)
		}
		got[name] = value
	}
	if diff := cmp.Diff(map[string]string{
		"work_mem": "5MB", "default_transaction_isolation": "serializable", "search_path": `app, "od'd, name"`,
		"application_name": `a 'quoted' \one; $headroom$`, "role": "none", "transaction_read_only": "off", "lock_timeout": "7s",
	}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	strange := pool.MarkedSlot{Name: from.name, Mark: markOf("another")}
	if _, err := a.Settings(t.Context(), master(cluster), strange); !errors.Is(err, ErrForeign) {
		t.Errorf("settings of a database that is another's: %v", err)
	}
	if err := a.Configure(t.Context(), master(cluster), strange, settings); !errors.Is(err, ErrForeign) {
		t.Errorf("configured what is another's: %v", err)
	}
	if _, err := a.Settings(t.Context(), master(cluster), marked(newName())); !errors.Is(err, ErrNoSlot) {
		t.Errorf("settings of nothing: %v", err)
	}
}
