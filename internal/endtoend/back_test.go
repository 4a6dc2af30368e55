package endtoend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/pool"
)

const (
	backer   = "backer"
	backFrom = "127.30.14.1"
	asideOf  = "aside"
	asideAt  = "127.30.14.2"
)

// A tenant goes back in time, and undoes that, on the running local cloud, while it and its neighbour on the same hosts write.
// Then its host is overworked, and it moves to another one.
func TestATenantGoesBackInTime(t *testing.T) {
	t.Parallel()
	terms := leavers
	pools := policies(pool.Policy{SlotsPerHost: 2, Floor: 2, Ceiling: 4}, pool.Policy{SlotsPerHost: 2})
	s := startWith(t, document{Version: "1", Pools: pools, Terms: &terms}, byTheClock)
	s.awaitInService(t, 2, 1)
	b, n := s.travellers(t)
	load, aside := b.write(t), n.write(t)
	b.uploaded(t)

	then, lost := b.asksToGoBack(t)
	b.within(t, "it is restored", func() bool { return len(heard[events.TenantRestored](s.watch)) > 0 })
	said := heard[events.TenantRestored](s.watch)[0]
	t.Logf("it is said that %+v", said)
	if got := b.noted(t); got != then {
		t.Errorf("it has %s, and had %s", got, then)
	}
	b.isBack(t)
	client, err := b.mount(t)
	must(t, err)
	defer client.Close()
	b.within(t, "its files are there", func() bool {
		content, err := client.ReadFile(t.Context(), said.Folder+"file-07 ü.txt")
		return err == nil && string(content) == "as it was"
	})
	if content, err := client.ReadFile(t.Context(), "file-07 ü.txt"); err != nil || string(content) != "another file" {
		t.Errorf("the file of now is %q: %v", content, err)
	}
	if !said.UndoUntil.After(said.RestoredAt.Time) || said.Files < 20 || !strings.Contains(said.Database, "table") {
		t.Errorf("it is said that %+v", said)
	}
	b.within(t, "the temporary instance is gone", func() bool { return s.temporary(t) == 0 })

	// It was the wrong time.
	s.send(t, "RestoreQueueUrl", fmt.Sprintf(`{"version":"1","type":"RestoreUndo","tenantId":%q,"reason":"the wrong day","requestedBy":"ops"}`, backer))
	b.within(t, "that is undone", func() bool { return len(heard[events.TenantRestoreUndone](s.watch)) > 0 })
	if got := b.noted(t); got != lost {
		t.Errorf("it has %s, and had %s", got, lost)
	}
	load.stop(t)
	must(t, s.wait(t.Context(), time.Minute, func() bool {
		r, err := s.ledger.Restoration(t.Context(), backer)
		return err == nil && r.State == pool.RestorationUndone
	}))
	b.moves(t)
	// The neighbour saw nothing: it was never refused, and has every row that was acknowledged.
	if refused := aside.stop(t); refused > 0 {
		t.Errorf("the neighbour was refused %d times", refused)
	}
	n.isAsBefore(t)
	s.needsItsGrants(t, s.rolesOf(t, "restore", "restorer"))
	if bays, err := s.ledger.Bays(t.Context()); err != nil || len(bays.Taken) > 0 {
		t.Errorf("bays are taken: %v, %v", bays.Taken, err)
	}
}

// travellers are a tenant that will go back in time, and its neighbour on the same hosts.
func (s *system) travellers(t *testing.T) (b, n *traveller) {
	t.Helper()
	s.signUp(t, backer, backFrom)
	s.signUp(t, asideOf, asideAt)
	both := s.awaitReady(t, backer, asideOf)
	b = &traveller{leaving{system: s, ready: both[backer], credentials: s.secret(t, both[backer].Database.SecretARN), from: backFrom}}
	n = &traveller{leaving{system: s, ready: both[asideOf], credentials: s.secret(t, both[asideOf].Database.SecretARN), from: asideAt}}
	b.fill(t, "as it was", inRow)
	n.fill(t, "a neighbour's file", "a neighbour's row")
	b.keepsBooks(t)
	return b, n
}

// asksToGoBack has the tenant lose rows and a table, and asks that it goes back to when it had them: what its books held then,
// and what they hold now.
func (b *traveller) asksToGoBack(t *testing.T) (then, lost string) {
	t.Helper()
	// Two servers are copied for the first time, and nothing is known of them before that.
	filled := b.Clock.Now()
	b.within(t, "its backups have begun", func() bool { return b.restorable(t, b).After(filled) })
	then = b.noted(t)
	to := b.Clock.Now()
	time.Sleep(b.Clock.Real(2 * time.Second)) // the time is told in milliseconds, and servers' clocks are the machine's
	b.loses(t)
	lost = b.noted(t)
	if lost == then {
		t.Fatal("nothing was lost")
	}

	b.within(t, "its time can be gone back to", func() bool { return b.restorable(t, b).After(to) })
	b.send(t, "RestoreQueueUrl", fmt.Sprintf(
		`{"version":"1","type":"RestoreRequest","tenantId":%q,"database":true,"share":true,"to":%q,"reason":"it dropped a table","requestedBy":"ops"}`,
		backer, to.UTC().Format(time.RFC3339Nano)))
	return then, lost
}

// traveller is a tenant that goes back in time, or its neighbour.
type traveller struct{ leaving }

// within is leaving.within, and says of the restoration what it is at if it is in vain.
func (b *traveller) within(t *testing.T, what string, done func() bool) {
	t.Helper()
	began := time.Now()
	if err := b.wait(t.Context(), 6*time.Minute, done); err != nil {
		if r, err := b.ledger.Restoration(t.Context(), backer); err == nil {
			t.Logf("restoration %s is %s at %q: %s\n%v\n%v", r.ID(), r.State, r.Step, r.Error, r.Proofs, r.History)
		}
		t.Fatalf("waited in vain for this: %s", what)
	}
	t.Logf("%s: after %s", what, time.Since(began).Round(time.Second/10))
}

