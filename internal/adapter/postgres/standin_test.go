package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// exchanged is a tenant, a stand-in of its database, and the name under which that is kept.
type exchanged struct {
	tenant
	standIn, kept pool.MarkedSlot
}

// newExchange is a tenant whose database has rows and settings, and the stand-in that is filled with earlier ones.
func newExchange(t *testing.T) exchanged {
	t.Helper()
	x := exchanged{tenant: newTenant(t, 4), standIn: marked(newName()), kept: marked(newName())}
	t.Cleanup(func() {
		for _, slot := range []pool.MarkedSlot{x.standIn, x.kept} {
			if err := newAdapter(t).Drop(context.Background(), master(cluster), slot); err != nil {
				t.Error(err)
			}
		}
	})
	conn, err := x.try(t.Context(), pool.DatabaseName(x.name))
	if err != nil {
		t.Fatal(err)
	}
	must(t, conn, "CREATE TABLE app.lines AS SELECT 'now' AS at",
		"ALTER ROLE CURRENT_USER IN DATABASE "+pool.DatabaseName(x.name)+` SET search_path = app, "od'd, name"`,
		"ALTER ROLE CURRENT_USER IN DATABASE "+pool.DatabaseName(x.name)+` SET application_name = 'a ''quoted'' one'`,
		"ALTER ROLE CURRENT_USER IN DATABASE "+pool.DatabaseName(x.name)+" SET role = "+pool.RoleName(x.name),
		// What no session can set, and what would have ours write nothing.
		"ALTER ROLE CURRENT_USER IN DATABASE "+pool.DatabaseName(x.name)+" SET default_tablespace = none",
		"ALTER ROLE CURRENT_USER IN DATABASE "+pool.DatabaseName(x.name)+" SET transaction_read_only = off",
		"ALTER ROLE CURRENT_USER IN DATABASE "+pool.DatabaseName(x.name)+" SET default_transaction_read_only = off")
	_ = conn.Close(context.Background())
	x.fill(t)
	return x
}

// fill does what a restore of a dump does, as the stand-in's role.
func (x exchanged) fill(t *testing.T) {
	t.Helper()
	if err := newAdapter(t).PrepareStandIn(t.Context(), master(cluster), x.standIn, 4, "filling", soon()); err != nil {
		t.Fatal(err)
	}
	conn, err := cluster.Connect(t.Context(), pool.DatabaseName(x.standIn.Name), pool.RoleName(x.standIn.Name), "filling")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	must(t, conn, "CREATE SCHEMA app", "CREATE TABLE app.lines AS SELECT 'then' AS at",
		"CREATE TABLE app.forced (id int)", "ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY", "SELECT lo_from_bytea(99, 'large')")
	must(t, conn, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "GRANT SELECT ON app.lines TO "+cluster.Username)
	filler := master(cluster)
	filler.Username, filler.Password = pool.RoleName(x.standIn.Name), "filling"
	if err := newAdapter(t).Force(t.Context(), filler, x.standIn.Name, []string{"app.forced"}); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"SET ROLE " + cluster.Username, "SET SESSION AUTHORIZATION " + cluster.Username, "CREATE DATABASE other", "CREATE ROLE other"} {
		wantRefused(t, sql, exec1(t, conn, sql), denied)
	}
	_, err = cluster.Connect(t.Context(), pool.DatabaseName(x.name), pool.RoleName(x.standIn.Name), "filling")
	wantRefused(t, "the stand-in's role in the tenant's database", err, denied)
}

func (x exchanged) swap(t *testing.T, a *Adapter) error {
	t.Helper()
	return a.Swap(t.Context(), master(cluster), marked(x.name), x.standIn, x.kept)
}

func (x exchanged) back(t *testing.T, a *Adapter) error {
	t.Helper()
	return a.SwapBack(t.Context(), master(cluster), marked(x.name), x.standIn, x.kept)
}

