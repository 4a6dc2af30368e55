package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

func TestTenantWorksInItsOwnDatabase(t *testing.T) {
	conn := newTenant(t, 5).connect(t)
	must(t, conn,
		"CREATE TABLE app.orders (id int PRIMARY KEY, what text)",
		"INSERT INTO app.orders VALUES (1, 'tea')",
		"CREATE TABLE unqualified (id int)",
		"CREATE TEMPORARY TABLE scratch (id int)",
	)
	var what, schema string
	if err := conn.QueryRow(t.Context(), "SELECT what FROM orders WHERE id = 1").Scan(&what); err != nil || what != "tea" {
		t.Errorf("read back %q, %v", what, err)
	}
	err := conn.QueryRow(t.Context(), "SELECT schemaname FROM pg_tables WHERE tablename = 'unqualified'").Scan(&schema)
	if err != nil || schema != "app" {
		t.Errorf("a table without a schema went to %q, %v", schema, err)
	}
}

func TestDatabasesHaveNothingOfWhatOthersLeftInTheTemplate(t *testing.T) {
	template := func(sql string) {
		conn, err := cluster.Superuser(context.Background(), "template1")
		if err != nil {
			t.Fatal(err)
		}
		must(t, conn, sql)
		_ = conn.Close(context.Background())
	}
	template("CREATE TABLE public.left_behind (id int)")
	defer template("DROP TABLE public.left_behind")
	conn := newTenant(t, 4).connect(t)
	var there bool
	if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 'left_behind')").Scan(&there); err != nil || there {
		t.Errorf("a new database has a table of the template: %v, %v", there, err)
	}
}

func TestTenantCannotLeaveItsSchema(t *testing.T) {
	conn := newTenant(t, 5).connect(t)
	for _, sql := range []string{
		"CREATE TABLE public.t (id int)",
		"CREATE SCHEMA mine",
		"CREATE EXTENSION pgcrypto",
		"CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	} {
		// An extension that is not installed here fails before its permission is looked at.
		wantRefused(t, sql, exec1(t, conn, sql), denied, "0A000")
	}
}

func TestTenantIsRefusedEverywhereElse(t *testing.T) {
	a, b := newTenant(t, 5), newTenant(t, 5)
	for _, database := range []string{pool.DatabaseName(b.name), "postgres", "template1"} {
		_, err := a.try(t.Context(), database)
		wantRefused(t, "connect to "+database, err, denied)
	}
	_, err := a.try(t.Context(), "template0")
	wantRefused(t, "connect to template0", err, "55000")
	_, err = a.try(t.Context(), "rdsadmin")
	wantRefused(t, "connect to RDS's own database", err, badAuth)
	_, err = cluster.Connect(t.Context(), pool.DatabaseName(a.name), "rdsadmin", a.password)
	wantRefused(t, "log in as RDS's own user", err, badAuth)
	_, err = cluster.Connect(t.Context(), pool.DatabaseName(b.name), pool.RoleName(b.name), a.password)
	wantRefused(t, "log in as another tenant", err, badLogin)
}

