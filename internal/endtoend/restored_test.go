package endtoend

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/machine/postgresql"
	"headroom/internal/pool"
)

// unpacked fetches an archive, has unzip and Python judge it, and unpacks it into a folder.
func (l *leaving) unpacked(t *testing.T, a pool.Archive) (folder string) {
	t.Helper()
	folder = t.TempDir()
	zip := filepath.Join(folder, "archive.zip")
	content := l.object(t, a.Key, a.VersionID)
	if sum := fmt.Sprintf("%x", sha256.Sum256(content)); sum != a.SHA256 {
		t.Errorf("the archive has the SHA-256 %s, and should have %s", sum, a.SHA256)
	}
	must(t, os.WriteFile(zip, content, 0o600))
	if out := judge(t, "unzip", "-tqq", zip); out != "" {
		t.Errorf("unzip says: %s", out)
	}
	judge(t, "unzip", "-qq", zip, "-d", folder)
	if _, sum := fileSum(t, filepath.Join(folder, "manifest.jsonl")); sum != a.ManifestSHA256 {
		t.Errorf("the manifest has the SHA-256 %s, and should have %s", sum, a.ManifestSHA256)
	}
	if python, err := exec.LookPath("python3"); err != nil {
		t.Log("there is no python3 here to judge it too")
	} else {
		judge(t, python, "-c", `
import hashlib, json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
names = set(z.namelist())
for line in z.read("manifest.jsonl").splitlines():
    line = json.loads(line)
    if "sha256" in line:
        names.remove(line["name"])
        digest = hashlib.sha256()
        with z.open(line["name"]) as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
        assert digest.hexdigest() == line["sha256"], line
assert names == {"manifest.jsonl"}, names
`, zip)
	}
	return folder
}

// judge runs a program that must be content, and returns what it says.
func judge(t *testing.T, program string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // by which unzip knows names
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// listed is a line of the manifest, as somebody reads it who has nothing of ours.
type listed struct {
	Kind, Name, Key, SHA256 string
	Size                    int64
	Schema, Table           string
	Rows                    int64
	Forced                  bool
}

// manifest reads an unpacked archive's.
func manifest(t *testing.T, folder string) (all []listed) {
	t.Helper()
	in, err := os.Open(filepath.Join(folder, "manifest.jsonl"))
	must(t, err)
	defer in.Close()
	for lines := bufio.NewReader(in); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		var l listed
		must(t, json.Unmarshal(line, &l))
		all = append(all, l)
	}
}

// filesAreRestored gives what was unpacked its true names again, and wants that to be what the tenant wrote.
func (l *leaving) filesAreRestored(t *testing.T, folder string, all []aFile) {
	t.Helper()
	restored := filepath.Join(folder, "restored")
	for _, line := range manifest(t, folder) {
		if line.Kind != "object" {
			continue
		}
		to := filepath.Join(restored, line.Key)
		if strings.HasSuffix(line.Key, "/") {
			must(t, os.MkdirAll(to, 0o755))
			continue
		}
		from := filepath.Join(folder, line.Name)
		if size, sum := fileSum(t, from); sum != line.SHA256 || size != line.Size {
			t.Errorf("%q has %d bytes with SHA-256 %s, and should have %d with %s", line.Name, size, sum, line.Size, line.SHA256)
		}
		must(t, os.MkdirAll(filepath.Dir(to), 0o755))
		must(t, os.Rename(from, to))
	}
	missing := map[string]aFile{}
	for _, f := range all {
		missing[f.path] = f
	}
	must(t, filepath.WalkDir(restored, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == restored {
			return err
		}
		key := strings.TrimPrefix(path, restored+"/")
		if entry.IsDir() {
			key += "/"
		}
		want, there := missing[key]
		delete(missing, key)
		switch {
		case !there:
			t.Errorf("%q was never the tenant's", key)
		case !want.folder():
			if size, sum := fileSum(t, path); size != want.size() || sum != want.sum() {
				t.Errorf("%q was restored with %d bytes, SHA-256 %s; it had %d, %s", key, size, sum, want.size(), want.sum())
			}
		}
		return nil
	}))
	for path := range missing {
		t.Errorf("%q was not restored", path)
	}
}

func fileSum(t *testing.T, path string) (size int64, sum string) {
	t.Helper()
	in, err := os.Open(path)
	must(t, err)
	defer in.Close()
	digest := sha256.New()
	size, err = io.Copy(digest, in)
	must(t, err)
	return size, fmt.Sprintf("%x", digest.Sum(nil))
}

