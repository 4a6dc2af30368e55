package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/parts"
	"headroom/internal/pool"
)

// cluster is the instance of all tests: hardened, and as strict as the host template makes one.
var cluster *rdsInstance

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, err := parts.NewTempDir("headroom-postgres-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	cluster, err = startInstance(ctx, dir.Path, map[string]string{
		"temp_file_limit": "1MB",
		"log_statement":   "all", // so that the log would show a password
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	adapter, err := New(config(cluster))
	if err != nil {
		return 0, err
	}
	if err := adapter.Harden(ctx, master(cluster)); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func config(c *rdsInstance) Config {
	return Config{
		RootCAs: c.RootCAs,
		Random:  rand.Reader,
		Jitter:  mathrand.Float64,
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

func master(c *rdsInstance) pool.Login {
	return pool.Login{Host: postgresql.Host, Port: c.Port(), Username: c.Username, Password: c.Password}
}

// newAdapter is an adapter for the cluster of all tests.
func newAdapter(t *testing.T) *Adapter {
	t.Helper()
	adapter, err := New(config(cluster))
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

var names atomic.Int64

// newName is a slot name that no other test uses.
func newName() string { return fmt.Sprintf("slot%08d", names.Add(1)) }

// markOf is the mark of a slot in these tests, as pool.Host.SlotMark words one.
func markOf(name string) string { return "db-standard-1/k3v9x2m7qa/7/1-" + name }

// marked is a slot with its mark.
func marked(name string) pool.MarkedSlot { return pool.MarkedSlot{Name: name, Mark: markOf(name)} }

// tenant is a slot that has been made and opened.
type tenant struct{ name, password string }

func newTenant(t *testing.T, limit int) tenant {
	t.Helper()
	a := newAdapter(t)
	made := tenant{name: newName(), password: rand.Text()}
	t.Cleanup(func() {
		if err := a.Drop(context.Background(), master(cluster), marked(made.name)); err != nil {
			t.Error(err)
		}
	})
	if err := a.MakeSlot(t.Context(), master(cluster), made.name, markOf(made.name), limit); err != nil {
		t.Fatal(err)
	}
	if err := a.Open(t.Context(), master(cluster), made.name, made.password); err != nil {
		t.Fatal(err)
	}
	return made
}

// connect logs the tenant in to its own database.
func (n tenant) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := n.try(t.Context(), pool.DatabaseName(n.name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (n tenant) try(ctx context.Context, database string) (*pgx.Conn, error) {
	return cluster.Connect(ctx, database, pool.RoleName(n.name), n.password)
}

// wantRefused checks that err is the server's refusal with one of the given SQLSTATEs.
func wantRefused(t *testing.T, what string, err error, states ...string) {
	t.Helper()
	got := sqlState(err)
	for _, state := range states {
		if got == state {
			return
		}
	}
	t.Errorf("%s: got error %v, want SQLSTATE %v", what, err, states)
}

const (
	denied       = "42501" // insufficient_privilege
	badLogin     = "28P01" // invalid_password
	badAuth      = "28000" // invalid_authorization_specification
	outOfMemory  = "53200" // out_of_memory
	tooMany      = "53300" // too_many_connections
	noDatabase   = "3D000" // invalid_catalog_name
	limitReached = "53400" // configuration_limit_exceeded
)

func exec1(t *testing.T, conn *pgx.Conn, sql string) error {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	return err
}

func must(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := exec1(t, conn, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}