func TestTenantCannotUndoItsIsolation(t *testing.T) {
	a, b := newTenant(t, 5), newTenant(t, 5)
	conn := a.connect(t)
	before := access(t)
	for _, sql := range []string{
		"ALTER DATABASE {d} OWNER TO {t}",
		"ALTER DATABASE {d} CONNECTION LIMIT -1",
		"ALTER DATABASE {d} ALLOW_CONNECTIONS false",
		"ALTER DATABASE {d} RENAME TO mine",
		"ALTER DATABASE {d} SET work_mem = '1GB'",
		"ALTER DATABASE {other} OWNER TO {t}",
		"ALTER ROLE {t} CONNECTION LIMIT -1",
		"ALTER ROLE {t} SUPERUSER",
		"ALTER ROLE {t} CREATEDB",
		"ALTER ROLE {t} CREATEROLE",
		"ALTER ROLE {t} BYPASSRLS",
		"ALTER ROLE {b} PASSWORD 'mine'",
		"ALTER ROLE {master} PASSWORD 'mine'",
		"ALTER ROLE rdsadmin PASSWORD 'mine'",
		"CREATE ROLE friend LOGIN",
		"CREATE DATABASE mine",
		"DROP DATABASE {d}",
		"DROP DATABASE {other}",
		"DROP DATABASE rdsadmin",
		"DROP ROLE {b}",
		"REASSIGN OWNED BY {master} TO {t}",
		"DROP OWNED BY {master}",
		"ALTER SCHEMA public OWNER TO {t}",
		"SET ROLE {b}",
		"SET ROLE {master}",
		"SET ROLE rdsadmin",
		"SET SESSION AUTHORIZATION {master}",
		"GRANT {master} TO {t}",
		"GRANT rdsadmin TO {t}",
		"GRANT {b} TO {t}",
		"GRANT rds_superuser TO {t}",
		"GRANT rds_password TO {t}",
		"GRANT rds_replication TO {t}",
		"GRANT pg_signal_backend TO {t}",
		"COPY (SELECT 1) TO PROGRAM 'true'",
		"COPY (SELECT 1) TO '/tmp/headroom-copy'",
		"SELECT pg_read_file('PG_VERSION')",
		"SELECT rolpassword FROM pg_authid",
	} {
		wantRefused(t, sql, exec1(t, conn, fill(sql, a, b)), denied)
	}
	// These only warn, and must change nothing.
	for _, sql := range []string{
		"GRANT CONNECT ON DATABASE {d} TO {b}",
		"GRANT CONNECT ON DATABASE {d} TO PUBLIC",
		"GRANT ALL ON DATABASE {d} TO {t}",
		"GRANT CONNECT ON DATABASE {other} TO {t}",
		"GRANT CONNECT ON DATABASE postgres TO {t}",
		"REVOKE ALL ON DATABASE {d} FROM {master}",
		"GRANT ALL ON SCHEMA public TO {t}",
	} {
		if err := exec1(t, conn, fill(sql, a, b)); err != nil {
			wantRefused(t, sql, err, denied)
		}
	}
	if after := access(t); after != before {
		t.Errorf("who may do what has changed from\n%s\nto\n%s", before, after)
	}
	wantRefused(t, "create in public", exec1(t, conn, "CREATE TABLE public.t (id int)"), denied)
	_, err := b.try(t.Context(), pool.DatabaseName(a.name))
	wantRefused(t, "the other tenant connects", err, denied)
}

// fill puts the names into a statement of tenant a about tenant b.
func fill(sql string, a, b tenant) string {
	return strings.NewReplacer("{t}", pool.RoleName(a.name), "{d}", pool.DatabaseName(a.name), "{b}", pool.RoleName(b.name),
		"{other}", pool.DatabaseName(b.name), "{master}", cluster.Username).Replace(sql)
}

