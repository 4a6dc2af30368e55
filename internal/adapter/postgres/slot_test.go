package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"headroom/internal/pool"
)

var errKilled = errors.New("killed")

// killer is a session that dies at a certain statement, before the server has it or right after.
type killer struct {
	session
	countdown *int
	applied   bool
}

func (k killer) Exec(ctx context.Context, sql string) error {
	return k.strike(func() error { return k.session.Exec(ctx, sql) })
}

func (k killer) True(ctx context.Context, sql string) (bool, error) {
	var is bool
	err := k.strike(func() (err error) {
		is, err = k.session.True(ctx, sql)
		return err
	})
	return is, err
}

func (k killer) Rows(ctx context.Context, sql string) ([][]string, error) {
	var rows [][]string
	err := k.strike(func() (err error) {
		rows, err = k.session.Rows(ctx, sql)
		return err
	})
	return rows, err
}

func (k killer) strike(statement func() error) error {
	*k.countdown--
	if *k.countdown != 0 {
		return statement()
	}
	if k.applied {
		if err := statement(); err != nil {
			return err
		}
	}
	return errKilled
}

// killedAt is an adapter that dies at its n-th statement, counted from 1.
func killedAt(t *testing.T, n int, applied bool) *Adapter {
	t.Helper()
	a := newAdapter(t)
	dial, countdown := a.dial, n
	a.dial = func(ctx context.Context, login pool.Login, database string) (session, error) {
		s, err := dial(ctx, login, database)
		return killer{session: s, countdown: &countdown, applied: applied}, err
	}
	return a
}

func TestMakeSlotKilledAtAnyStatementIsFinishedByTheNextRun(t *testing.T) {
	stranger := newTenant(t, 10)
	killedEverywhere := false
	for n := 1; !killedEverywhere; n++ {
		for _, applied := range []bool{false, true} {
			name := newName()
			err := killedAt(t, n, applied).MakeSlot(t.Context(), master(cluster), name, markOf(name), 4)
			switch {
			case err == nil:
				killedEverywhere = true
			case !errors.Is(err, errKilled):
				t.Fatalf("statement %d (applied: %v): %v", n, applied, err)
			}
			_, err = stranger.try(t.Context(), pool.DatabaseName(name))
			wantRefused(t, fmt.Sprintf("a stranger after statement %d (applied: %v)", n, applied), err, denied, noDatabase, "55000")

			a := newAdapter(t)
			if err := a.MakeSlot(t.Context(), master(cluster), name, markOf(name), 4); err != nil {
				t.Fatalf("again after statement %d (applied: %v): %v", n, applied, err)
			}
			wantWholeSlot(t, name, 4)
			if err := a.Drop(t.Context(), master(cluster), marked(name)); err != nil {
				t.Fatal(err)
			}
		}
		if n > 50 {
			t.Fatal("there is no end to the statements")
		}
	}
}

func TestDropKilledAtAnyStatementIsFinishedByTheNextRun(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, applied := range []bool{false, true} {
			slot := newTenant(t, 4)
			if err := killedAt(t, n, applied).Drop(t.Context(), master(cluster), marked(slot.name)); !errors.Is(err, errKilled) {
				t.Fatalf("statement %d: %v", n, err)
			}
			if err := newAdapter(t).Drop(t.Context(), master(cluster), marked(slot.name)); err != nil {
				t.Fatal(err)
			}
			if left := access(t); strings.Contains(left, slot.name) {
				t.Errorf("killed at statement %d (applied: %v), something is left:\n%s", n, applied, left)
			}
		}
	}
}