// reads is what the tenant finds in its own database, by its own password.
func (x exchanged) reads(t *testing.T) string {
	t.Helper()
	conn, err := x.try(t.Context(), pool.DatabaseName(x.name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var at, path, setting string
	if err := conn.QueryRow(t.Context(), "SELECT at, current_setting('search_path'), current_setting('application_name') FROM app.lines").Scan(&at, &path, &setting); err != nil {
		t.Fatal(err)
	}
	return at + "; " + path + "; " + setting
}

const settingsOfIt = `; app, "od'd, name"; a 'quoted' one`

// A database full of large objects changes hands in pieces: a server has locks for some thousands only.
func TestSwapHandsOverManyLargeObjects(t *testing.T) {
	x := newExchange(t)
	conn, err := cluster.Connect(t.Context(), pool.DatabaseName(x.standIn.Name), pool.RoleName(x.standIn.Name), "filling")
	if err != nil {
		t.Fatal(err)
	}
	must(t, conn, "SELECT count(lo_create(0)) FROM generate_series(1, 25000)")
	if err := x.swap(t, newAdapter(t)); err != nil {
		t.Fatal(err)
	}
	var own, others int
	if err := superuserIn(t, x.tenant).QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE lomowner = $1::regrole), count(*) FILTER (WHERE lomowner <> $1::regrole)
		FROM pg_largeobject_metadata`, pool.RoleName(x.name)).Scan(&own, &others); err != nil || own != 25001 || others != 0 {
		t.Errorf("%d are the tenant's, %d are not: %v", own, others, err)
	}
}

// lines are those of an instance's access that name a slot.
func lines(all, name string) string {
	var some []string
	for line := range strings.Lines(all) {
		if strings.Contains(line, name) {
			some = append(some, line)
		}
	}
	return strings.Join(some, "")
}

func TestSwapPutsAStandInIntoADatabasesPlace(t *testing.T) {
	x, neighbour := newExchange(t), newTenant(t, 4)
	must(t, neighbour.connect(t), "CREATE TABLE app.mine AS SELECT 1 AS id")
	before := access(t)
	session := neighbour.connect(t)
	inside, err := x.try(t.Context(), pool.DatabaseName(x.name))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := x.swap(t, newAdapter(t)); err != nil {
			t.Fatal(err)
		}
	}
	wantRefused(t, "a session from before", exec1(t, inside, "SELECT 1"), "57P01")
	must(t, session, "SELECT id FROM app.mine")
	if got := x.reads(t); got != "then"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
	if was, is := lines(before, pool.DatabaseName(x.name)), lines(access(t), pool.DatabaseName(x.name)); was != is {
		t.Errorf("who may reach the tenant's database has changed from\n%sto\n%s", was, is)
	}
	conn := superuserIn(t, x.tenant)
	var strangers, forced int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relowner <> $1::regrole)
		+ (SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner <> $1::regrole) + (SELECT count(*) FROM pg_namespace WHERE nspname = 'app' AND nspowner <> $1::regrole),
		(SELECT count(*) FROM pg_class WHERE relforcerowsecurity)`, pool.RoleName(x.name)).Scan(&strangers, &forced)
	if err != nil || strangers != 0 || forced != 1 {
		t.Errorf("%d things are not the tenant's, %d tables are forced: %v", strangers, forced, err)
	}
	_, err = x.try(t.Context(), pool.DatabaseName(x.kept.Name))
	wantRefused(t, "the tenant in the database that was", err, "55000", denied)
	if all := access(t); strings.Contains(all, pool.RoleName(x.standIn.Name)) {
		t.Errorf("the stand-in's role is left:\n%s", all)
	}
}

// RDS's own superuser, whom nobody else can put out, looks into each database now and then.
func TestSwapWaitsForASuperuserToLeave(t *testing.T) {
	x, a := newExchange(t), newAdapter(t)
	inside := superuserIn(t, x.tenant)
	waited := false
	a.Sleep = func(ctx context.Context, _ time.Duration) error { waited = true; return inside.Close(ctx) }
	if err := x.swap(t, a); err != nil || !waited {
		t.Fatalf("waited %v: %v", waited, err)
	}
	if got := x.reads(t); got != "then"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
}