// access is who owns, may reach and belongs to what on the whole instance, as text.
func access(t *testing.T) string {
	t.Helper()
	conn := superuser(t)
	var all string
	err := conn.QueryRow(t.Context(), `
		SELECT (SELECT string_agg(concat_ws(' ', datname, datdba, datacl, datconnlimit, datallowconn), E'\n' ORDER BY datname) FROM pg_database)
		|| E'\n' || (SELECT string_agg(concat_ws(' ', rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolconnlimit), E'\n' ORDER BY rolname) FROM pg_roles)
		|| E'\n' || (SELECT string_agg(concat_ws(' ', roleid, member, grantor, admin_option), E'\n' ORDER BY roleid, member) FROM pg_auth_members)`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func superuser(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := cluster.Superuser(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// slow is a session that leaves time after each statement for others to act.
type slow struct{ session }

func (s slow) Exec(ctx context.Context, sql string) error {
	defer time.Sleep(20 * time.Millisecond)
	return s.session.Exec(ctx, sql)
}

func TestNobodyGetsInAtTheMomentOfCreation(t *testing.T) {
	intruder := newTenant(t, 50)
	a := newAdapter(t)
	dial := a.dial
	a.dial = func(ctx context.Context, login pool.Login, database string) (session, error) {
		s, err := dial(ctx, login, database)
		return slow{s}, err
	}
	var targets []string
	for range 4 {
		targets = append(targets, newName())
	}
	ctx, stop := context.WithCancel(t.Context())
	tries, entered := make(chan int), make(chan string, len(targets))
	for _, name := range targets {
		go func() {
			count := 0
			for ; ctx.Err() == nil; count++ {
				conn, err := intruder.try(ctx, pool.DatabaseName(name))
				if err == nil {
					_ = conn.Close(context.Background())
					entered <- pool.DatabaseName(name)
					break
				}
			}
			tries <- count
		}()
	}
	for _, name := range targets {
		if err := a.MakeSlot(t.Context(), master(cluster), name, markOf(name), 5); err != nil {
			t.Error(err)
		}
	}
	stop()
	total := 0
	for range targets {
		total += <-tries
	}
	t.Logf("%d tries while %d slots were made", total, len(targets))
	if total < len(targets) {
		t.Errorf("only %d tries: that proves nothing", total)
	}
	select {
	case database := <-entered:
		t.Errorf("a stranger got into %s", database)
	default:
	}
	for _, name := range targets {
		if err := a.Drop(t.Context(), master(cluster), marked(name)); err != nil {
			t.Error(err)
		}
	}
}

func TestSlotThatIsNotOpenLetsNobodyIn(t *testing.T) {
	a, name := newAdapter(t), newName()
	if err := a.MakeSlot(t.Context(), master(cluster), name, markOf(name), 5); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Connect(t.Context(), pool.DatabaseName(name), pool.RoleName(name), "anything")
	wantRefused(t, "log in without a password", err, badLogin, badAuth)
	if err := a.Drop(t.Context(), master(cluster), marked(name)); err != nil {
		t.Fatal(err)
	}
}

func TestTenantMayOverrideOnlyHarmlessSettings(t *testing.T) {
	n := newTenant(t, 5)
	conn := n.connect(t)
	must(t, conn, "SET statement_timeout = 0", "SET work_mem = '64kB'")
	must(t, conn, "ALTER ROLE "+pool.RoleName(n.name)+" SET work_mem = '64kB'")
	for _, sql := range []string{
		"SET temp_file_limit = -1",
		"ALTER ROLE " + pool.RoleName(n.name) + " SET temp_file_limit = -1",
		"SET log_statement = 'none'",
		"SET session_replication_role = 'replica'",
	} {
		wantRefused(t, sql, exec1(t, conn, sql), denied)
	}
	err := exec1(t, conn, "SELECT count(*) FROM (SELECT md5(i::text) AS h FROM generate_series(1, 100000) i ORDER BY h) s")
	wantRefused(t, "sort beyond temp_file_limit", err, limitReached)
}

func TestConnectionLimitHolds(t *testing.T) {
	const limit = 3
	n := newTenant(t, limit)
	for range limit {
		n.connect(t)
	}
	_, err := n.try(t.Context(), pool.DatabaseName(n.name))
	wantRefused(t, fmt.Sprintf("connection %d", limit+1), err, tooMany)

	// The platform still gets in: making the slot again connects to the database.
	if err := newAdapter(t).MakeSlot(t.Context(), master(cluster), n.name, markOf(n.name), limit); err != nil {
		t.Errorf("a tenant at its limit keeps the platform out: %v", err)
	}
}

func TestPlaintextIsRefused(t *testing.T) {
	n := newTenant(t, 5)
	if _, err := cluster.ConnectPlain(t.Context(), pool.DatabaseName(n.name), pool.RoleName(n.name), n.password); err == nil {
		t.Error("connected without TLS")
	} else {
		wantRefused(t, "connect without TLS", err, badAuth)
	}
}
