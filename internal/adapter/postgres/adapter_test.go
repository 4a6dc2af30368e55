package postgres

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"headroom/internal/local/machine/postgresql"
	"headroom/internal/pool"
)

// stub is a session of which every statement ends with the next of its errors, and no question is
// answered with yes.
type stub struct{ errs []error }

func (s *stub) Exec(context.Context, string) error {
	if len(s.errs) == 0 {
		return nil
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	return err
}

func (s *stub) True(context.Context, string) (bool, error)       { return false, nil }
func (s *stub) Rows(context.Context, string) ([][]string, error) { return nil, nil }
func (s *stub) Patient(context.Context, time.Duration) error     { return nil }
func (s *stub) Close()                                           {}

func noSleep(context.Context, time.Duration) error { return nil }

func saltOf(t *testing.T, verifier string) string {
	t.Helper()
	_, rest, _ := strings.Cut(verifier, ":")
	encoded, _, _ := strings.Cut(rest, "$")
	salt, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return string(salt)
}

func TestConfigMustBeComplete(t *testing.T) {
	whole := config(cluster)
	for name, remove := range map[string]func(*Config){
		"RootCAs": func(c *Config) { c.RootCAs = nil },
		"Random":  func(c *Config) { c.Random = nil },
		"Sleep":   func(c *Config) { c.Sleep = nil },
		"Jitter":  func(c *Config) { c.Jitter = nil },
	} {
		partial := whole
		remove(&partial)
		if _, err := New(partial); err == nil {
			t.Errorf("an adapter without %s was built", name)
		}
	}
}

func TestServerOfAnotherAuthorityIsRefused(t *testing.T) {
	other, err := postgresql.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	untrusting := config(cluster)
	if untrusting.RootCAs, err = trust(t.TempDir(), other); err != nil {
		t.Fatal(err)
	}
	untrusting.Sleep = func(context.Context, time.Duration) error {
		t.Error("what cannot pass was tried again")
		return nil
	}
	a, err := New(untrusting)
	if err != nil {
		t.Fatal(err)
	}
	var unknown x509.UnknownAuthorityError
	if err := a.Harden(t.Context(), master(cluster)); !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
}

func TestServerOfAnotherNameIsRefused(t *testing.T) {
	instance := master(cluster)
	instance.Host = "127.0.0.2" // the certificate is good for localhost and 127.0.0.1 only
	proxy(t, instance.Host, cluster.Port(), postgresql.Host)
	var mismatch x509.HostnameError
	if err := newAdapter(t).Harden(t.Context(), instance); !errors.As(err, &mismatch) {
		t.Errorf("got %v, want a mismatch of names", err)
	}
}

func TestHardenIsRepeatableAndSeesThatItWorked(t *testing.T) {
	a := newAdapter(t)
	for range 2 {
		if err := a.Harden(t.Context(), master(cluster)); err != nil {
			t.Fatal(err)
		}
	}
	conn := superuser(t)
	must(t, conn, "GRANT CONNECT ON DATABASE template1 TO PUBLIC", "ALTER DATABASE template1 OWNER TO rdsadmin")
	defer must(t, conn, "REVOKE CONNECT ON DATABASE template1 FROM PUBLIC", "ALTER DATABASE template1 OWNER TO "+cluster.Username)
	if err := a.Harden(t.Context(), master(cluster)); !errors.Is(err, ErrUnsealed) {
		t.Errorf("a revoke without effect: got %v, want ErrUnsealed", err)
	}
}

func TestWhatPassesIsTriedAgainAndWhatDoesNotIsNot(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		tries int
	}{
		{"too many connections", &pgconn.PgError{Code: "53300"}, 4},
		{"failing over", &pgconn.PgError{Code: "57P01"}, 4},
		{"connection lost", &pgconn.PgError{Code: "08006"}, 4},
		{"same row changed", &pgconn.PgError{Code: "XX000", Message: "tuple concurrently updated"}, 4},
		{"deadline", context.DeadlineExceeded, 4},
		{"another internal error", &pgconn.PgError{Code: "XX000", Message: "cache lookup failed"}, 1},
		{"wrong password", &pgconn.PgError{Code: badLogin}, 1},
		{"not allowed", &pgconn.PgError{Code: denied}, 1},
		{"something else", errors.New("something else"), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAdapter(t)
			var pauses []time.Duration
			a.Sleep = func(_ context.Context, d time.Duration) error {
				pauses = append(pauses, d)
				return nil
			}
			a.Jitter = func() float64 { return 0.5 }
			tries := 0
			a.dial = func(context.Context, pool.Login, string) (session, error) {
				tries++
				return nil, fmt.Errorf("dial: %w", test.err)
			}
			if err := a.Open(t.Context(), master(cluster), "slotslot", "password"); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			if tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
			if want := []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}; tries > 1 && fmt.Sprint(pauses) != fmt.Sprint(want) {
				t.Errorf("pauses %v, want %v", pauses, want)
			}
		})
	}
}

func TestTryAgainSucceeds(t *testing.T) {
	a := newAdapter(t)
	a.Sleep = noSleep
	s := &stub{errs: []error{&pgconn.PgError{Code: "57P03"}}}
	a.dial = func(context.Context, pool.Login, string) (session, error) { return s, nil }
	if err := a.Open(t.Context(), master(cluster), "slotslot", "password"); err != nil {
		t.Error(err)
	}
}

func TestTryingEndsWithItsContext(t *testing.T) {
	a := newAdapter(t)
	ctx, cancel := context.WithCancel(t.Context())
	a.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	a.dial = func(context.Context, pool.Login, string) (session, error) { return nil, &pgconn.PgError{Code: "57P03"} }
	if err := a.Open(ctx, master(cluster), "slotslot", "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestStatementsHaveADeadlineAtBothEnds(t *testing.T) {
	hasty := config(cluster)
	hasty.StatementTimeout = 200 * time.Millisecond
	a, err := New(hasty)
	if err != nil {
		t.Fatal(err)
	}
	err = a.within(t.Context(), master(cluster), maintenance, func(s session) error {
		is, err := s.True(t.Context(), "SELECT current_setting('statement_timeout') = '200ms'")
		if err != nil || !is {
			t.Errorf("the server's deadline is another: %v", err)
		}
		return s.Exec(t.Context(), "SELECT pg_sleep(60)")
	})
	if !transient(err) {
		t.Errorf("got %v, want a deadline", err)
	}
}

func TestErrorsKeepThePasswordOutOfSight(t *testing.T) {
	_, err := cluster.Connect(t.Context(), "postgres", cluster.Username, "Open0Sesame")
	wantRefused(t, "wrong password", err, badLogin)

	wrong := master(cluster)
	wrong.Password = "Open0Sesame"
	if err := newAdapter(t).Harden(t.Context(), wrong); err == nil || strings.Contains(err.Error(), wrong.Password) {
		t.Errorf("got %v", err)
	}
}
