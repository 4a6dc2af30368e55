package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local/nfsclient"
	"headroom/internal/pool"
)

// leavers are terms that a test can wait for. The local clock runs twenty times as fast as theirs.
var leavers = pool.Terms{
	Grace: pool.Term(30 * time.Minute), GraceMost: pool.Term(30 * 24 * time.Hour), CoolDown: pool.Term(time.Minute),
	Retain: pool.Term(365 * 24 * time.Hour), Change: pool.Term(24 * time.Hour),
}

// The tenant's secrets, which must be nowhere when it has left, but in the archive.
const (
	leaver   = "leaver-q7xk2"
	leftFrom = "127.30.8.1"
	inFile   = "the content of a file, 8f3kq0"
	inRow    = "the content of a row, 2m5vz9"
)

// A tenant leaves, stays, leaves again and signs up again, all on the running local cloud.
func TestATenantLeaves(t *testing.T) {
	t.Parallel()
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &leavers}, byTheClock)
	s.awaitInService(t, 1, 1)
	s.leaves(t)
	s.needsItsGrants(t, s.rolesOfLeaving(t))
	s.wasMeasured(t, ofLeaving, map[string]string{"Stage": stage})
}

// twoSlots are policies of hosts with a slot for who leaves, and one for a neighbour.
func twoSlots() pool.Policies {
	small := pool.Policy{SlotsPerHost: 2}
	return policies(small, small)
}

// leaves has a tenant leave, stay, leave for good and sign up again, beside a neighbour that stays.
func (s *system) leaves(t *testing.T, expire ...string) {
	t.Helper()
	s.signUp(t, leaver, leftFrom)
	s.signUp(t, "neighbour", "127.30.8.2")
	both := s.awaitReady(t, leaver, "neighbour")
	ready := both[leaver]
	l := &leaving{system: s, ready: ready, credentials: s.secret(t, ready.Database.SecretARN), from: leftFrom}
	n := &leaving{system: s, ready: both["neighbour"], credentials: s.secret(t, both["neighbour"].Database.SecretARN), from: "127.30.8.2"}
	l.fill(t, inFile, inRow)
	n.fill(t, "a neighbour's file", "a neighbour's row")

	// It leaves, and has it undone: nothing has changed for it.
	l.ask(t, "DecommissionRequested", `,"grace":"24h"`)
	l.within(t, "the tenant is closed", func() bool { return len(heard[events.TenantClosed](s.watch)) > 0 })
	l.isShutOut(t)
	l.within(t, "its data is archived and proven", func() bool { return l.departure(t, 0).Step == pool.StepGrace })
	l.ask(t, "UndoRequested", "")
	l.within(t, "the tenant is open again", func() bool { return len(heard[events.TenantReopened](s.watch)) > 0 })
	l.isAsBefore(t)
	if got := heard[events.TenantReopened](s.watch)[0].CorrelationID; got != threadOf("UndoRequested") {
		t.Errorf("that it is open again came of %q", got)
	}

	// It leaves for good. Nobody waits for its grace but this test.
	l.ask(t, "DecommissionRequested", `,"grace":"1m"`)
	l.within(t, "its data is archived again", func() bool { return !l.departure(t, 1).Archive.RetainUntil.IsZero() })
	l.archiveIsWhole(t, l.departure(t, 1).Archive)
	l.within(t, "the tenant is released", func() bool { return len(heard[events.TenantReleased](s.watch)) > 0 })
	if got := heard[events.TenantReleased](s.watch)[0].CorrelationID; got != threadOf("DecommissionRequested") {
		t.Errorf("that it is released came of %q", got)
	}
	l.certificateIsTrue(t, heard[events.TenantReleased](s.watch)[0].Certificate)
	l.leavesNothing(t, expire...)

	// The next tenant has its slots, and finds nothing. It may even be called the same, and come from the same address.
	s.signUp(t, leaver, leftFrom)
	l.within(t, "it has signed up again", func() bool { return len(l.announced()) > 1 })
	next := l.announced()[len(l.announced())-1]
	if next.Database.Name == ready.Database.Name || next.Share.Path == ready.Share.Path || next.Database.SecretARN == ready.Database.SecretARN {
		t.Errorf("it was given what it had before: %+v", next)
	}
	(&leaving{system: s, ready: next, credentials: s.secret(t, next.Database.SecretARN), from: leftFrom}).isEmpty(t)
	n.isAsBefore(t)
}

