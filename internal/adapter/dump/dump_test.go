package dump_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"headroom/internal/adapter/dump"
	"headroom/internal/pool"
)

// whole is a database with some of everything.
var whole = []string{
	"CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy')",
	"CREATE TYPE app.pair AS (a int, b text)",
	"CREATE DOMAIN app.positive AS int CHECK (VALUE > 0)",
	"CREATE TYPE app.span AS RANGE (subtype = int)",
	"CREATE TABLE app.people (id serial PRIMARY KEY, name text UNIQUE, mood app.mood, pair app.pair, age app.positive, photo bytea, twice int GENERATED ALWAYS AS (age * 2) STORED)",
	`INSERT INTO app.people (name, mood, pair, age, photo) SELECT 'Zoë ' || i, 'happy', ROW (i, E'tab\tline\nback\\')::app.pair, i, decode('00ff', 'hex') FROM generate_series(1, 500) i`,
	"CREATE VIEW app.happy AS SELECT * FROM app.people WHERE mood = 'happy'",
	"CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.people",
	"CREATE SEQUENCE app.fresh START 100",
	"CREATE SEQUENCE app.set", "SELECT setval('app.set', 77, false)",
	"SELECT lo_from_bytea(0, convert_to('large ' || i, 'UTF8')) FROM generate_series(1, 50) i",
	"CREATE TABLE app.parts (day int, v text) PARTITION BY RANGE (day)",
	"CREATE TABLE app.parts1 PARTITION OF app.parts FOR VALUES FROM (0) TO (10)",
	"INSERT INTO app.parts SELECT i, 'x' FROM generate_series(0, 9) i",
	"CREATE TABLE app.secret (owner text)",
	"INSERT INTO app.secret VALUES ('a'), ('b')",
	"CREATE POLICY p ON app.secret USING (owner = 'a')",
	"ALTER TABLE app.secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
	`CREATE TABLE app."odd ""name"", с пробелом" AS SELECT 1 AS "a b"`,
	"CREATE UNLOGGED TABLE app.unlogged AS SELECT 1 AS id",
	"REVOKE ALL ON app.unlogged FROM CURRENT_USER",
}

// dumped is a dump in memory, and what it must be.
func dumped(t *testing.T, copies *dump.Copies, s source) ([]byte, pool.DumpFile) {
	t.Helper()
	catalog, err := databases.Catalog(t.Context(), s.copier, s.slot.Name)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := copies.Dump(t.Context(), s.copier, s.slot.Name, catalog.Version)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(stream)
	if err = errors.Join(err, stream.Close()); err != nil {
		t.Fatal(err)
	}
	return all, describe(all, catalog)
}

func describe(all []byte, catalog pool.Catalog) pool.DumpFile {
	return pool.DumpFile{Bytes: int64(len(all)), SHA256: sha256.Sum256(all), Catalog: catalog}
}

func TestDumpHoldsAllOfADatabase(t *testing.T) {
	s, copies := newSource(t, whole...), newCopies(t)
	all, want := dumped(t, copies, s)
	got, err := copies.Check(t.Context(), bytes.NewReader(all), want)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Restored || len(got.Catalog.Tables) != 6 || got.Catalog.LargeObjects != 50 || len(got.Catalog.Sequences) != 3 || len(got.Catalog.Types) != 4 {
		t.Errorf("restored: %v, %+v", got.Restored, got.Catalog)
	}
	for _, name := range []string{s.copier.Username, s.copier.Password, "SCHEMA " + pool.CopySchema} {
		if bytes.Contains(all, []byte(name)) {
			t.Errorf("the dump has %q in it", name)
		}
	}
}

// What was read is compared in content as well, by another's restore of it: see the dump restored by hand in a
// database of another owner.
func TestCheckNamesWhatACopyLacks(t *testing.T) {
	s, copies := newSource(t, whole...), newCopies(t)
	all, want := dumped(t, copies, s)
	want.Catalog.Tables[0].Rows++
	want.Catalog.LargeObjects--
	_, err := copies.Check(t.Context(), bytes.NewReader(all), want)
	if !errors.Is(err, pool.ErrBadDump) || !strings.Contains(err.Error(), "differs from its database in 2 things") || !strings.Contains(err.Error(), want.Catalog.Tables[0].Name) {
		t.Errorf("got %v", err)
	}
}

