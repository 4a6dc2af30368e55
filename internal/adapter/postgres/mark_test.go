package postgres

import (
	"errors"
	"testing"

	"headroom/internal/pool"
)

// wantMark checks what the database of a slot bears; "" is no mark.
func wantMark(t *testing.T, name, want string) {
	t.Helper()
	var mark string
	err := superuser(t).QueryRow(t.Context(),
		"SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1", pool.DatabaseName(name)).Scan(&mark)
	if err != nil || mark != want {
		t.Errorf("%s bears %q, %v, want %q", name, mark, err, want)
	}
}

func TestTenantCannotChangeAMark(t *testing.T) {
	a, b := newTenant(t, 5), newTenant(t, 5)
	conn := a.connect(t)
	for _, sql := range []string{
		"COMMENT ON DATABASE {d} IS 'mine'",
		"COMMENT ON DATABASE {d} IS NULL",
		"COMMENT ON DATABASE {other} IS 'mine'",
		"COMMENT ON DATABASE {other} IS NULL",
		"COMMENT ON DATABASE postgres IS 'mine'",
		"UPDATE pg_shdescription SET description = 'mine'",
		"DELETE FROM pg_shdescription",
		"INSERT INTO pg_shdescription SELECT oid, 'pg_database'::regclass, 'mine' FROM pg_database",
		"TRUNCATE pg_shdescription",
		"ALTER TABLE pg_shdescription OWNER TO {t}",
	} {
		wantRefused(t, sql, exec1(t, conn, fill(sql, a, b)), denied)
	}
	// The platform's sessions resolve names in pg_catalog: what a tenant makes in its schema misleads none.
	must(t, conn, "CREATE FUNCTION app.shobj_description(oid, name) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$")
	for _, n := range []tenant{a, b} {
		wantMark(t, n.name, markOf(n.name))
		if err := newAdapter(t).MakeSlot(t.Context(), master(cluster), n.name, markOf(n.name), 5); err != nil {
			t.Error(err)
		}
		wantMark(t, n.name, markOf(n.name))
	}
}

// Comments on databases can be read by all who can log in: nothing may stand there but marks.
func TestNeighboursReadNothingButMarks(t *testing.T) {
	a, b := newTenant(t, 5), newTenant(t, 5)
	var mark string
	err := a.connect(t).QueryRow(t.Context(),
		"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", pool.DatabaseName(b.name)).Scan(&mark)
	if err != nil || mark != markOf(b.name) {
		t.Errorf("a neighbour reads %q, %v", mark, err)
	}
}

func TestADatabaseOfAnotherMarkIsNotTouched(t *testing.T) {
	slot := newTenant(t, 4)
	before := access(t)
	for _, mark := range []string{"db-standard-1/another/7/1", markOf(slot.name) + "0"} {
		err := newAdapter(t).MakeSlot(t.Context(), master(cluster), slot.name, mark, 9)
		if !errors.Is(err, ErrForeign) {
			t.Errorf("made as %s: %v", mark, err)
		}
	}
	wantMark(t, slot.name, markOf(slot.name))
	if after := access(t); after != before {
		t.Errorf("who may do what has changed from\n%s\nto\n%s", before, after)
	}
	slot.connect(t)
}

func TestOpeningLeavesTheMark(t *testing.T) {
	slot := newTenant(t, 4)
	a := newAdapter(t)
	if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
		t.Fatal(err)
	}
	if err := a.Open(t.Context(), master(cluster), slot.name, slot.password); err != nil {
		t.Fatal(err)
	}
	wantMark(t, slot.name, markOf(slot.name))
}
