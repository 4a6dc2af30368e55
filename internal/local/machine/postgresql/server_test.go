package postgresql

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

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
	return find(t, t.TempDir()).Start(t.Context(), Config{
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

func TestServerThatDoesNotStartTellsWhy(t *testing.T) {
	if _, err := started(t, "work_mem", "much"); err == nil || !strings.Contains(err.Error(), `"work_mem": "much"`) {
		t.Errorf("started with a bad parameter: %v", err)
	}
}
