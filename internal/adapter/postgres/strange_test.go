package postgres

import (
	"slices"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// about are the findings that name a slot's database.
func about(found []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(found), func(f string) bool { return !strings.Contains(f, pool.DatabaseName(name)) })
}

func TestWhatAnInstanceHoldsBeyondItsSlots(t *testing.T) {
	a := newAdapter(t)
	fresh, used := newName(), closedTenant(t, "CREATE TABLE app.accounts AS SELECT 1 AS id")
	if err := a.MakeSlot(t.Context(), master(cluster), fresh, marked(fresh).Mark, 20); err != nil {
		t.Fatal(err)
	}
	look := func(slots []pool.MarkedSlot, outOfUse ...string) []string {
		t.Helper()
		found, err := a.Strange(t.Context(), master(cluster), slots, outOfUse)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	all := []pool.MarkedSlot{marked(fresh), marked(used.name)}
	if found := about(look(all), fresh); len(found) > 0 {
		t.Errorf("in a slot as it was made: %v", found)
	}
	if found := about(look(all), used.name); len(found) != 1 || !strings.Contains(found[0], "holds") || strings.Contains(found[0], "accounts") {
		t.Errorf("in a slot with a table: %v", found)
	}
	if found := about(look(all[1:]), fresh); len(found) != 1 || !strings.Contains(found[0], "none of its slots'") {
		t.Errorf("of a database that is no slot's: %v", found)
	}
	if found := about(look(all[:1], used.name), used.name); len(found) > 0 {
		t.Errorf("in a slot that is out of use: %v", found)
	}
	other := marked(fresh)
	other.Mark = marked(used.name).Mark + "x"
	if found := about(look([]pool.MarkedSlot{other}), fresh); len(found) != 1 || !strings.Contains(found[0], "does not bear the mark") {
		t.Errorf("of a foreign database: %v", found)
	}
	missing := newName()
	if found := about(look([]pool.MarkedSlot{marked(missing)}), missing); len(found) != 1 || !strings.Contains(found[0], "is not there") {
		t.Errorf("of a database that is missing: %v", found)
	}
}
