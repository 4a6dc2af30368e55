package dump_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// newStandIn is an empty stand-in on the same instance, and its role's login.
func newStandIn(t *testing.T) (pool.MarkedSlot, pool.Login) {
	t.Helper()
	name := fmt.Sprintf("standin%06d", names.Add(1))
	standIn, in := pool.MarkedSlot{Name: name, Mark: "host/order/1/1-" + name}, login
	in.Username, in.Password = pool.RoleName(name), rand.Text()
	t.Cleanup(func() {
		if err := databases.Drop(context.Background(), login, standIn); err != nil {
			t.Error(err)
		}
	})
	if err := databases.PrepareStandIn(t.Context(), login, standIn, 4, in.Password, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return standIn, in
}

func TestAStandInIsFilledWithAllOfADump(t *testing.T) {
	s, copies := newSource(t, whole...), newCopies(t)
	all, want := dumped(t, copies, s)
	standIn, in := newStandIn(t)
	if err := copies.Fill(t.Context(), bytes.NewReader(all), in, standIn.Name, want.Catalog.Version); err != nil {
		t.Fatal(err)
	}
	got, err := databases.Catalog(t.Context(), in, standIn.Name)
	if err != nil {
		t.Fatal(err)
	}
	if differ := want.Catalog.Differences(got); len(differ) > 0 {
		t.Errorf("the stand-in differs: %s", strings.Join(differ, "; "))
	}
	kept := pool.MarkedSlot{Name: fmt.Sprintf("kept%08d", names.Add(1)), Mark: "host/order/1/1-kept"}
	t.Cleanup(func() {
		if err := databases.Drop(context.Background(), login, kept); err != nil {
			t.Error(err)
		}
	})
	if err := databases.RevokeCopier(t.Context(), login, s.slot); err != nil {
		t.Fatal(err)
	}
	if err := databases.Force(t.Context(), in, standIn.Name, want.Catalog.Forced); err != nil {
		t.Fatal(err)
	}
	if err := databases.Swap(t.Context(), login, s.slot, standIn, kept); err != nil {
		t.Fatal(err)
	}
	if err := databases.GrantCopier(t.Context(), login, s.slot, s.copier.Password, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	swapped, err := databases.Catalog(t.Context(), s.copier, s.slot.Name)
	if err != nil {
		t.Fatal(err)
	}
	if differ := want.Catalog.Differences(swapped); len(differ) > 0 || len(swapped.Forced) != len(want.Catalog.Forced) {
		t.Errorf("what took the database's place differs: %s; forced: %v", strings.Join(differ, "; "), swapped.Forced)
	}
}

// An extension that somebody made for a tenant comes along, if the server lets anybody make it: it becomes the tenant's.
func TestAStandInIsFilledWithExtensions(t *testing.T) {
	s, copies := newSource(t, "CREATE TABLE app.plain (id int)"), newCopies(t)
	config, err := pgx.ParseConfig("host=" + login.Host + " sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.Port, config.User, config.Password = uint16(login.Port), login.Username, login.Password
	config.Database, config.TLSConfig = pool.DatabaseName(s.slot.Name), &tls.Config{InsecureSkipVerify: true}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"CREATE EXTENSION pgcrypto", "CREATE EXTENSION hstore SCHEMA app", "COMMENT ON EXTENSION hstore IS 'ours'"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Skipf("%s: %v", sql, err) // the machine has none
		}
	}
	_ = conn.Close(t.Context())
	all, want := dumped(t, copies, s)
	standIn, in := newStandIn(t)
	if err := copies.Fill(t.Context(), bytes.NewReader(all), in, standIn.Name, want.Catalog.Version); err != nil {
		t.Fatal(err)
	}
	kept := pool.MarkedSlot{Name: fmt.Sprintf("kept%08d", names.Add(1)), Mark: "host/order/1/1-kept"}
	t.Cleanup(func() {
		if err := databases.Drop(context.Background(), login, kept); err != nil {
			t.Error(err)
		}
	})
	if err := databases.RevokeCopier(t.Context(), login, s.slot); err != nil {
		t.Fatal(err)
	}
	if err := databases.Swap(t.Context(), login, s.slot, standIn, kept); err != nil {
		t.Fatal(err)
	}
	conn, err = pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var extensions string
	err = conn.QueryRow(t.Context(), "SELECT string_agg(extname || ' ' || extowner::regrole, ', ' ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'").Scan(&extensions)
	if role := pool.RoleName(s.slot.Name); err != nil || extensions != "hstore "+role+", pgcrypto "+role {
		t.Errorf("it has %s, %v", extensions, err)
	}
}

func TestADumpThatIsCutOffFillsNothingForGood(t *testing.T) {
	s, copies := newSource(t, whole...), newCopies(t)
	all, want := dumped(t, copies, s)
	standIn, in := newStandIn(t)
	if err := copies.Fill(t.Context(), bytes.NewReader(all[:len(all)*2/3]), in, standIn.Name, want.Catalog.Version); !errors.Is(err, pool.ErrBadDump) {
		t.Fatalf("a dump that is cut off: %v", err)
	}
	if err := databases.PrepareStandIn(t.Context(), login, standIn, 4, in.Password, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := copies.Fill(t.Context(), bytes.NewReader(all), in, standIn.Name, want.Catalog.Version); err != nil {
		t.Errorf("another try: %v", err)
	}
	called, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copies.Fill(called, bytes.NewReader(all), in, standIn.Name, want.Catalog.Version); !errors.Is(err, context.Canceled) || errors.Is(err, pool.ErrBadDump) {
		t.Errorf("one that is called off: %v", err)
	}
}

// What a tenant wrote runs while its dump is restored: as a role that reaches the stand-in and nothing else.
func TestHostileDumpReachesNothingButItsStandIn(t *testing.T) {
	s, copies := newSource(t,
		"CREATE TABLE app.asked (i int)", "CREATE TABLE app.found (what text)",
		`CREATE FUNCTION app.try(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
			EXECUTE statement; INSERT INTO app.found VALUES (statement);
			EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value THEN NULL; END $$`,
		// It holds for what is there, and does its worst as the rows are restored.
		`CREATE FUNCTION app.check(i int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
			IF session_user NOT LIKE 't_standin%' THEN RETURN true; END IF;
			INSERT INTO app.asked VALUES (i);
			RESET ROLE;
			PERFORM app.try('CREATE ROLE escaped SUPERUSER'), app.try('ALTER ROLE CURRENT_USER SUPERUSER'),
				app.try('SET ROLE `+login.Username+`'), app.try('SET SESSION AUTHORIZATION `+login.Username+`'),
				app.try('GRANT pg_read_server_files TO CURRENT_USER'), app.try('COPY app.found FROM PROGRAM ''id'''),
				app.try('COPY app.found FROM ''/etc/hostname'''), app.try('SELECT pg_catalog.pg_read_file(''PG_VERSION'')'),
				app.try('SELECT rolpassword FROM pg_catalog.pg_authid'), app.try('ALTER DATABASE postgres CONNECTION LIMIT 0'),
				app.try('SELECT pg_catalog.pg_reload_conf()'), app.try('SELECT pg_catalog.lo_import(''/etc/hostname'')');
			RETURN current_user LIKE 't_standin%'; END $$`,
		"CREATE TABLE app.bait (i int CHECK (app.check(i)))", "INSERT INTO app.bait SELECT generate_series(1, 3)",
	), newCopies(t)
	all, want := dumped(t, copies, s)
	standIn, in := newStandIn(t)
	if err := copies.Fill(t.Context(), bytes.NewReader(all), in, standIn.Name, want.Catalog.Version); err != nil {
		t.Fatal(err)
	}
	got, err := databases.Catalog(t.Context(), in, standIn.Name)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, table := range got.Tables {
		rows[table.Name] = table.Rows
	}
	// What the check was asked shows that it ran.
	if diff := cmp.Diff(map[string]int64{"app.asked": 3, "app.bait": 3, "app.found": 0}, rows); diff != "" {
		t.Errorf("statements went through that must not, or none was tried (-want +got):\n%s", diff)
	}
}