func TestDamagedDumpsDoNotPass(t *testing.T) {
	s := newSource(t, whole...)
	for name, most := range map[string]int64{"restored": 1 << 40, "unpacked": 1} {
		copies := newCopies(t, func(c *dump.Config) { c.RestoreMost = most })
		all, want := dumped(t, copies, s)
		if got, err := copies.Check(t.Context(), bytes.NewReader(all), want); err != nil || got.Restored != (name == "restored") {
			t.Fatalf("%s: a good one: %v, %v", name, got.Restored, err)
		}
		positions := []int{0, 5, 40, len(all) / 4, len(all) / 2, len(all) - 200, len(all) - 1}
		for _, at := range positions {
			damaged := bytes.Clone(all)
			damaged[at] ^= 1
			if _, err := copies.Check(t.Context(), bytes.NewReader(damaged), want); !errors.Is(err, pool.ErrBadDump) {
				t.Errorf("%s, byte %d of %d flipped: %v", name, at, len(all), err)
			}
		}
		for _, cut := range [][]byte{nil, all[:3], all[:len(all)/2], all[:len(all)-1], append(bytes.Clone(all), 0)} {
			if _, err := copies.Check(t.Context(), bytes.NewReader(cut), want); !errors.Is(err, pool.ErrBadDump) {
				t.Errorf("%s, %d of %d bytes: %v", name, len(cut), len(all), err)
			}
		}
	}
}

// A dump whose bytes are as written and that does not restore is no good either, whoever wrote it.
func TestDumpThatDoesNotRestore(t *testing.T) {
	s, copies := newSource(t, whole...), newCopies(t)
	all, want := dumped(t, copies, s)
	cut := all[:len(all)*2/3]
	if _, err := copies.Check(t.Context(), bytes.NewReader(cut), describe(cut, want.Catalog)); !errors.Is(err, pool.ErrBadDump) {
		t.Errorf("cut: %v", err)
	}
	// A check that holds in the tenant's search path only, and not while it is restored.
	s = newSource(t,
		"CREATE TABLE app.allowed AS SELECT 'secret row' AS v",
		"CREATE FUNCTION app.allowed(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) > 0 FROM allowed WHERE v = $1); END $$",
		"CREATE TABLE app.t (v text CHECK (app.allowed(v)))",
		"INSERT INTO app.t VALUES ('secret row')",
	)
	all, want = dumped(t, copies, s)
	_, err := copies.Check(t.Context(), bytes.NewReader(all), want)
	if !errors.Is(err, pool.ErrBadDump) || !strings.Contains(err.Error(), "42P01") || !strings.Contains(err.Error(), "TABLE DATA t ") && !strings.Contains(err.Error(), `"t"`) {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("rows are in the error: %v", err)
	}
}

// What a tenant's functions do while they are restored, they do as nobody, to nobody.
func TestHostileDumpIsContained(t *testing.T) {
	proof := filepath.Join(os.TempDir(), "headroom-hostile-proof")
	_ = os.Remove(proof)
	strike := `CREATE FUNCTION app.strike() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
		DECLARE attempt text; BEGIN
			FOREACH attempt IN ARRAY ARRAY[
				'RESET ROLE', 'SET ROLE postgres', 'SET SESSION AUTHORIZATION postgres', 'ALTER ROLE restorer SUPERUSER',
				'GRANT pg_execute_server_program TO restorer', 'CREATE ROLE friend SUPERUSER', 'CREATE DATABASE mine',
				$q$COPY (SELECT 1) TO PROGRAM 'touch PROOF'$q$, $q$COPY (SELECT 1) TO 'PROOF'$q$,
				$q$SELECT pg_catalog.lo_export(0, 'PROOF')$q$, $q$SELECT pg_catalog.pg_read_file('PG_VERSION')$q$,
				$q$CREATE FUNCTION app.c() RETURNS int LANGUAGE c AS 'libc', 'system'$q$, 'CREATE EXTENSION dblink',
				$q$ALTER SYSTEM SET fsync = on$q$, 'SELECT pg_catalog.pg_reload_conf()'
			] LOOP
				BEGIN
					EXECUTE replace(attempt, 'PROOF', '` + proof + `');
					IF attempt NOT IN ('RESET ROLE') THEN RAISE EXCEPTION 'it worked' USING ERRCODE = 'XX001'; END IF;
				EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported OR active_sql_transaction THEN NULL;
				END;
			END LOOP;
			RETURN pg_catalog.current_setting('is_superuser') = 'off';
		END $$`
	s, copies := newSource(t,
		strike,
		"CREATE TABLE app.t (id int)", "INSERT INTO app.t VALUES (1)",
		// Holds for what is there: it is asked when the table is filled anew.
		"ALTER TABLE app.t ADD CHECK (app.strike()) NOT VALID",
		"CREATE TABLE app.trapped (id int, CHECK (pg_catalog.current_database() LIKE 'd\\_%' OR app.strike()))", "INSERT INTO app.trapped VALUES (1)",
	), newCopies(t)
	all, want := dumped(t, copies, s)
	if _, err := copies.Check(t.Context(), bytes.NewReader(all), want); err != nil {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(proof); !os.IsNotExist(err) {
		t.Errorf("a tenant's function wrote a file: %v", err)
	}
}

func TestDumpOfAMillionRowsIsStreamed(t *testing.T) {
	s, copies := newSource(t,
		"CREATE TABLE app.rows AS SELECT i AS id, md5(i::text) || md5((-i)::text) AS what FROM generate_series(1, 1000000) i",
	), newCopies(t)
	catalog, err := databases.Catalog(t.Context(), s.copier, s.slot.Name)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	stream, err := copies.Dump(t.Context(), s.copier, s.slot.Name, catalog.Version)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "dump"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	watch := &watcher{to: io.MultiWriter(file, sum)}
	size, err := io.CopyBuffer(struct{ io.Writer }{watch}, struct{ io.Reader }{stream}, make([]byte, 64<<10))
	if err = errors.Join(err, stream.Close()); err != nil {
		t.Fatal(err)
	}
	dumpedIn := time.Since(started)
	want := pool.DumpFile{Bytes: size, SHA256: [32]byte(sum.Sum(nil)), Catalog: catalog}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	started = time.Now()
	got, err := copies.Check(t.Context(), file, want)
	if err != nil || got.Catalog.Tables[0].Rows != 1000000 {
		t.Fatalf("%v, %v", got, err)
	}
	var children syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB of database, %d MB of dump: dumped in %v, checked in %v; our heap at most %d MB, a program %d MB",
		catalog.Bytes>>20, size>>20, dumpedIn.Round(time.Millisecond), time.Since(started).Round(time.Millisecond), watch.peak>>20, children.Maxrss>>10)
	if watch.peak > 32<<20 {
		t.Errorf("our heap grew to %d MB", watch.peak>>20)
	}
	if children.Maxrss > 256<<10 { // in KiB; servers are not ours, and count their shared memory
		t.Errorf("a program took %d MB", children.Maxrss>>10)
	}
}

