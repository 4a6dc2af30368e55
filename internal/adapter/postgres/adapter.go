// Package postgres makes tenants' databases on shared PostgreSQL instances and keeps the tenants
// apart: who may connect to what, and who owns what.
//
// Every verb may be run again, twice at once, or be killed between any two statements; run again it
// comes to the same end. None of them needs a superuser: the master user of an RDS instance will do.
package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"headroom/internal/pool"
)

// The errors that callers can tell apart.
var (
	// ErrNoSlot means that the instance has no such slot: it was never made, or it was dropped.
	ErrNoSlot = pool.ErrNoDatabase

	// ErrForeign means that a database of the slot's name bears the mark of something else.
	ErrForeign = pool.ErrForeignDatabase

	// ErrOpen means that the slot's tenant may log in, or is still there.
	ErrOpen = pool.ErrDatabaseOpen

	// ErrUnsealed means that the server accepted a REVOKE and yet others may still come in, as when
	// the master user does not own the object. What is not sealed is not opened.
	ErrUnsealed = errors.New("others than its tenant may still come in")
)

// Config is what an Adapter is built from. All but the first four have defaults.
type Config struct {
	RootCAs *x509.CertPool                             // who may sign a server's certificate
	Random  io.Reader                                  // for the salt of passwords
	Sleep   func(context.Context, time.Duration) error // between two tries; ends early with its context
	Jitter  func() float64                             // in [0, 1), spreads out tries that failed together

	ConnectTimeout   time.Duration // to be logged in over TLS; 5 s
	StatementTimeout time.Duration // for each statement, here and at the server; 15 s
	Attempts         int           // tries of a verb when what failed may pass; 4
}

// Adapter makes and opens tenants' databases on any number of instances. It holds no connections.
type Adapter struct {
	Config
	dial func(ctx context.Context, login pool.Login, database string) (session, error)
}

// New validates the configuration and fills in defaults.
func New(config Config) (*Adapter, error) {
	if config.RootCAs == nil || config.Random == nil || config.Sleep == nil || config.Jitter == nil {
		return nil, errors.New("postgres adapter: RootCAs, Random, Sleep and Jitter are required")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.StatementTimeout == 0 {
		config.StatementTimeout = 15 * time.Second
	}
	if config.Attempts == 0 {
		config.Attempts = 4
	}
	// pgconn takes only configurations that it has parsed. This one says enough that nothing of
	// importance is taken from the environment; connect replaces the rest.
	base, err := pgconn.ParseConfig("host=unset user=unset dbname=unset sslmode=disable target_session_attrs=any")
	if err != nil {
		return nil, fmt.Errorf("make the configuration of connections: %w", err)
	}
	adapter := &Adapter{Config: config}
	adapter.dial = adapter.connector(base)
	return adapter, nil
}

// within runs work in a session in a database of an instance. Of a password that the instance does not take,
// the error is pool.ErrLogin: no try with the same one helps.
func (a *Adapter) within(ctx context.Context, login pool.Login, database string, work func(session) error) error {
	s, err := a.dial(ctx, login, database)
	if sqlState(err) == invalidPassword {
		err = fmt.Errorf("%w: %w", pool.ErrLogin, err)
	}
	if err != nil {
		return fmt.Errorf("log in to database %s of %s: %w", database, login.Host, err)
	}
	defer s.Close()
	return work(s)
}