// keepsBooks gives the tenant a table whose rows it sees itself, by which it is told what comes back.
func (b *traveller) keepsBooks(t *testing.T) {
	t.Helper()
	conn, err := b.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE TABLE app.books AS SELECT n AS id, md5(n::text) AS what FROM generate_series(1, 2000) n")
	must(t, err)
}

// isBack wants the table that was dropped to be there, with row security that binds its owner, and the sequence not to give a
// number twice: as after a crash, it may leave some out.
func (b *traveller) isBack(t *testing.T) {
	t.Helper()
	conn, err := b.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	var forced bool
	must(t, conn.QueryRow(t.Context(), "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'app.orders'::regclass").Scan(&forced))
	if !forced {
		t.Error("its row security does not bind its owner")
	}
	var last int64
	must(t, conn.QueryRow(t.Context(), "SELECT last_value FROM app.numbers").Scan(&last))
	if last < 5710 || last > 5710+32 { // SEQ_LOG_VALS: how many numbers ahead PostgreSQL logs
		t.Errorf("its sequence is at %d", last)
	}
}

// noted is what the tenant's table of books holds, counted and hashed.
func (b *traveller) noted(t *testing.T) (digest string) {
	t.Helper()
	conn, err := b.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	must(t, conn.QueryRow(t.Context(), "SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(id || what, ',' ORDER BY id)), '') FROM app.books").Scan(&digest))
	return digest
}

// loses has the tenant lose rows, and write over a file.
func (b *traveller) loses(t *testing.T) {
	t.Helper()
	conn, err := b.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "DELETE FROM app.books WHERE id % 3 = 0; DROP TABLE app.orders")
	must(t, err)
	client, err := b.mount(t)
	must(t, err)
	defer client.Close()
	must(t, client.WriteFile(t.Context(), "file-07 ü.txt", []byte("another file")))
}

// uploaded waits until the tenant's files are in its bucket.
func (b *traveller) uploaded(t *testing.T) {
	t.Helper()
	tenant, err := b.ledger.Tenant(t.Context(), pool.TenantID(b.ready.TenantID))
	must(t, err)
	host, err := b.ledger.Host(t.Context(), tenant.Share.Host)
	must(t, err)
	bucket := pool.BucketName(host.Slot(tenant.Share.Index).Bucket)
	b.within(t, "its files are uploaded", func() bool {
		out, err := s3.NewFromConfig(b.AWS()).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("file-")})
		must(t, err)
		return len(out.Contents) >= 20
	})
}

// restorable is the latest time to which the tenant's database host can be restored.
func (s *system) restorable(t *testing.T, b *traveller) time.Time {
	t.Helper()
	tenant, err := s.ledger.Tenant(t.Context(), pool.TenantID(b.ready.TenantID))
	must(t, err)
	out, err := rds.NewFromConfig(s.AWS()).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{
		DBInstanceIdentifier: aws.String("headroom-" + stage + "-" + string(tenant.Database.Host)),
	})
	must(t, err)
	return aws.ToTime(out.DBInstances[0].LatestRestorableTime)
}

// temporary counts the instances that are no hosts.
func (s *system) temporary(t *testing.T) (n int) {
	t.Helper()
	out, err := rds.NewFromConfig(s.AWS()).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	must(t, err)
	for _, i := range out.DBInstances {
		if strings.Contains(aws.ToString(i.DBInstanceIdentifier), "-restore-") {
			n++
		}
	}
	return n
}

// rowWriter writes rows into a table of a tenant's, one after the other.
type rowWriter struct {
	cancel context.CancelFunc
	ended  chan struct{}
	b      *traveller

	refused, written int
	err              error
}

func (b *traveller) write(t *testing.T) *rowWriter {
	t.Helper()
	conn, err := b.connect(t)
	must(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE app.load (n bigint PRIMARY KEY)")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	w := &rowWriter{cancel: cancel, ended: make(chan struct{}), b: b}
	go w.run(ctx, conn)
	t.Cleanup(func() { cancel(); <-w.ended })
	return w
}

// run writes until it is stopped. Sessions that are ended are begun anew, as an application does.
func (w *rowWriter) run(ctx context.Context, conn *pgx.Conn) {
	defer close(w.ended)
	for ctx.Err() == nil {
		var err error
		if conn == nil {
			conn, err = demo.Connect(ctx, w.b.Deployment, w.b.credentials)
		}
		if err == nil {
			_, err = conn.Exec(ctx, "INSERT INTO app.load VALUES ($1)", w.written)
		}
		var duplicate *pgconn.PgError
		switch {
		case err == nil:
			w.written++
		case errors.As(err, &duplicate) && duplicate.Code == "23505": // it was written, and not answered; or it is back
			w.written++
		case ctx.Err() == nil:
			w.refused++
			w.err = err
			if conn != nil {
				_ = conn.Close(context.Background())
				conn = nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	if conn != nil {
		_ = conn.Close(context.Background())
	}
}

// stop ends the writing, looks for every row of one who was never refused, and returns how often it was.
func (w *rowWriter) stop(t *testing.T) int {
	t.Helper()
	w.cancel()
	<-w.ended
	t.Logf("%s wrote %d rows and was refused %d times (%v)", w.b.ready.TenantID, w.written, w.refused, w.err)
	conn, err := w.b.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	var rows int
	must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM app.load").Scan(&rows))
	if w.refused == 0 && rows < w.written {
		t.Errorf("%d of %d rows are there", rows, w.written)
	}
	return w.refused
}
