package postgresql

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// archived is a server with an archive, and all that one like it is made with.
type archived struct {
	*Server
	program *Program
	archive *Archive
	cfg     Config
}

func newArchived(t *testing.T) *archived {
	t.Helper()
	authority, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p := find(t, shared)
	a, err := p.NewArchive()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := Config{Name: "source", LogDir: t.TempDir(), Authority: authority, Master: "headroom", Password: "secret", Archive: a}
	s, err := p.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, s) })
	return &archived{Server: s, program: p, archive: a, cfg: cfg}
}

func closeServer(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// do runs statements in a database.
func do(t *testing.T, s *Server, database string, statements ...string) {
	t.Helper()
	conn, err := s.Superuser(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// ask runs a query in a database, whose answer is a text.
func ask(t *testing.T, s *Server, database, query string) (answer string) {
	t.Helper()
	conn, err := s.Superuser(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// now is the server's time, between two transactions.
func (s *archived) now(t *testing.T) time.Time {
	t.Helper()
	time.Sleep(2 * time.Millisecond)
	now := time.Now()
	time.Sleep(2 * time.Millisecond)
	return now
}

func (s *archived) restore(t *testing.T, at time.Time) *Server {
	t.Helper()
	cfg := s.cfg
	cfg.Name, cfg.Archive = "restored", nil
	back, err := s.program.Restore(t.Context(), cfg, s.archive, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, back) })
	return back
}

const (
	rows  = "SELECT coalesce(string_agg(n::text, ',' ORDER BY n), '') FROM kept"
	blobs = "SELECT coalesce(string_agg(convert_from(lo_get(oid), 'UTF8'), ',' ORDER BY oid), '') FROM pg_largeobject_metadata"
	roleQ = "SELECT coalesce(string_agg(rolname, ',' ORDER BY rolname), '') FROM pg_roles WHERE rolname LIKE 't\\_%'"
	dbs   = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname LIKE 't\\_%'"
)

func TestServerComesBackAsItWasAtATime(t *testing.T) {
	s := newArchived(t)
	do(t, s.Server, "postgres", "CREATE ROLE t_one", "CREATE DATABASE t_one", "CREATE DATABASE t_two")
	for _, database := range []string{"t_one", "t_two"} {
		do(t, s.Server, database, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)", "SELECT lo_from_bytea(0, 'first')")
	}
	if _, _, ok := s.archive.Window(); ok {
		t.Error("there is a window before there is a backup")
	}
	if err := s.archive.Backup(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	earliest, latest, ok := s.archive.Window()
	if !ok || latest.Before(earliest) {
		t.Fatalf("the window is %v to %v, %v", earliest, latest, ok)
	}
	for _, database := range []string{"t_one", "t_two"} {
		do(t, s.Server, database, "INSERT INTO kept VALUES (2)", "SELECT lo_from_bytea(0, 'second')")
	}
	do(t, s.Server, "postgres", "CREATE ROLE t_two")
	then := s.now(t)
	for _, database := range []string{"t_one", "t_two"} {
		do(t, s.Server, database, "DELETE FROM kept WHERE n = 1", "INSERT INTO kept VALUES (3)", "SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
	}
	do(t, s.Server, "postgres", "DROP ROLE t_one", "CREATE DATABASE t_three", "DROP DATABASE t_two WITH (FORCE)")
	if err := s.archive.Ship(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	_, latest, _ = s.archive.Window()
	do(t, s.Server, "t_one", "INSERT INTO kept VALUES (4)")

	t.Run("at the time", func(t *testing.T) {
		back := s.restore(t, then)
		for _, database := range []string{"t_one", "t_two"} {
			if got := ask(t, back, database, rows); got != "1,2" {
				t.Errorf("%s has the rows %s", database, got)
			}
			if got := ask(t, back, database, blobs); got != "first,second" {
				t.Errorf("%s has the large objects %s", database, got)
			}
		}
		if got := ask(t, back, "postgres", roleQ); got != "t_one,t_two" {
			t.Errorf("the roles are %s", got)
		}
		if got := ask(t, back, "postgres", dbs); got != "t_one,t_two" {
			t.Errorf("the databases are %s", got)
		}
		do(t, back, "t_one", "INSERT INTO kept VALUES (9)")
		back.Kill() // it stands on its own feet
		<-back.Done()
		if err := back.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, back, "t_one", rows); got != "1,2,9" {
			t.Errorf("after a crash it has the rows %s", got)
		}
	})
	t.Run("at the earliest", func(t *testing.T) {
		if got := ask(t, s.restore(t, earliest), "t_one", rows); got != "1" {
			t.Errorf("it has the rows %s", got)
		}
	})
	t.Run("at the latest", func(t *testing.T) {
		back := s.restore(t, latest)
		if got := ask(t, back, "t_one", rows); got != "2,3" {
			t.Errorf("it has the rows %s", got)
		}
		if got := ask(t, back, "postgres", dbs); got != "t_one,t_three" {
			t.Errorf("the databases are %s", got)
		}
	})
	for name, at := range map[string]time.Time{"before the earliest": earliest.Add(-time.Microsecond), "after the latest": latest.Add(time.Microsecond)} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.program.Restore(t.Context(), s.cfg, s.archive, at); !errors.Is(err, ErrNotCovered) {
				t.Errorf("restored: %v", err)
			}
		})
	}
	if got := ask(t, s.Server, "t_one", rows); got != "2,3,4" {
		t.Errorf("the source has the rows %s", got)
	}
}

func TestArchiveGoesOnAcrossCrashesAndRestarts(t *testing.T) {
	s := newArchived(t)
	if err := s.archive.Backup(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	do(t, s.Server, "postgres", "CREATE TABLE kept (n int)")
	for n, end := range []func(){s.Kill, s.Stop} {
		do(t, s.Server, "postgres", "INSERT INTO kept VALUES (1)")
		end()
		<-s.Done()
		if err := s.archive.Ship(t.Context(), s.Server); err == nil {
			t.Errorf("end %d: one that is down has shipped", n)
		}
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.archive.Ship(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	_, latest, _ := s.archive.Window()
	if got := ask(t, s.restore(t, latest), "postgres", rows); got != "1,1" {
		t.Errorf("it has the rows %s", got)
	}
}

// A server that does nothing is shipped every five minutes: it is not to fill the disk.
func TestIdleServerTakesLittleOfTheDisk(t *testing.T) {
	s := newArchived(t)
	if err := s.archive.Backup(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	room := func() (bytes int64) {
		for _, name := range s.archive.segments() {
			bytes += s.archive.room(name)
		}
		return bytes
	}
	before := room()
	const times = 5
	for range times {
		if err := s.archive.Ship(t.Context(), s.Server); err != nil {
			t.Fatal(err)
		}
	}
	if took := room() - before; took > times*64<<10 {
		t.Errorf("%d times took %d bytes", times, took)
	}
	_, latest, _ := s.archive.Window()
	s.restore(t, latest)
}

func TestArchiveForgetsWhatIsTooOld(t *testing.T) {
	s := newArchived(t)
	do(t, s.Server, "postgres", "CREATE TABLE kept (n int)")
	for range 2 {
		if err := s.archive.Backup(t.Context(), s.Server); err != nil {
			t.Fatal(err)
		}
		do(t, s.Server, "postgres", "INSERT INTO kept VALUES (1)")
	}
	second := s.archive.bases[1]
	before := len(s.archive.segments())
	if err := s.archive.Expire(second.whole.Add(-time.Microsecond)); err != nil || len(s.archive.bases) != 2 {
		t.Fatalf("what is needed is gone: %v", err)
	}
	if err := s.archive.Expire(second.whole); err != nil {
		t.Fatal(err)
	}
	if after := len(s.archive.segments()); after >= before {
		t.Errorf("of %d segments %d are left", before, after)
	}
	if earliest, _, _ := s.archive.Window(); !earliest.Equal(second.whole) {
		t.Errorf("the earliest time is %v, want %v", earliest, second.whole)
	}
	if entries, _ := filepath.Glob(filepath.Join(s.archive.dir.Path, "base-*")); len(entries) != 1 {
		t.Errorf("the backups are %v", entries)
	}
	if got := ask(t, s.restore(t, second.whole), "postgres", rows); got != "1" {
		t.Errorf("it has the rows %s", got)
	}
}

func TestANewBackupIsDueWhenMuchWasWritten(t *testing.T) {
	s := newArchived(t)
	if !s.archive.Due() {
		t.Error("the first one is not due")
	}
	if err := s.archive.Backup(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	if s.archive.Due() {
		t.Error("another one is due at once")
	}
	s.archive.bases[0].size = 1 << 10
	do(t, s.Server, "postgres", "CREATE TABLE kept AS SELECT 1 AS n")
	if err := s.archive.Ship(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	if !s.archive.Due() {
		t.Error("none is due after much was written")
	}
}

func TestClosedArchiveLeavesNothing(t *testing.T) {
	s := newArchived(t)
	if err := s.archive.Backup(t.Context(), s.Server); err != nil {
		t.Fatal(err)
	}
	dir := s.archive.dir.Path
	closeServer(t, s.Server)
	for range 2 {
		if err := s.archive.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
	if _, _, ok := s.archive.Window(); ok {
		t.Error("it has a window")
	}
}
