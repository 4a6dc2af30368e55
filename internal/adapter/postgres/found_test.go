package postgres

import (
	"testing"

	"headroom/internal/pool"
)

func TestMarkedDatabasesAreFoundWithoutTheLedger(t *testing.T) {
	a := newAdapter(t)
	fresh, shut, open := newName(), closedTenant(t, "CREATE TABLE app.accounts AS SELECT 1 AS id"), newTenant(t, 5)
	if err := a.MakeSlot(t.Context(), master(cluster), fresh, marked(fresh).Mark, 20); err != nil {
		t.Fatal(err)
	}
	all, err := a.Found(t.Context(), master(cluster))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]pool.FoundDatabase{}
	for _, d := range all {
		found[d.Name] = d
	}
	for _, want := range []pool.FoundDatabase{
		{Name: fresh, Mark: marked(fresh).Mark},
		{Name: shut.name, Mark: marked(shut.name).Mark, Holds: true},
		{Name: open.name, Mark: marked(open.name).Mark, Open: true, Holds: true},
	} {
		if found[want.Name] != want {
			t.Errorf("found %+v, want %+v", found[want.Name], want)
		}
	}
}