func TestSwapBackIsAsIfNothingHadBeen(t *testing.T) {
	x := newExchange(t)
	if err := newAdapter(t).Drop(t.Context(), master(cluster), x.standIn); err != nil {
		t.Fatal(err)
	}
	before := access(t)
	x.fill(t)
	if err := x.swap(t, newAdapter(t)); err != nil {
		t.Fatal(err)
	}
	conn, err := x.try(t.Context(), pool.DatabaseName(x.name))
	if err != nil {
		t.Fatal(err)
	}
	must(t, conn, "INSERT INTO app.lines VALUES ('since')")
	for range 2 {
		if err := x.back(t, newAdapter(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := x.reads(t); got != "now"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
	// What was written since is kept, closed, until it is dropped.
	_, err = x.try(t.Context(), pool.DatabaseName(x.standIn.Name))
	wantRefused(t, "the tenant in the database that was", err, "55000", denied)
	kept := x.tenant
	kept.name = x.standIn.Name
	var since int
	root, err := cluster.Superuser(t.Context(), maintenance)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close(context.Background()) }()
	must(t, root, "ALTER DATABASE "+pool.DatabaseName(x.standIn.Name)+" ALLOW_CONNECTIONS true")
	inside := superuserIn(t, kept)
	if err := inside.QueryRow(t.Context(), "SELECT count(*) FROM app.lines WHERE at = 'since'").Scan(&since); err != nil || since != 1 {
		t.Errorf("%d rows are kept, %v", since, err)
	}
	_ = inside.Close(context.Background())
	if err := newAdapter(t).Drop(t.Context(), master(cluster), x.standIn); err != nil {
		t.Fatal(err)
	}
	if after := access(t); after != before {
		t.Errorf("access was\n%s\nand is\n%s", before, after)
	}
	for name, verb := range map[string]func(*testing.T, *Adapter) error{"swapped": x.swap, "swapped back": x.back} {
		if err := verb(t, newAdapter(t)); !errors.Is(err, ErrNoSlot) {
			t.Errorf("%s with nothing to swap for: %v", name, err)
		}
	}
	if got := x.reads(t); got != "now"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
}

// Who fills a stand-in may make schemas in it, also one of the platform's name, with things in it that run when the
// platform writes there.
func TestSwapLeavesNothingInWaitForThePlatform(t *testing.T) {
	x := newExchange(t)
	conn, err := cluster.Connect(t.Context(), pool.DatabaseName(x.standIn.Name), pool.RoleName(x.standIn.Name), "filling")
	if err != nil {
		t.Fatal(err)
	}
	must(t, conn, "CREATE SCHEMA "+lifted, "CREATE TABLE "+lifted+".forced (relation oid PRIMARY KEY)",
		"CREATE TABLE app.caught (who name)", "GRANT ALL ON SCHEMA app TO PUBLIC", "GRANT ALL ON app.caught TO PUBLIC",
		"CREATE FUNCTION app.catch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.caught VALUES (current_user); RETURN NEW; END $$",
		"CREATE TRIGGER catch BEFORE INSERT ON "+lifted+".forced FOR EACH ROW EXECUTE FUNCTION app.catch()")
	a := newAdapter(t)
	if err := x.swap(t, a); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(t.Context(), master(cluster), x.name), a.GrantCopier(t.Context(), master(cluster), marked(x.name), "copying", soon())); err != nil {
		t.Fatal(err)
	}
	var caught int
	var owner string
	if err := superuserIn(t, x.tenant).QueryRow(t.Context(), "SELECT (SELECT count(*) FROM app.caught), nspowner::regrole::text FROM pg_namespace WHERE nspname = '"+lifted+"'").
		Scan(&caught, &owner); err != nil || caught != 0 || owner != cluster.Username {
		t.Errorf("%d statements of the platform's were caught, and its schema is %s's: %v", caught, owner, err)
	}
}

func TestSwapsKilledAtAnyStatementAreFinishedByTheNextRun(t *testing.T) {
	for name, verb := range map[string]struct {
		do     func(exchanged, *testing.T, *Adapter) error
		before bool // it was swapped already
		reads  string
	}{
		"swap": {exchanged.swap, false, "then"},
		"back": {exchanged.back, true, "now"},
	} {
		for n, ended := 1, false; !ended; n++ {
			for _, applied := range []bool{false, true} {
				x := newExchange(t)
				if verb.before {
					if err := x.swap(t, newAdapter(t)); err != nil {
						t.Fatal(err)
					}
				}
				err := verb.do(x, t, killedAt(t, n, applied))
				if ended = err == nil; err != nil && !errors.Is(err, errKilled) {
					t.Fatalf("%s, statement %d (applied: %v): %v", name, n, applied, err)
				}
				if err := verb.do(x, t, newAdapter(t)); err != nil {
					t.Fatalf("%s again after statement %d (applied: %v): %v", name, n, applied, err)
				}
				if got := x.reads(t); got != verb.reads+settingsOfIt {
					t.Fatalf("%s killed at statement %d (applied: %v): the tenant reads %q", name, n, applied, got)
				}
			}
			if n > 60 {
				t.Fatal("there is no end to the statements")
			}
		}
	}
}

func TestSwapTouchesNothingThatBearsAnotherMark(t *testing.T) {
	x, other := newExchange(t), newTenant(t, 4)
	strange := func(s pool.MarkedSlot) pool.MarkedSlot { s.Mark += "-other"; return s }
	before := access(t)
	for name, of := range map[string][3]pool.MarkedSlot{
		"the slot's":         {strange(marked(x.name)), x.standIn, x.kept},
		"the stand-in's":     {marked(x.name), strange(x.standIn), x.kept},
		"the kept one's":     {marked(x.name), x.standIn, strange(marked(other.name))},
		"another slot's own": {marked(x.name), x.standIn, {Name: other.name, Mark: x.kept.Mark}},
	} {
		if err := newAdapter(t).Swap(t.Context(), master(cluster), of[0], of[1], of[2]); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, same := range [][3]pool.MarkedSlot{{marked(x.name), marked(x.name), x.kept}, {marked(x.name), x.standIn, x.standIn}} {
		if err := newAdapter(t).Swap(t.Context(), master(cluster), same[0], same[1], same[2]); err == nil {
			t.Error("a slot was swapped for itself")
		}
	}
	if lines(access(t), pool.DatabaseName(x.name)) != lines(before, pool.DatabaseName(x.name)) {
		t.Error("the tenant's database was touched")
	}
	if got := x.reads(t); got != "now"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
	var _ *pgx.Conn = other.connect(t)
}

// Whoever was killed may have shut the tenant's database, and what was to take its place may be gone since.
func TestASwapForNothingLetsTheTenantIn(t *testing.T) {
	for name, do := range map[string]func(exchanged, *testing.T, *Adapter) error{"swap": exchanged.swap, "back": exchanged.back} {
		x := newExchange(t)
		if err := newAdapter(t).within(t.Context(), master(cluster), maintenance, func(s session) error {
			return s.Exec(t.Context(), "ALTER DATABASE "+pool.DatabaseName(x.name)+" ALLOW_CONNECTIONS false")
		}); err != nil {
			t.Fatal(err)
		}
		if err := newAdapter(t).Drop(t.Context(), master(cluster), x.standIn); err != nil {
			t.Fatal(err)
		}
		if err := do(x, t, newAdapter(t)); !errors.Is(err, pool.ErrNoDatabase) {
			t.Errorf("%s: %v", name, err)
		}
		if got := x.reads(t); got != "now"+settingsOfIt {
			t.Errorf("%s: the tenant reads %q", name, got)
		}
	}
}

// A message comes twice, or a step is tried again while the first try is still at it: whoever is slower finds what the
// other did, and shuts nobody out.
func TestSwapsAtOnceAreOne(t *testing.T) {
	x := newExchange(t)
	failed := make(chan error)
	for range 4 {
		a := newAdapter(t)
		go func() { failed <- x.swap(t, a) }()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if got := x.reads(t); got != "then"+settingsOfIt {
		t.Errorf("the tenant reads %q", got)
	}
	for range 2 {
		a := newAdapter(t)
		go func() { failed <- x.back(t, a) }()
	}
	for range 2 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if got := x.reads(t); got != "now"+settingsOfIt {
		t.Errorf("the tenant reads %q after it was undone", got)
	}
}
