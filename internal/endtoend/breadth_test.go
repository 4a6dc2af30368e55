package endtoend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/nfsclient"
)

// TestATenantWithAllThereCanBeLeaves has a tenant leave that has much of all that a share and a database can hold. What was
// archived is restored elsewhere by others' programs, and is what it had.
func TestATenantWithAllThereCanBeLeaves(t *testing.T) {
	t.Parallel()
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &hasty}, func(o *local.Options) { o.Speed = 20 })
	s.awaitInService(t, 1, 1)
	s.signUp(t, leaver, leftFrom)
	ready := s.awaitReady(t, leaver)[leaver]
	l := &leaving{system: s, ready: ready, credentials: s.secret(t, ready.Database.SecretARN), from: leftFrom}

	began := time.Now()
	files := everyFile()
	l.fillShare(t, files)
	l.makesNoLinks(t)
	t.Logf("%d files and folders were written in %s", len(files), time.Since(began).Round(time.Second/10))
	began = time.Now()
	held := l.fillDatabase(t)
	t.Logf("its database was filled in %s", time.Since(began).Round(time.Second/10))

	l.ask(t, "DecommissionRequested", "")
	l.within(t, "the tenant is released", func() bool { return len(heard[events.TenantReleased](s.watch)) > 0 })
	folder := l.unpacked(t, l.last(t).Archive)
	l.filesAreRestored(t, folder, files)
	l.databaseIsRestored(t, folder, held)
	l.certificateIsTrue(t, heard[events.TenantReleased](s.watch)[0].Certificate)
	l.leavesNothing(t)
}

// A file that a tenant has. The path of a folder ends in a slash.
type aFile struct {
	path    string
	content []byte
	sparse  uint64 // bytes; 0: it is no longer than its content, which else stands at its end
}

func (f aFile) folder() bool { return strings.HasSuffix(f.path, "/") }

func (f aFile) size() int64 { return int64(max(f.sparse, uint64(len(f.content)))) }

// sum is the SHA-256 of what it holds.
func (f aFile) sum() string {
	digest := sha256.New()
	for zeros := f.size() - int64(len(f.content)); zeros > 0; {
		zeros -= writeZeros(digest, zeros)
	}
	digest.Write(f.content)
	return fmt.Sprintf("%x", digest.Sum(nil))
}

var zeros [1 << 20]byte

func writeZeros(to hash.Hash, atMost int64) int64 {
	n, _ := to.Write(zeros[:min(atMost, int64(len(zeros)))]) // a hash takes all
	return int64(n)
}

// names are what a file may be called on a Linux client, and hardly anywhere else.
var names = []string{
	// Every script, and what looks alike.
	"العربية.txt", "עברית", "हिन्दी क्षि.doc", "ไทย", "日本語のファイル", "漢字", "한국어", "Кириллица", "ქართული", "ᠮᠣᠩᠭᠣᠯ", "𐀀𐀁 𠀋", "🙂", "🏳️‍🌈", "👩‍👩‍👧‍👦",
	"e\u0301\u0323", "e\u0323\u0301", "ü", "u\u0308", "Å", "A\u030a", "\u212b", "ﬁ", "fi", "ß", "ss", "ẞ", "I", "i", "ı", "İ", "Σ", "σ", "ς", "\u200d", "\u202egnp.exe",
	"README", "Readme", "readme", "ｆｕｌｌ", "soft\u00adhyphen", "softhyphen", "\ufeffmark", "mark",
	// What shells, Windows and zips read otherwise.
	"-rf", "--", "-", "~", "$HOME", "`id`", "a b", " before", "behind ", "behind.", "...", ". .", " ", "'", "\"", "<>|?*", "back\\slash", "C:\\windows", "a:b", "..\\..\\up",
	"CON", "nul.txt", "COM1", "aux ", "LPT¹.a", "con.", "%", "%41", "%_", "%-", "%~", "100%", "#", "&amp;", "a+b", "a=b;c,d", "[x]", "{y}", "@", "^",
	"\x01", "tab\there", "line\nbreak", "return\r", "\x1b[31mred", "\x7f", "\u0085", "\u2028",
	// What the archive calls its own.
	"manifest.jsonl", "database.dump", "share",
}

