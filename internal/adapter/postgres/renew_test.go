package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

func TestReopenedSlotHasItsPasswordAndItsData(t *testing.T) {
	slot := closedTenant(t, "CREATE TABLE app.kept AS SELECT 1 AS id")
	a, before := newAdapter(t), access(t)
	if err := a.Closed(t.Context(), master(cluster), slot.name); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.Reopen(t.Context(), master(cluster), marked(slot.name)); err != nil {
			t.Fatal(err)
		}
	}
	must(t, slot.connect(t), "SELECT id FROM app.kept")
	if err := a.Closed(t.Context(), master(cluster), slot.name); !errors.Is(err, ErrOpen) {
		t.Errorf("a slot with a session: %v", err)
	}
	if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
		t.Fatal(err)
	}
	if after := access(t); after != before {
		t.Errorf("closing and reopening has changed\n%s\nto\n%s", before, after)
	}
	if err := a.Reopen(t.Context(), master(cluster), marked(newName())); !errors.Is(err, ErrNoSlot) {
		t.Errorf("reopening what is not there: %v", err)
	}
	if err := a.Closed(t.Context(), master(cluster), newName()); err != nil {
		t.Errorf("what is not there is open: %v", err)
	}
}

// Sessions are opened as fast as can be while the slot is closed, by those who go on until they are refused.
func TestNoSessionOutlivesTheClosing(t *testing.T) {
	slot := newTenant(t, 20)
	a := newAdapter(t)
	for range 5 {
		var logins sync.WaitGroup
		started := make(chan struct{}, 100)
		for range 6 {
			logins.Go(func() {
				for {
					conn, err := slot.try(context.Background(), pool.DatabaseName(slot.name))
					if err != nil {
						return
					}
					defer func() { _ = conn.Close(context.Background()) }() // held, as a hostile one would
					started <- struct{}{}
				}
			})
		}
		<-started
		if err := a.Close(t.Context(), master(cluster), slot.name); err != nil {
			t.Fatal(err)
		}
		logins.Wait()
		if err := a.Closed(t.Context(), master(cluster), slot.name); err != nil {
			t.Errorf("after the closing: %v", err)
		}
		if err := a.Reopen(t.Context(), master(cluster), marked(slot.name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenewKilledAtAnyStatementIsFinishedByTheNextRun(t *testing.T) {
	for n, ended := 1, false; !ended; n++ {
		for _, applied := range []bool{false, true} {
			former := closedTenant(t, "CREATE TABLE app.t AS SELECT 1 AS id")
			granted(t, former)
			next := newName()
			renew := func(a *Adapter) error {
				return a.Renew(t.Context(), master(cluster), marked(former.name), marked(next), 4)
			}
			err := renew(killedAt(t, n, applied))
			if ended = err == nil; err != nil && !errors.Is(err, errKilled) {
				t.Fatalf("statement %d (applied: %v): %v", n, applied, err)
			}
			a := newAdapter(t)
			for range 2 {
				if err := renew(a); err != nil {
					t.Fatalf("again after statement %d (applied: %v): %v", n, applied, err)
				}
			}
			if left := access(t); strings.Contains(left, former.name) {
				t.Errorf("something is left:\n%s", left)
			}
			if dirty, err := a.Prove(t.Context(), master(cluster), former.name, marked(next), soon()); err != nil || len(dirty) > 0 {
				t.Errorf("statement %d (applied: %v): not clean: %q, %v", n, applied, dirty, err)
			}
			wantWholeSlot(t, next, 4)
			if err := a.Drop(t.Context(), master(cluster), marked(next)); err != nil {
				t.Fatal(err)
			}
		}
		if n > 50 {
			t.Fatal("there is no end to the statements")
		}
	}
}

func TestRenewUnderTheSameNameOrMarkIsRefused(t *testing.T) {
	slot := closedTenant(t)
	for _, next := range []pool.MarkedSlot{marked(slot.name), {Name: slot.name, Mark: "a"}, {Name: newName(), Mark: markOf(slot.name)}, {Name: newName()}, {Name: "no", Mark: "a"}} {
		if err := newAdapter(t).Renew(t.Context(), master(cluster), marked(slot.name), next, 4); err == nil {
			t.Errorf("renewed as %v", next)
		}
	}
	wantMark(t, slot.name, markOf(slot.name))
}

// A database without a mark was never a tenant's, or lost its mark: who comes to destroy leaves it alone.
func TestADatabaseWithoutItsMarkIsNotDropped(t *testing.T) {
	slot := closedTenant(t)
	su := superuser(t)
	must(t, su, "COMMENT ON DATABASE "+pool.DatabaseName(slot.name)+" IS NULL")
	if err := newAdapter(t).Drop(t.Context(), master(cluster), marked(slot.name)); !errors.Is(err, ErrForeign) {
		t.Errorf("got %v, want ErrForeign", err)
	}
	must(t, su, "COMMENT ON DATABASE "+pool.DatabaseName(slot.name)+" IS '"+markOf(slot.name)+"'")
}

func TestProveNamesWhatIsLeft(t *testing.T) {
	former, name := newName(), newName()
	a := newAdapter(t)
	if err := a.MakeSlot(t.Context(), master(cluster), name, markOf(name), 4); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Drop(context.Background(), master(cluster), marked(name)); err != nil {
			t.Error(err)
		}
	})
	prove := func() []string {
		t.Helper()
		dirty, err := a.Prove(t.Context(), master(cluster), former, marked(name), soon())
		if err != nil {
			t.Fatal(err)
		}
		return dirty
	}
	if dirty := prove(); len(dirty) > 0 {
		t.Fatalf("a new slot is not clean: %q", dirty)
	}
	inside, outside := superuserIn(t, tenant{name: name}), superuser(t)
	_ = inside.Close(context.Background()) // or it would be found as a session
	d, r := pool.DatabaseName(name), pool.RoleName(name)
	for _, test := range []struct {
		in, dirty, clean, want string
	}{
		{"", "CREATE ROLE t_{f}", "DROP ROLE t_{f}", "role t_{f}"},
		{"", "CREATE ROLE c_{f}", "DROP ROLE c_{f}", "role c_{f}"},
		{"", "CREATE DATABASE d_{f} ALLOW_CONNECTIONS false", "DROP DATABASE d_{f}", "database d_{f}"},
		{"", "COMMENT ON ROLE {r} IS 'was {f}'", "COMMENT ON ROLE {r} IS NULL", "comment on its role"},
		{"", "COMMENT ON DATABASE postgres IS 'was {f}'", "COMMENT ON DATABASE postgres IS NULL", "comment that names it"},
		{"", "ALTER ROLE {r} SET work_mem = '1MB'", "ALTER ROLE {r} RESET work_mem", "settings of its role"},
		{"", "ALTER ROLE {r} IN DATABASE {d} SET work_mem = '1MB'", "ALTER ROLE {r} IN DATABASE {d} RESET work_mem", "settings of its database"},
		{"", "ALTER DATABASE {d} SET work_mem = '1MB'", "ALTER DATABASE {d} RESET work_mem", "settings of its database"},
		{"", "ALTER DATABASE {d} RESET search_path", "ALTER DATABASE {d} SET search_path = app", "settings of its database"},
		{"", "GRANT pg_monitor TO {r}", "REVOKE pg_monitor FROM {r}", "its role is a member of pg_monitor"},
		{"", "GRANT {r} TO rds_password", "REVOKE {r} FROM rds_password", "member of its role: rds_password"},
		{"", "ALTER ROLE {r} BYPASSRLS", "ALTER ROLE {r} NOBYPASSRLS", "privileges of its role"},
		{"", "GRANT CONNECT ON DATABASE {d} TO PUBLIC", "REVOKE CONNECT ON DATABASE {d} FROM PUBLIC", "access to its database: all"},
		{"", "GRANT CONNECT ON DATABASE postgres TO {r}", "REVOKE CONNECT ON DATABASE postgres FROM {r}", "reaches database postgres"},
		{"{d}", "CREATE TABLE app.t (id int)", "DROP TABLE app.t", "relation app.t"},
		{"{d}", "CREATE TABLE public.t (id int)", "DROP TABLE public.t", "relation public.t"},
		{"{d}", "CREATE SCHEMA mine", "DROP SCHEMA mine", "schema mine"},
		{"{d}", "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION app.f()", "object function app.f()"},
		{"{d}", "CREATE TYPE app.e AS ENUM ()", "DROP TYPE app.e", "object type app.e"},
		{"{d}", "CREATE COLLATION app.c FROM \"C\"", "DROP COLLATION app.c", "object collation app.c"},
		{"{d}", "SELECT lo_create(4713)", "SELECT lo_unlink(4713)", "large object 4713"},
		{"{d}", "ALTER DEFAULT PRIVILEGES FOR ROLE {r} GRANT SELECT ON TABLES TO PUBLIC", "ALTER DEFAULT PRIVILEGES FOR ROLE {r} REVOKE SELECT ON TABLES FROM PUBLIC", "default privileges of"},
		{"{d}", "GRANT USAGE ON SCHEMA app TO PUBLIC", "REVOKE USAGE ON SCHEMA app FROM PUBLIC", "access to schema app"},
		{"{d}", "COMMENT ON SCHEMA app IS 'mine'", "COMMENT ON SCHEMA app IS NULL", "comment on schema app"},
		{"{d}", "CREATE PUBLICATION p", "DROP PUBLICATION p", "publication p"},
	} {
		fill := strings.NewReplacer("{f}", former, "{d}", d, "{r}", r)
		run := func(sql string) {
			t.Helper()
			if test.in == "" {
				must(t, outside, fill.Replace(sql))
				return
			}
			conn, err := cluster.Superuser(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			must(t, conn, fill.Replace(sql))
			_ = conn.Close(context.Background())
		}
		run(test.dirty)
		dirty, want := prove(), fill.Replace(test.want)
		if !slices.ContainsFunc(dirty, func(found string) bool { return strings.HasPrefix(found, want) }) {
			t.Errorf("%s: found %q, not %q", test.dirty, dirty, want)
		}
		run(test.clean)
	}
	if dirty := prove(); len(dirty) > 0 {
		t.Errorf("cleaned, and not clean: %q", dirty)
	}
	if err := a.Closed(t.Context(), master(cluster), name); err != nil {
		t.Errorf("proven, and not closed: %v", err)
	}
}

// A server may not notice for minutes that whoever proved was killed; what a killed run leaves open is no tenant's.
func TestSessionsOfAKilledProberAreEndedAndOthersFound(t *testing.T) {
	name := newName()
	a := newAdapter(t)
	if err := a.MakeSlot(t.Context(), master(cluster), name, markOf(name), 4); err != nil {
		t.Fatal(err)
	}
	prove := func() []string {
		t.Helper()
		dirty, err := a.Prove(t.Context(), master(cluster), newName(), marked(name), soon())
		if err != nil {
			t.Fatal(err)
		}
		return dirty
	}
	su := superuser(t)
	letIn := func() {
		t.Helper()
		must(t, su, "ALTER ROLE "+pool.RoleName(name)+" LOGIN PASSWORD 'of the prober' VALID UNTIL '"+soon().UTC().Format(time.RFC3339)+"'")
	}
	connect := func(user, password, application string) *pgx.Conn {
		t.Helper()
		conn, err := cluster.Connect(t.Context(), pool.DatabaseName(name), user, password)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		must(t, conn, "SET application_name = '"+application+"'")
		return conn
	}
	letIn()
	connect(pool.RoleName(name), "of the prober", application)
	connect(master(cluster).Username, master(cluster).Password, application)
	if dirty := prove(); len(dirty) > 0 {
		t.Errorf("after a killed run: %q", dirty)
	}
	letIn()
	stranger := connect(pool.RoleName(name), "of the prober", "psql")
	dirty := prove()
	if !slices.ContainsFunc(dirty, func(found string) bool { return strings.HasPrefix(found, "session in its database") }) {
		t.Errorf("somebody is in, and it found %q", dirty)
	}
	_ = stranger.Close(context.Background())
	if err := a.Drop(t.Context(), master(cluster), marked(name)); err != nil {
		t.Error(err)
	}
}

func TestProveLeavesAlonesWhatIsATenants(t *testing.T) {
	slot := newTenant(t, 4)
	if _, err := newAdapter(t).Prove(t.Context(), master(cluster), newName(), marked(slot.name), soon()); !errors.Is(err, ErrOpen) {
		t.Errorf("got %v, want ErrOpen", err)
	}
	slot.connect(t)
	if _, err := newAdapter(t).Prove(t.Context(), master(cluster), newName(), marked(newName()), soon()); !errors.Is(err, ErrNoSlot) {
		t.Errorf("got %v, want ErrNoSlot", err)
	}
}

func TestProveKilledAtAnyStatementIsFinishedByTheNextRun(t *testing.T) {
	name := newName()
	if err := newAdapter(t).MakeSlot(t.Context(), master(cluster), name, markOf(name), 4); err != nil {
		t.Fatal(err)
	}
	for n, ended := 1, false; !ended; n++ {
		for _, applied := range []bool{false, true} {
			prove := func(a *Adapter) ([]string, error) {
				return a.Prove(t.Context(), master(cluster), newName(), marked(name), soon())
			}
			_, err := prove(killedAt(t, n, applied))
			if ended = err == nil; err != nil && !errors.Is(err, errKilled) {
				t.Fatalf("statement %d (applied: %v): %v", n, applied, err)
			}
			if dirty, err := prove(newAdapter(t)); err != nil || len(dirty) > 0 {
				t.Fatalf("again after statement %d (applied: %v): %q, %v", n, applied, dirty, err)
			}
			if err := newAdapter(t).Closed(t.Context(), master(cluster), name); err != nil {
				t.Fatal(fmt.Errorf("proven, and not closed: %w", err))
			}
		}
	}
	wantWholeSlot(t, name, 4)
	if err := newAdapter(t).Drop(t.Context(), master(cluster), marked(name)); err != nil {
		t.Fatal(err)
	}
}
