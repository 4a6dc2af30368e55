package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// soon is when copiers and probers of these tests may not log in any more.
func soon() time.Time { return time.Now().Add(time.Hour) }

// closedTenant is a slot that was used and closed.
func closedTenant(t *testing.T, statements ...string) tenant {
	t.Helper()
	slot := newTenant(t, 4)
	conn, err := slot.try(t.Context(), pool.DatabaseName(slot.name))
	if err != nil {
		t.Fatal(err)
	}
	must(t, conn, statements...)
	_ = conn.Close(context.Background())
	if err := newAdapter(t).Close(t.Context(), master(cluster), slot.name); err != nil {
		t.Fatal(err)
	}
	return slot
}

// granted lets a copier into a slot.
func granted(t *testing.T, slot tenant) pool.Login {
	t.Helper()
	copier := master(cluster)
	copier.Username, copier.Password = pool.CopierName(slot.name), rand.Text()
	if err := newAdapter(t).GrantCopier(t.Context(), master(cluster), marked(slot.name), copier.Password, soon()); err != nil {
		t.Fatal(err)
	}
	return copier
}

func asCopier(t *testing.T, copier pool.Login, database string) (*pgx.Conn, error) {
	t.Helper()
	conn, err := cluster.Connect(t.Context(), database, copier.Username, copier.Password)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

// hidden is a database that does what it can to keep its rows from being read, also by its owner.
var hidden = []string{
	"CREATE TABLE app.open AS SELECT i AS id FROM generate_series(1, 10) i",
	"CREATE TABLE app.forced (id int)",
	"INSERT INTO app.forced SELECT generate_series(1, 7)",
	"CREATE FUNCTION app.refuse() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the policy was asked'; END $$",
	"CREATE POLICY p ON app.forced USING (app.refuse())",
	"ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
	`CREATE TABLE app."we""ird; name" (id int)`,
	`ALTER TABLE app."we""ird; name" FORCE ROW LEVEL SECURITY`,
	"CREATE TABLE app.revoked AS SELECT 1 AS id",
	"REVOKE ALL ON app.revoked FROM CURRENT_USER",
	"CREATE SEQUENCE app.counter START 5",
	"SELECT nextval('app.counter')",
	"CREATE SEQUENCE app.fresh START 40",
	"REVOKE ALL ON SEQUENCE app.counter FROM CURRENT_USER",
	"SELECT lo_from_bytea(4711, 'first'), lo_from_bytea(4712, 'second')",
	"REVOKE ALL ON LARGE OBJECT 4712 FROM CURRENT_USER",
	"CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
	"CREATE VIEW app.seen AS SELECT id, app.refuse() FROM app.open",
	"REVOKE USAGE ON SCHEMA app FROM CURRENT_USER",
}

func TestCopierReadsAllOfItsDatabaseAndNothingElse(t *testing.T) {
	other := newTenant(t, 4)
	slot := closedTenant(t, hidden...)
	copier := granted(t, slot)
	got, err := newAdapter(t).Catalog(t.Context(), copier, slot.name)
	if err != nil {
		t.Fatal(err)
	}
	if got.Version < 100000 || got.Bytes < 1<<20 {
		t.Errorf("version %d, %d bytes", got.Version, got.Bytes)
	}
	want := pool.Catalog{
		Version: got.Version, Bytes: got.Bytes, Collate: "C", Ctype: "C",
		Tables:       []pool.TableRows{{Name: `app."we""ird; name"`}, {Name: "app.forced", Rows: 7}, {Name: "app.open", Rows: 10}, {Name: "app.revoked", Rows: 1}},
		Sequences:    []pool.SequenceAt{{Name: "app.counter", Last: 5, Called: true}, {Name: "app.fresh", Last: 40}},
		LargeObjects: 2, Views: []string{"app.seen"}, Types: []string{"app.mood"}, Routines: []string{"app.refuse()"},
		Forced: []string{`app."we""ird; name"`, "app.forced"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	conn, err := asCopier(t, copier, pool.DatabaseName(slot.name))
	if err != nil {
		t.Fatal(err)
	}
	must(t, conn, "SELECT lo_get(4711), lo_get(4712)")
	wantRefused(t, "write", exec1(t, conn, "INSERT INTO app.open VALUES (1)"), "25006")
	for _, sql := range []string{
		"SET ROLE " + cluster.Username, "SET ROLE " + pool.RoleName(other.name), "SET ROLE rds_superuser",
		"COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('PG_VERSION')", "SELECT rolpassword FROM pg_authid",
	} {
		wantRefused(t, sql, exec1(t, conn, sql), denied)
	}
	for _, database := range []string{"postgres", "template1", pool.DatabaseName(other.name)} {
		_, err := asCopier(t, copier, database)
		wantRefused(t, "connect to "+database, err, denied)
	}
	_, err = cluster.Connect(t.Context(), "rdsadmin", copier.Username, copier.Password)
	wantRefused(t, "connect to RDS's own database", err, badAuth)
	for range copierConnections - 1 {
		if _, err := asCopier(t, copier, pool.DatabaseName(slot.name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = asCopier(t, copier, pool.DatabaseName(slot.name))
	wantRefused(t, "one more connection", err, tooMany)
}

func TestCopierHasAnEnd(t *testing.T) {
	slot := closedTenant(t)
	copier := granted(t, slot)
	if err := newAdapter(t).GrantCopier(t.Context(), master(cluster), marked(slot.name), copier.Password, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err := asCopier(t, copier, pool.DatabaseName(slot.name))
	wantRefused(t, "log in after its end", err, badLogin)
}

func TestCopierOfAnEarlierAttemptCannotComeBack(t *testing.T) {
	slot := closedTenant(t)
	earlier, later := granted(t, slot), granted(t, slot)
	_, err := asCopier(t, earlier, pool.DatabaseName(slot.name))
	wantRefused(t, "log in with the earlier password", err, badLogin)
	if _, err := asCopier(t, later, pool.DatabaseName(slot.name)); err != nil {
		t.Error(err)
	}
}

func TestRevokedCopierLeavesNoTrace(t *testing.T) {
	slot := closedTenant(t, hidden...)
	before, inside := access(t), privileges(t, slot)
	copier := granted(t, slot)
	conn, err := asCopier(t, copier, pool.DatabaseName(slot.name))
	if err != nil {
		t.Fatal(err)
	}
	// What a function of the tenant's could have made is the tenant's.
	must(t, conn, "SET default_transaction_read_only = off", "SET ROLE "+pool.RoleName(slot.name), "GRANT USAGE ON SCHEMA app TO PUBLIC", "RESET ROLE",
		"CREATE TABLE app.planted (id int)", "GRANT SELECT ON app.planted TO PUBLIC")
	a := newAdapter(t)
	for range 2 {
		if err := a.RevokeCopier(t.Context(), master(cluster), marked(slot.name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := exec1(t, conn, "SELECT 1"); err == nil {
		t.Error("the copier's session goes on")
	}
	su := superuserIn(t, slot)
	must(t, su, "REVOKE USAGE ON SCHEMA app FROM PUBLIC")
	var owner string
	if err := su.QueryRow(t.Context(), "SELECT relowner::regrole FROM pg_class WHERE relname = 'planted'").Scan(&owner); err != nil || owner != pool.RoleName(slot.name) {
		t.Errorf("the planted table is %s's, %v", owner, err)
	}
	must(t, su, "DROP TABLE app.planted")
	if after := access(t); after != before {
		t.Errorf("who may do what has changed from\n%s\nto\n%s", before, after)
	}
	if after := privileges(t, slot); after != inside {
		t.Errorf("what is in the database has changed from\n%s\nto\n%s", inside, after)
	}
}

// A schema of the platform's name that is the tenant's own would have the tenant's triggers and views run as the platform.
func TestNothingIsLiftedIntoASchemaThatIsNotThePlatforms(t *testing.T) {
	slot := newTenant(t, 4)
	role := pool.RoleName(slot.name)
	must(t, superuserIn(t, slot), "CREATE SCHEMA "+lifted+" AUTHORIZATION "+role, "SET ROLE "+role,
		"CREATE TABLE app.caught (who name)", "GRANT USAGE ON SCHEMA app TO PUBLIC", "GRANT ALL ON app.caught TO PUBLIC",
		"CREATE FUNCTION app.catch() RETURNS oid LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.caught VALUES (current_user); RETURN 1; END $$",
		"CREATE VIEW "+lifted+".forced AS SELECT app.catch() AS relation")
	a := newAdapter(t)
	if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
		t.Fatal(err)
	}
	if err := a.GrantCopier(t.Context(), master(cluster), marked(slot.name), "copying", soon()); err == nil {
		t.Error("a copier was let in")
	}
	if err := a.RevokeCopier(t.Context(), master(cluster), marked(slot.name)); err != nil {
		t.Error(err)
	}
	var caught int
	if err := superuserIn(t, slot).QueryRow(t.Context(), "SELECT count(*) FROM app.caught").Scan(&caught); err != nil || caught != 0 {
		t.Errorf("%d statements of the platform's were caught: %v", caught, err)
	}
}

func superuserIn(t *testing.T, slot tenant) *pgx.Conn {
	t.Helper()
	conn, err := cluster.Superuser(t.Context(), pool.DatabaseName(slot.name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// privileges is who may do what in a database, as text.
func privileges(t *testing.T, slot tenant) string {
	t.Helper()
	var all string
	conn := superuserIn(t, slot)
	defer func() { _ = conn.Close(context.Background()) }() // or its database is full
	err := conn.QueryRow(t.Context(), `
		SELECT concat_ws(E'\n',
			(SELECT string_agg(concat_ws(' ', nspname, nspowner::regrole, nspacl), E'\n' ORDER BY nspname) FROM pg_namespace),
			(SELECT string_agg(concat_ws(' ', relname, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity), E'\n' ORDER BY relname)
				FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('app', 'headroom', 'public')),
			(SELECT string_agg(concat_ws(' ', oid, lomowner::regrole, lomacl), E'\n' ORDER BY oid) FROM pg_largeobject_metadata),
			(SELECT string_agg(concat_ws(' ', setdatabase, setrole, setconfig), E'\n' ORDER BY setdatabase, setrole) FROM pg_db_role_setting))`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGrantAndRevokeKilledAtAnyStatementAreFinishedByTheNextRun(t *testing.T) {
	slot := closedTenant(t, hidden...)
	before, inside := access(t), privileges(t, slot)
	a := newAdapter(t)
	grant := func(a *Adapter) error {
		return a.GrantCopier(t.Context(), master(cluster), marked(slot.name), "password", soon())
	}
	revoke := func(a *Adapter) error { return a.RevokeCopier(t.Context(), master(cluster), marked(slot.name)) }
	for name, killed := range map[string]func(*Adapter) error{"grant": grant, "revoke": revoke} {
		for n, ended := 1, false; !ended; n++ {
			for _, applied := range []bool{false, true} {
				if name == "revoke" {
					if err := grant(a); err != nil {
						t.Fatal(err)
					}
				}
				err := killed(killedAt(t, n, applied))
				if ended = err == nil; err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%s, statement %d (applied: %v): %v", name, n, applied, err)
				}
				if err := killed(a); err != nil {
					t.Fatalf("%s again after statement %d (applied: %v): %v", name, n, applied, err)
				}
				if name == "grant" {
					copier := master(cluster)
					copier.Username, copier.Password = pool.CopierName(slot.name), "password"
					if got, err := a.Catalog(t.Context(), copier, slot.name); err != nil || len(got.Forced) != 2 {
						t.Fatalf("after statement %d (applied: %v): %v, %v", n, applied, got, err)
					}
					// Killed in the middle and never run again, it is undone as well.
					_ = killed(killedAt(t, n, applied))
					if err := revoke(a); err != nil {
						t.Fatal(err)
					}
				}
				if access(t) != before || privileges(t, slot) != inside {
					t.Fatalf("%s killed at statement %d (applied: %v) left a trace", name, n, applied)
				}
			}
			if n > 50 {
				t.Fatal("there is no end to the statements")
			}
		}
	}
}

func TestCopierOfWhatIsNotToBeCopied(t *testing.T) {
	a, slot := newAdapter(t), newTenant(t, 4)
	grant := func(slot pool.MarkedSlot) error {
		return a.GrantCopier(t.Context(), master(cluster), slot, "password", soon())
	}
	if err := grant(marked(slot.name)); !errors.Is(err, ErrOpen) {
		t.Errorf("of a tenant that can log in: %v", err)
	}
	if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
		t.Fatal(err)
	}
	before := access(t)
	foreign := pool.MarkedSlot{Name: slot.name, Mark: "db-standard-1/another/7/1"}
	for what, err := range map[string]error{
		"grant": grant(foreign), "revoke": a.RevokeCopier(t.Context(), master(cluster), foreign),
		"drop": a.Drop(t.Context(), master(cluster), foreign), "reopen": a.Reopen(t.Context(), master(cluster), foreign),
		"renew": a.Renew(t.Context(), master(cluster), foreign, marked(newName()), 4),
	} {
		if !errors.Is(err, ErrForeign) {
			t.Errorf("%s of another's: %v", what, err)
		}
	}
	if _, err := a.Prove(t.Context(), master(cluster), newName(), foreign, soon()); !errors.Is(err, ErrForeign) {
		t.Errorf("prove another's: %v", err)
	}
	if after := access(t); after != before {
		t.Errorf("who may do what has changed from\n%s\nto\n%s", before, after)
	}
	if err := grant(marked(newName())); !errors.Is(err, ErrNoSlot) {
		t.Errorf("of what is not there: %v", err)
	}
	if err := a.RevokeCopier(t.Context(), master(cluster), marked(newName())); err != nil {
		t.Errorf("revoking what is not there: %v", err)
	}
}

// What the tenant made must do nothing while it is counted: every one of these would fail, or leave a trace.
func TestNothingOfTheTenantsRunsWhileItIsCounted(t *testing.T) {
	slot := closedTenant(t,
		"CREATE TABLE app.trace (who text)",
		`CREATE FUNCTION app.strike() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
			RESET ROLE; INSERT INTO app.trace VALUES (current_user); RAISE EXCEPTION 'something ran'; END $$`,
		"CREATE FUNCTION app.count() RETURNS bigint LANGUAGE sql AS 'SELECT app.strike()::int::bigint'",
		"CREATE FUNCTION app.format(text, name, name) RETURNS text LANGUAGE sql AS $$ SELECT app.strike()::text $$",
		"CREATE FUNCTION app.pg_database_size(name) RETURNS bigint LANGUAGE sql AS 'SELECT app.strike()::int::bigint'",
		"CREATE FUNCTION app.same(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT app.strike()'",
		"CREATE OPERATOR app.!~ (LEFTARG = name, RIGHTARG = text, FUNCTION = app.same)",
		"CREATE TABLE app.pg_class AS SELECT 1 AS oid",
		"CREATE VIEW app.pg_namespace AS SELECT app.strike()",
		"CREATE TABLE app.guarded (id int)",
		"INSERT INTO app.guarded VALUES (1), (2)",
		"CREATE POLICY p ON app.guarded USING (app.strike())",
		"ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
		"CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON app.guarded EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"CREATE RULE r AS ON INSERT TO app.guarded DO ALSO SELECT app.strike()",
		"CREATE DOMAIN app.checked AS int CHECK (VALUE > 0 OR app.strike())",
		"CREATE TABLE app.domains (id app.checked)",
		"INSERT INTO app.domains VALUES (1)",
		"CREATE TABLE app.parent (id int)", "CREATE TABLE app.child () INHERITS (app.parent)", "INSERT INTO app.child VALUES (1)",
	)
	copier := granted(t, slot)
	got, err := newAdapter(t).Catalog(t.Context(), copier, slot.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []pool.TableRows{{Name: "app.guarded", Rows: 2}, {Name: "app.parent"}, {Name: "app.child", Rows: 1}, {Name: "app.trace"}} {
		if !slices.Contains(got.Tables, want) {
			t.Errorf("no %v in %v", want, got.Tables)
		}
	}
	if err := newAdapter(t).RevokeCopier(t.Context(), master(cluster), marked(slot.name)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(access(t), pool.CopierName(slot.name)) {
		t.Error("the copier is still there")
	}
}