// leaving is a tenant that leaves, or one that stays.
type leaving struct {
	*system
	ready       events.StorageReady
	credentials events.Credentials
	from        string // its address
	had         belongings
}

// filesWritten is how many files fill writes.
const filesWritten = 20

func fileName(i int) string { return fmt.Sprintf("file-%02d ü.txt", i) }

func (l *leaving) within(t *testing.T, what string, done func() bool) {
	t.Helper()
	began := time.Now()
	if err := l.wait(t.Context(), 6*time.Minute, done); err != nil {
		if all, err := l.ledger.Departures(t.Context(), leaver); err == nil {
			for _, d := range all {
				t.Logf("departure %s is %s at %q: %s %v", d.ID(), d.State, d.Step, d.Error, d.History)
				for _, kind := range pool.Kinds {
					if c, err := l.ledger.Clearance(t.Context(), pool.Clearance{Departure: d.ID(), Kind: kind}.ID()); err == nil {
						t.Logf("clearance %s is %s at %q: %s %v", c.ID(), c.State, c.Step, c.Error, c.History)
					}
				}
			}
		}
		t.Fatalf("waited in vain for this: %s", what)
	}
	t.Logf("%s: after %s", what, time.Since(began).Round(time.Second/10))
}

// threadOf is the correlation id of a request, which what comes of it bears.
func threadOf(kind string) string { return "of-" + kind }

// ask sends a request about the tenant, as its customer's side would.
func (l *leaving) ask(t *testing.T, kind, more string) {
	t.Helper()
	l.send(t, "DecommissionQueueUrl", fmt.Sprintf(`{"version":"1","type":%q,"tenantId":%q,"reason":"its contract ended","requestedBy":"billing","correlationId":%q%s}`, kind, leaver, threadOf(kind), more))
}

// departure reads the tenant's n-th departure.
func (l *leaving) departure(t *testing.T, n int) pool.Departure {
	t.Helper()
	all, err := l.ledger.Departures(t.Context(), leaver)
	must(t, err)
	if len(all) <= n {
		return pool.Departure{}
	}
	return all[n]
}

// last is the tenant's last departure.
func (l *leaving) last(t *testing.T) pool.Departure {
	t.Helper()
	all, err := l.ledger.Departures(t.Context(), leaver)
	must(t, err)
	return all[len(all)-1]
}

// announced are all events that said that the tenant has storage, once each.
func (l *leaving) announced() (all []events.StorageReady) {
	seen := map[string]bool{}
	for _, e := range heard[events.StorageReady](l.watch) {
		if e.TenantID == leaver && !seen[e.Share.Path] {
			seen[e.Share.Path] = true
			all = append(all, e)
		}
	}
	return all
}

func (l *leaving) connect(t *testing.T) (*pgx.Conn, error) {
	t.Helper()
	return demo.Connect(t.Context(), l.Deployment, l.credentials)
}

func (l *leaving) mount(t *testing.T) (*nfsclient.Client, error) {
	t.Helper()
	address, err := l.Resolve(l.ready.Share.Host)
	must(t, err)
	return nfsclient.Dial(t.Context(), netip.AddrPortFrom(address, 2049), netip.MustParseAddr(l.from), l.ready.Share.Path)
}

// fill writes files and rows.
func (l *leaving) fill(t *testing.T, file, row string) {
	t.Helper()
	conn, err := l.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	for _, statement := range []string{
		"CREATE SEQUENCE app.numbers START 4711", "CREATE TABLE app.orders (id bigint PRIMARY KEY DEFAULT nextval('app.numbers'), what text)",
		"INSERT INTO app.orders (what) SELECT $$" + row + "$$ FROM generate_series(1, 1000)", "SELECT lo_from_bytea(0, 'a large object')",
		"ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY", "ALTER TABLE app.orders FORCE ROW LEVEL SECURITY",
	} {
		_, err := conn.Exec(t.Context(), statement)
		must(t, err)
	}
	// What an error is about must not be in the server's log.
	_, err = conn.Exec(t.Context(), "CREATE TABLE app.once (what text PRIMARY KEY); INSERT INTO app.once VALUES ($$"+row+"$$), ($$"+row+"$$)")
	if err == nil {
		t.Fatal("a row is there twice")
	}
	client, err := l.mount(t)
	must(t, err)
	defer client.Close()
	for i := range filesWritten {
		must(t, client.WriteFile(t.Context(), fileName(i), []byte(file)))
	}
	l.had = l.belongings(t)
}

