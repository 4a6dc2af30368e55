package dump_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/adapter/dump"
	"headroom/internal/adapter/postgres"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/parts"
	"headroom/internal/pool"
)

// The instance of all tests, as the local RDS makes one, with the folder that holds the file of its authority.
var (
	server      *postgresql.Server
	databases   *postgres.Adapter
	authorities string
	login       = pool.Login{Host: postgresql.Host, Username: "headroom", Password: rand.Text()}
)

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
	dir, err := parts.NewTempDir("headroom-dump-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	authority, err := postgresql.NewAuthority()
	if err != nil {
		return 0, err
	}
	authorities = filepath.Join(dir.Path, "rds-ca.pem")
	if err := os.WriteFile(authorities, authority.PEM(), 0o600); err != nil {
		return 0, err
	}
	program, err := postgresql.Find(dir.Path)
	if err != nil {
		return 0, err
	}
	server, err = program.Start(ctx, postgresql.Config{Name: "instance", Authority: authority, Master: login.Username, Password: login.Password})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	login.Port = server.Port()
	roots, err := postgres.ReadAuthorities(authorities)
	if err != nil {
		return 0, err
	}
	databases, err = postgres.New(postgres.Config{
		RootCAs: roots, Random: rand.Reader, Jitter: func() float64 { return 1 },
		Sleep: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil },
	})
	if err != nil {
		return 0, err
	}
	if err := databases.Harden(ctx, login); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

var names atomic.Int64

// source is a tenant's database that was filled and closed, with a copier let in.
type source struct {
	slot   pool.MarkedSlot
	copier pool.Login
}

func newSource(t *testing.T, statements ...string) source {
	t.Helper()
	ctx := t.Context()
	name := fmt.Sprintf("dumped%06d", names.Add(1))
	s := source{slot: pool.MarkedSlot{Name: name, Mark: "host/order/1/1-" + name}, copier: login}
	s.copier.Username, s.copier.Password = pool.CopierName(name), rand.Text()
	password := rand.Text()
	t.Cleanup(func() {
		if err := databases.Drop(context.Background(), login, s.slot); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(databases.MakeSlot(ctx, login, name, s.slot.Mark, 4), databases.Open(ctx, login, name, password)); err != nil {
		t.Fatal(err)
	}
	s.fill(t, password, statements)
	if err := databases.Close(ctx, login, name); err != nil {
		t.Fatal(err)
	}
	if err := databases.GrantCopier(ctx, login, s.slot, s.copier.Password, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return s
}

// fill has the tenant work in its database.
func (s source) fill(t *testing.T, password string, statements []string) {
	t.Helper()
	config, err := pgx.ParseConfig("host=" + login.Host + " sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.Port, config.User, config.Password = uint16(login.Port), pool.RoleName(s.slot.Name), password
	config.Database, config.TLSConfig = pool.DatabaseName(s.slot.Name), &tls.Config{InsecureSkipVerify: true}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// newCopies is an adapter with a folder of its own, which must be empty in the end.
func newCopies(t *testing.T, change ...func(*dump.Config)) *dump.Copies {
	t.Helper()
	folder, err := os.MkdirTemp("", "hr-copy-") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil { // the server's user passes through
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, _ := filepath.Glob(filepath.Join(folder, "copy-*")); len(left) > 0 {
			t.Errorf("left behind: %s", left)
		}
		_ = os.RemoveAll(folder)
	})
	config := dump.Config{Authorities: authorities, Scratch: folder, Catalog: postgres.ReadCatalog}
	for _, change := range change {
		change(&config)
	}
	copies, err := dump.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return copies
}