// watcher looks at the heap while a stream passes.
type watcher struct {
	to    io.Writer
	count int
	peak  uint64
}

func (w *watcher) Write(p []byte) (int, error) {
	if w.count++; w.count%64 == 0 {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		w.peak = max(w.peak, memory.HeapInuse)
	}
	return w.to.Write(p)
}

func TestDumpThatIsCalledOff(t *testing.T) {
	s, copies := newSource(t, "CREATE TABLE app.rows AS SELECT i AS id, repeat(md5(i::text), 20) AS v FROM generate_series(1, 50000) i"), newCopies(t)
	catalog, err := databases.Catalog(t.Context(), s.copier, s.slot.Name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := copies.Dump(ctx, s.copier, s.slot.Name, catalog.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, stream); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to be called off", err)
	}
	closed, err := copies.Dump(t.Context(), s.copier, s.slot.Name, catalog.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read after it was closed: %v", err)
	}
	if err := databases.RevokeCopier(t.Context(), login, s.slot); err != nil {
		t.Errorf("a session is left: %v", err)
	}
}

func TestDumpThatFailsDoesNotEndAsIfWhole(t *testing.T) {
	s, copies := newSource(t), newCopies(t)
	stranger := s.copier
	stranger.Password = "wrong-password"
	stream, err := copies.Dump(t.Context(), stranger, s.slot.Name, 150000)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(stream)
	if err == nil || !strings.Contains(err.Error(), "password authentication failed") || strings.Contains(err.Error(), stranger.Password) {
		t.Errorf("got %v", err)
	}
	if _, err := copies.Dump(t.Context(), s.copier, s.slot.Name, 990000); !errors.Is(err, dump.ErrNoPrograms) || !strings.Contains(err.Error(), "/99/") {
		t.Errorf("of a version that is not installed: %v", err)
	}
	other := newCopies(t, func(c *dump.Config) { c.Authorities = "/etc/ssl/certs/ca-certificates.crt" })
	if stream, err = other.Dump(t.Context(), s.copier, s.slot.Name, 150000); err != nil {
		t.Fatal(err)
	}
	if _, err = io.ReadAll(stream); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("from a server of another authority: %v", err)
	}
}

// endless is a dump of which nothing comes any more.
type endless struct{ ctx context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.ctx.Done()
	return 0, e.ctx.Err()
}

func TestCheckThatIsCalledOffOrNotFedSaysNothingOfTheDump(t *testing.T) {
	s, copies := newSource(t, whole...), newCopies(t)
	all, want := dumped(t, copies, s)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := copies.Check(ctx, io.MultiReader(bytes.NewReader(all[:2000]), endless{ctx}), want)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pool.ErrBadDump) {
		t.Errorf("called off: %v", err)
	}
	broken := errors.New("the connection broke")
	_, err = copies.Check(t.Context(), io.MultiReader(bytes.NewReader(all[:2000]), failing{broken}), want)
	if !errors.Is(err, broken) || errors.Is(err, pool.ErrBadDump) {
		t.Errorf("not fed: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestConfigMustBeComplete(t *testing.T) {
	for _, config := range []dump.Config{{}, {Authorities: "a", Scratch: "b"}} {
		if _, err := dump.New(config); err == nil {
			t.Errorf("built from %+v", fmt.Sprint(config.Authorities))
		}
	}
}
