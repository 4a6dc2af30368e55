package endtoend

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// ofLoad is the table into which a tenant writes all the while: whoever writes looks for its rows (rowWriter.stop).
const ofLoad = `app.load`

// belongings are all that a tenant has, as it finds it by its own password and address: hashed, but for what is short.
type belongings struct {
	Tables    map[string]string // how many rows each has, their hash, and how it guards them
	Sequences map[string]string
	Large     string // its large objects
	Files     map[string]string
}

// belongings are what the tenant has just now, of its files those that it wrote.
func (l *leaving) belongings(t *testing.T) belongings {
	t.Helper()
	conn, err := l.connect(t)
	must(t, err)
	defer conn.Close(context.Background())
	has := belongings{Tables: map[string]string{}, Sequences: map[string]string{}, Files: map[string]string{}}
	// Rows that row security hides from their own owner are looked at without it, which nothing is left of.
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{})
	must(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	rows, err := tx.Query(t.Context(), `SELECT format('%I.%I', nspname, relname) AS name, relkind = 'S' AS sequence,
			'security ' || relrowsecurity || ', forced ' || relforcerowsecurity AS guard, relrowsecurity AS guarded
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind IN ('r', 'p', 'S') AND nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' AND pg_get_userbyid(relowner) = current_user`) // as they are called whatever its search path is
	must(t, err)
	type relation struct {
		Name              string
		Sequence, Guarded bool
		Guard             string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[relation])
	must(t, err)
	for _, r := range all {
		if r.Guarded {
			_, err := tx.Exec(t.Context(), "ALTER TABLE "+r.Name+" DISABLE ROW LEVEL SECURITY")
			must(t, err)
		}
		var held string
		if r.Sequence {
			must(t, tx.QueryRow(t.Context(), "SELECT last_value || ', called ' || is_called FROM "+r.Name).Scan(&held))
			has.Sequences[r.Name] = held
			continue
		}
		must(t, tx.QueryRow(t.Context(), "SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(md5(x::text), '' ORDER BY md5(x::text))), '') FROM ONLY "+r.Name+" x").Scan(&held))
		has.Tables[r.Name] = held + ", " + r.Guard
	}
	delete(has.Tables, ofLoad)
	must(t, tx.QueryRow(t.Context(), "SELECT count(*) || ' objects, ' || coalesce(md5(string_agg(oid || md5(lo_get(oid)), ',' ORDER BY oid)), '') FROM pg_largeobject_metadata").
		Scan(&has.Large))
	client, err := l.mount(t)
	must(t, err)
	defer client.Close()
	for i := range filesWritten {
		content, err := client.ReadFile(t.Context(), fileName(i))
		must(t, err)
		has.Files[fileName(i)] = fmt.Sprintf("%d bytes, %x", len(content), sha256.Sum256(content))
	}
	return has
}

// isAsBefore wants the same password and path to lead to all that there was when the tenant had written it, and to nothing else.
func (l *leaving) isAsBefore(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(l.had, l.belongings(t)); diff != "" {
		t.Errorf("%s has not what it had (-before +now):\n%s", l.ready.TenantID, diff)
	}
	tenant, err := l.ledger.Tenant(t.Context(), pool.TenantID(l.ready.TenantID))
	must(t, err)
	host, err := l.ledger.Host(t.Context(), tenant.Share.Host)
	must(t, err)
	bucket := pool.BucketName(host.Slot(tenant.Share.Index).Bucket)
	keys := map[string]bool{}
	err = l.wait(t.Context(), time.Minute, func() bool { // until all is uploaded
		out, err := s3.NewFromConfig(l.AWS()).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
		must(t, err)
		clear(keys)
		for _, object := range out.Contents {
			keys[aws.ToString(object.Key)] = true
		}
		return len(keys) >= filesWritten
	})
	for name := range l.had.Files {
		if err == nil && !keys[name] {
			t.Errorf("its bucket lacks %q", name)
		}
		delete(keys, name)
	}
	if err != nil || len(keys) > 0 {
		t.Errorf("its bucket holds besides %v: %v", keys, err)
	}
}