// everyFile is what the tenant writes: folders before what is in them.
func everyFile() (all []aFile) {
	add := func(name, content string) { all = append(all, aFile{path: name, content: []byte(content)}) }
	folder := func(name string) {
		for i, c := range name {
			if c == '/' {
				add(name[:i+1], "")
			}
		}
		add(name+"/", "")
	}
	for _, name := range names {
		add(name, "content of "+name)
	}
	folder("names in a folder")
	for _, name := range names {
		folder := "names in a folder/" + name
		add(folder+"/", "")
		add(folder+"/"+name, inFile+" "+name)
	}
	folder("empty/folder/in a folder")
	add("empty file", "")
	add("Case/", "")
	add("case", "a file where another disk has the folder")
	add("Case/file", "a file in it")

	// As long as parts and keys may be, and as deep as they come.
	part := strings.Repeat("語", 85)
	folder(part)
	add(part+"/"+strings.Repeat("\x02", 255), "every byte of its name is escaped")
	long := strings.Repeat(part+"/", 3)
	add(long[:2*256], "")
	add(long, "")
	add(long+strings.Repeat("x", 1024-len(long)-1-1)[:254]+"/", "")
	add(long+strings.Repeat("x", 254)+"/k", "its key has 1,024 bytes")
	deep := strings.Repeat("d/", 80)
	folder(strings.TrimSuffix(deep, "/"))
	add(deep+"at the bottom", "deep")

	for i := range 30 {
		folder(fmt.Sprintf("many/%02d", i)) // the first of them makes "many" too
	}
	for i := range 3000 {
		size := i % 700
		if i%10 == 0 {
			size = 0
		}
		add(fmt.Sprintf("many/%02d/%04d ü.txt", i%30, i), strings.Repeat(fmt.Sprintf("%s %04d\n", inFile, i), 25)[:size])
	}
	all = append(all, aFile{path: "a sparse one", content: []byte("the end"), sparse: 300 << 20})
	return unique(all)
}

// unique leaves out what was named before.
func unique(all []aFile) (once []aFile) {
	seen := map[string]bool{}
	for _, f := range all {
		if !seen[f.path] {
			seen[f.path] = true
			once = append(once, f)
		}
	}
	return once
}