// isShutOut wants neither password nor address to be of use.
func (l *leaving) isShutOut(t *testing.T) {
	t.Helper()
	if conn, err := l.connect(t); err == nil {
		conn.Close(context.Background())
		t.Error("it can log in")
	}
	if client, err := l.mount(t); err == nil {
		client.Close()
		t.Error("it can mount its share")
	} else if !nfsclient.Refused(err) {
		t.Errorf("it is not refused by the gateway: %v", err)
	}
}

// isEmpty wants a tenant's storage to be as new.
func (l *leaving) isEmpty(t *testing.T) {
	t.Helper()
	conn, err := l.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	var relations int
	must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace").Scan(&relations))
	var large int
	must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_largeobject_metadata").Scan(&large))
	if relations+large > 0 {
		t.Errorf("its database has %d relations and %d large objects", relations, large)
	}
	client, err := l.mount(t)
	must(t, err)
	defer client.Close()
	if _, err := client.ReadFile(t.Context(), "file-07 ü.txt"); err == nil {
		t.Error("it finds a file of the last tenant")
	}
}

// object reads what lies in the archive's bucket.
func (l *leaving) object(t *testing.T, key, version string) []byte {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String(l.output(t, "ArchiveBucketName")), Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := s3.NewFromConfig(l.AWS()).GetObject(t.Context(), in)
	must(t, err)
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	must(t, err)
	return content
}

// archiveIsWhole wants standard tools to read the archive.
func (l *leaving) archiveIsWhole(t *testing.T, a pool.Archive) {
	t.Helper()
	folder := t.TempDir()
	zip := filepath.Join(folder, "archive.zip")
	must(t, os.WriteFile(zip, l.object(t, a.Key, a.VersionID), 0o600))
	run := func(program string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", program, args, err, out)
		}
		return string(out)
	}
	if out := run("unzip", "-t", zip); !strings.Contains(out, "No errors detected") {
		t.Errorf("unzip -t: %s", out)
	}
	run("unzip", "-q", zip, "-d", folder)
	files, err := filepath.Glob(filepath.Join(folder, "share", "file-*"))
	if must(t, err); len(files) != 20 {
		t.Errorf("%d files were archived", len(files))
	}
	for _, name := range files {
		if content, err := os.ReadFile(name); err != nil || string(content) != inFile {
			t.Errorf("%s holds %q, %v", name, content, err)
		}
	}
	restored, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_restore")
	if must(t, err); len(restored) == 0 {
		t.Fatal("there is no pg_restore here")
	}
	list := run(restored[len(restored)-1], "--list", filepath.Join(folder, "database.dump"))
	for _, want := range []string{"app orders", "app numbers", "BLOB"} {
		if !strings.Contains(list, want) {
			t.Errorf("the dump does not hold %q:\n%s", want, list)
		}
	}
}

// certificateIsTrue wants the certificate to say what is so, and to lie where it says.
func (l *leaving) certificateIsTrue(t *testing.T, c events.Certificate) {
	t.Helper()
	d := l.last(t)
	if c.Archive.SHA256 != d.Archive.SHA256 || c.TenantID != leaver || !strings.HasPrefix(c.RequestedBy, "billing (sent by ") || len(c.Slots) != 2 || len(c.Remainders) == 0 {
		t.Errorf("it certifies %+v", c)
	}
	var stored events.Certificate
	must(t, json.Unmarshal(l.object(t, c.CertifiedKey, ""), &stored))
	if stored.Archive != c.Archive {
		t.Errorf("stored is %+v", stored)
	}
	// Nobody deletes it, nor the archive, before its time.
	client := s3.NewFromConfig(l.AWS())
	_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &d.Archive.Bucket, Key: &d.Archive.Key, VersionId: &d.Archive.VersionID})
	if err == nil {
		t.Error("the archive could be deleted")
	}
}
