package postgresql

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shared keeps the template of these tests' servers.
var shared string

func TestMain(m *testing.M) {
	var err error
	if shared, err = os.MkdirTemp("", "headroom-postgresql-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(shared)
	os.Exit(code)
}

func find(t *testing.T, cache string) *Program {
	t.Helper()
	p, err := Find(cache)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTemplateMadeByManyAtOnceIsOne(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	var group sync.WaitGroup
	for range 3 {
		p := find(t, cache)
		group.Go(func() {
			if err := p.Warm(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if entries, err := os.ReadDir(cache); err != nil || len(entries) != 1 {
		t.Errorf("in the cache are %v (%v), want one template", entries, err)
	}
}

// started starts a server with a parameter.
func started(t *testing.T, parameter, value string) (*Server, error) {
	t.Helper()
	authority, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return find(t, shared).Start(t.Context(), Config{
		Name: "one", Authority: authority, Parameters: map[string]string{parameter: value}, Master: "headroom", Password: "secret",
	})
}

func TestOnlySuperuserIsThatOfRDS(t *testing.T) {
	s, err := started(t, "log_statement", "all")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := s.Superuser(t.Context(), "rdsadmin")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var supers string
	err = conn.QueryRow(t.Context(), "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolsuper").Scan(&supers)
	if err != nil || supers != "rdsadmin" {
		t.Errorf("superusers are %q (%v)", supers, err)
	}
	if log := s.Log(); !strings.Contains(log, "rolsuper") || strings.Contains(log, "secret") {
		t.Errorf("the log has no statements, or the master's password:\n%s", log)
	}
}

// A session that is at work does not notice that its server is gone, and would keep the next one from starting.
func TestServerThatWasKilledRunsAgainWithItsData(t *testing.T) {
	s, err := started(t, "log_statement", "none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := s.Superuser(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	busy := make(chan error)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT count(*) FROM generate_series(1, 1e12::bigint)")
		busy <- err
	}()
	for range 2 {
		port := s.Port()
		s.Kill()
		<-s.Done()
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := s.Superuser(t.Context(), "postgres")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := after.QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n); err != nil || n != 7 || s.Port() != port {
			t.Errorf("n is %d (%v), port %d, was %d", n, err, s.Port(), port)
		}
		_ = after.Close(t.Context())
	}
	if err := <-busy; err == nil {
		t.Error("the session outlived its server")
	}
	s.Stop()
	<-s.Done()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("run after its end: %v", err)
	}
}

func TestServerIsRefusedWhereThereIsNoRoomForIt(t *testing.T) {
	authority, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p := find(t, shared)
	// The first one finds more than its room, and has not taken yet what it will when the second one comes.
	p.free = func(string) (int64, error) { return 2*serverSize - archiveSize - clusterSize - 5*databaseSize - 1, nil }
	start := func() (*Server, error) {
		return p.Start(t.Context(), Config{Name: "one", Authority: authority, Master: "headroom", Password: "secret"})
	}
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	var full *NoRoomError
	if _, err := start(); !errors.As(err, &full) || !strings.Contains(err.Error(), os.TempDir()) {
		t.Errorf("a second server: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Room(1); err != nil {
		t.Errorf("after the first one's end: %v", err)
	}
	if err := p.Room(2); !errors.As(err, &full) || full.Needed != 2*serverSize {
		t.Errorf("room for two: %v", err)
	}
}

func TestServerThatDoesNotStartTellsWhy(t *testing.T) {
	if _, err := started(t, "work_mem", "much"); err == nil || !strings.Contains(err.Error(), `"work_mem": "much"`) {
		t.Errorf("started with a bad parameter: %v", err)
	}
}