// fillShare writes files as several of the tenant's programs would at once, once their folders are there.
func (l *leaving) fillShare(t *testing.T, all []aFile) {
	t.Helper()
	const programs = 8
	client, err := l.mount(t)
	must(t, err)
	defer client.Close()
	for _, f := range all {
		if f.folder() {
			must(t, client.MakeFolder(t.Context(), strings.TrimSuffix(f.path, "/")))
		}
	}
	failed := make(chan error, programs)
	var writing sync.WaitGroup
	for n := range programs {
		client, err := l.mount(t)
		must(t, err)
		writing.Go(func() {
			defer client.Close()
			for i := n; i < len(all); i += programs {
				if err := all[i].write(t.Context(), client); err != nil {
					failed <- fmt.Errorf("write %q: %w", all[i].path, err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(failed)
	for err := range failed {
		t.Fatal(err)
	}
	// It reads what it wrote, also where names look alike.
	for _, f := range all[:len(names)] {
		if content, err := client.ReadFile(t.Context(), f.path); err != nil || !bytes.Equal(content, f.content) {
			t.Errorf("%q holds %q on the share: %v", f.path, content, err)
		}
	}
}

func (f aFile) write(ctx context.Context, client *nfsclient.Client) error {
	switch {
	case f.folder():
		return nil
	case f.sparse > 0:
		end := nfsclient.Extent{Offset: f.sparse - uint64(len(f.content)), Data: f.content}
		return client.WriteSparse(ctx, f.path, f.sparse, end)
	default:
		return client.WriteFile(ctx, f.path, f.content)
	}
}

// makesNoLinks wants what a gateway does not take to be refused, so that nobody believes it was kept.
func (l *leaving) makesNoLinks(t *testing.T) {
	t.Helper()
	client, err := l.mount(t)
	must(t, err)
	defer client.Close()
	if err := client.Symlink(t.Context(), "README", "a link"); err == nil {
		t.Error("it could make a symbolic link")
	}
	for _, name := range []string{
		strings.Repeat("n", 256),
		strings.Repeat(strings.Repeat("語", 85)+"/", 3) + strings.Repeat("x", 254) + "/kk", // 1,025 bytes
	} {
		if err := client.WriteFile(t.Context(), name, nil); err == nil {
			t.Errorf("it could write a file whose name has %d bytes", len(name))
		}
	}
}

// What a database holds.
type aDatabase struct {
	tables map[string]aTable // by their names as SQL has them
	large  string            // MD5 of its large objects' MD5s
}

type aTable struct {
	rows int64
	sum  string // of its rows' hashes
}

// fillDatabase makes what a database can hold, and returns what it holds.
func (l *leaving) fillDatabase(t *testing.T) aDatabase {
	t.Helper()
	conn, err := l.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	run := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	run(
		"CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy')", "CREATE TYPE app.pair AS (a int, b text)", "CREATE DOMAIN app.positive AS int CHECK (VALUE > 0)",
		"CREATE SEQUENCE app.numbers START 4711",
		"CREATE TABLE app.million (id bigint PRIMARY KEY DEFAULT nextval('app.numbers'), n int, what text)",
		"INSERT INTO app.million (n, what) SELECT i, $$"+inRow+"$$ || md5(i::text) FROM generate_series(1, 1000000) i",
		"CREATE INDEX ON app.million (n)",
		"CREATE TABLE app.people (id serial PRIMARY KEY, name text UNIQUE, mood app.mood, pair app.pair, age app.positive, photo bytea, twice int GENERATED ALWAYS AS (age * 2) STORED)",
		`INSERT INTO app.people (name, mood, pair, age, photo) SELECT 'Zoë 日本 🙂 ' || i, 'happy', ROW (i, E'tab\tline\nback\\')::app.pair, i, decode('00ff', 'hex') FROM generate_series(1, 500) i`,
		"CREATE VIEW app.happy AS SELECT * FROM app.people WHERE mood = 'happy'", "CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.people",
		"CREATE TABLE app.parts (day int, v text) PARTITION BY RANGE (day)", "CREATE TABLE app.parts1 PARTITION OF app.parts FOR VALUES FROM (0) TO (10)",
		"INSERT INTO app.parts SELECT i, 'x' FROM generate_series(0, 9) i",
		"CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1'",
		`CREATE TABLE app."odd ""name"", с пробелом" AS SELECT 1 AS "a b"`,
		"CREATE TABLE app.empty (id int)",
		"SELECT lo_from_bytea(0, convert_to('large ' || i, 'UTF8')) FROM generate_series(1, 50) i",
		"SELECT lo_from_bytea(0, decode(repeat('00ff', 2000000), 'hex'))",
		"CREATE TABLE app.private (owner text, what text)", "INSERT INTO app.private SELECT 'nobody', 'row ' || i FROM generate_series(1, 100) i",
		"CREATE POLICY own ON app.private USING (owner = current_user)",
	)
	held := contents(t, conn)
	run("ALTER TABLE app.private ENABLE ROW LEVEL SECURITY", "ALTER TABLE app.private FORCE ROW LEVEL SECURITY")
	var seen int
	must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM app.private").Scan(&seen))
	if seen != 0 {
		t.Errorf("its owner sees %d rows that it must not see", seen)
	}
	return held
}