// databaseIsRestored restores a dump on a server of its own, and wants the same rows to be there.
func (l *leaving) databaseIsRestored(t *testing.T, folder string, want aDatabase) {
	t.Helper()
	program, err := postgresql.Find(t.TempDir())
	must(t, err)
	authority, err := postgresql.NewAuthority()
	must(t, err)
	server, err := program.Start(t.Context(), postgresql.Config{Name: "elsewhere", Authority: authority, Master: "somebody", Password: rand.Text()})
	must(t, err)
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	admin, err := server.Superuser(t.Context(), "postgres")
	must(t, err)
	defer admin.Close(context.Background())
	owner := pgx.Identifier{l.ready.Database.Username}.Sanitize()
	for _, statement := range []string{"CREATE ROLE " + owner, "CREATE DATABASE elsewhere TEMPLATE template0 OWNER " + owner} {
		_, err := admin.Exec(t.Context(), statement)
		must(t, err)
	}
	bin, err := postgresql.Bin()
	must(t, err)
	out := judge(t, filepath.Join(bin, "pg_restore"), "--exit-on-error", "--host", server.Dir(), "--port", fmt.Sprint(server.Port()),
		"--username", admin.Config().User, "--dbname", "elsewhere", filepath.Join(folder, "database.dump"))
	if out != "" {
		t.Errorf("pg_restore says: %s", out)
	}
	conn, err := server.Superuser(t.Context(), "elsewhere")
	must(t, err)
	defer conn.Close(context.Background())
	got := contents(t, conn)
	for name, table := range want.tables {
		if got.tables[name] != table {
			t.Errorf("%s was restored as %+v; it held %+v", name, got.tables[name], table)
		}
	}
	if len(got.tables) != len(want.tables) {
		t.Errorf("%d tables were restored; there were %d", len(got.tables), len(want.tables))
	}
	if got.large != want.large {
		t.Error("its large objects were restored as others")
	}
	var forced []string
	for _, line := range manifest(t, folder) {
		if line.Kind != "table" {
			continue
		}
		name := pgx.Identifier{line.Schema, line.Table}.Sanitize()
		if line.Rows != want.tables[name].rows {
			t.Errorf("the manifest says that %s has %d rows; it had %d", name, line.Rows, want.tables[name].rows)
		}
		if line.Forced {
			forced = append(forced, name)
		}
	}
	if fmt.Sprint(forced) != `["app"."private"]` {
		t.Errorf("by the manifest row security was forced for %v", forced)
	}
	for query, want := range map[string]string{
		"SELECT last_value FROM app.numbers":                                                         "1004710",
		"SELECT nextval('app.people_id_seq')":                                                        "501",
		"SELECT count(*) FROM app.happy":                                                             "500",
		"SELECT count FROM app.counted":                                                              "500",
		"SELECT app.twice(21)":                                                                       "42",
		"SELECT count(*) FROM pg_largeobject_metadata":                                               "51",
		"SELECT sum(length(lo_get(oid))) FROM pg_largeobject_metadata":                               "4000391",
		"SELECT relrowsecurity FROM pg_class WHERE oid = 'app.private'::regclass":                    "true",
		"SELECT qual FROM pg_policies WHERE tablename = 'private'":                                   "(owner = CURRENT_USER)",
		"SELECT rolname FROM pg_class JOIN pg_roles r ON r.oid = relowner WHERE relname = 'million'": l.ready.Database.Username,
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT x::text FROM ("+query+") q(x)").Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
}

// contents is what a database holds in schema app.
func contents(t *testing.T, conn *pgx.Conn) aDatabase {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')")
	must(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	held := aDatabase{tables: map[string]aTable{}}
	for _, name := range names {
		name = pgx.Identifier{"app", name}.Sanitize()
		var table aTable
		err := conn.QueryRow(t.Context(), "SELECT count(*), coalesce(sum(hashtextextended(x::text, 0)::numeric), 0)::text FROM ONLY "+name+" x").Scan(&table.rows, &table.sum)
		must(t, err)
		held.tables[name] = table
	}
	must(t, conn.QueryRow(t.Context(), "SELECT md5(string_agg(md5(lo_get(oid)), '' ORDER BY oid)) FROM pg_largeobject_metadata").Scan(&held.large))
	return held
}