// wantWholeSlot checks a slot by using it: its tenant gets in and works, and what is around it is
// exactly what MakeSlot promises.
func wantWholeSlot(t *testing.T, name string, limit int) {
	t.Helper()
	a, made := newAdapter(t), tenant{name: name, password: rand.Text()}
	if err := a.Open(t.Context(), master(cluster), name, made.password); err != nil {
		t.Fatal(err)
	}
	conn, err := made.try(t.Context(), pool.DatabaseName(name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	must(t, conn, "CREATE TABLE app.t (id int)")
	wantRefused(t, "create in public", exec1(t, conn, "CREATE TABLE public.t (id int)"), denied)

	var owner, acl string
	var databaseLimit, roleLimit int
	err = superuser(t).QueryRow(t.Context(), `
		SELECT pg_get_userbyid(datdba), datacl::text, datconnlimit, rolconnlimit
		FROM pg_database, pg_roles WHERE datname = $1 AND rolname = $2`,
		pool.DatabaseName(name), pool.RoleName(name)).Scan(&owner, &acl, &databaseLimit, &roleLimit)
	if err != nil {
		t.Fatal(err)
	}
	wantACL := fmt.Sprintf("{%[1]s=CTc/%[1]s,%[2]s=Tc/%[1]s}", cluster.Username, pool.RoleName(name))
	if owner != cluster.Username || acl != wantACL {
		t.Errorf("owner %s and access %s, want %s and %s", owner, acl, cluster.Username, wantACL)
	}
	if databaseLimit != limit+platformConnections || roleLimit != limit {
		t.Errorf("connection limits: %d of the database and %d of the role, for %d", databaseLimit, roleLimit, limit)
	}
	wantMark(t, name, markOf(name))
}

func TestMakeSlotRunTwiceAtOnce(t *testing.T) {
	name := newName()
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			if err := newAdapter(t).MakeSlot(t.Context(), master(cluster), name, markOf(name), 4); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	wantWholeSlot(t, name, 4)
	if err := newAdapter(t).Drop(t.Context(), master(cluster), marked(name)); err != nil {
		t.Fatal(err)
	}
}

func TestMakeSlotRunLateLeavesAnOpenSlotOpen(t *testing.T) {
	slot := newTenant(t, 4)
	conn := slot.connect(t)
	must(t, conn, "CREATE TABLE app.t AS SELECT 1 AS id")
	if err := newAdapter(t).MakeSlot(t.Context(), master(cluster), slot.name, markOf(slot.name), 4); err != nil {
		t.Fatal(err)
	}
	must(t, conn, "INSERT INTO app.t VALUES (2)")
	must(t, slot.connect(t), "INSERT INTO app.t VALUES (3)")
}

func TestBadSlotsAreRefusedBeforeTheServerHearsOfThem(t *testing.T) {
	a := newAdapter(t)
	a.dial = func(context.Context, pool.Login, string) (session, error) {
		t.Error("the server was called")
		return nil, errKilled
	}
	ctx, login := t.Context(), master(cluster)
	for _, name := range []string{"", "short", "abcdefgH", `abcdefg"`, "abcdefg'", "abcdefg;", "slot_0001", "abcdefgé", "aaaaaaaaaaaaaaaaaaaaa", "abcdefgh\n"} {
		for verb, err := range map[string]error{
			"make":  a.MakeSlot(ctx, login, name, "mark", 1),
			"open":  a.Open(ctx, login, name, "password"),
			"close": a.Close(ctx, login, name),
			"drop":  a.Drop(ctx, login, marked(name)),
		} {
			if err == nil {
				t.Errorf("%s %q succeeded", verb, name)
			}
		}
	}
	for _, limit := range []int{0, -1} {
		if err := a.MakeSlot(ctx, login, "slotslot", "mark", limit); err == nil {
			t.Errorf("a slot with limit %d was made", limit)
		}
	}
	for _, mark := range []string{"", "a b", "a'b", `a\b`, "a\n", "ä", strings.Repeat("a", 201)} {
		if err := a.MakeSlot(ctx, login, "slotslot", mark, 1); err == nil {
			t.Errorf("a slot with the mark %q was made", mark)
		}
	}
	for _, password := range []string{"", "with space", "päss", "line\nbreak"} {
		if err := a.Open(ctx, login, "slotslot", password); err == nil || (password != "" && strings.Contains(err.Error(), password)) {
			t.Errorf("password %q: %v", password, err)
		}
	}
}
