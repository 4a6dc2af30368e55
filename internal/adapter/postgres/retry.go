package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// The pause before a second try is up to firstPause, then doubles up to longestPause.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

// SQLSTATEs that this package reacts to.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	duplicateObject   = "42710"
	duplicateDatabase = "42P04"
	undefinedObject   = "42704"
	internalError     = "XX000"
	notPermitted      = "42501"
	invalidPassword   = "28P01"
	noSuchDatabase    = "3D000"
	notAccepting      = "55000" // at a login: the database lets nobody connect
)

// passing are the SQLSTATEs of failures that may be over the next time.
var passing = map[string]bool{
	"23505": true, // unique_violation: another run has just made the same thing
	"40001": true, // serialization_failure
	"40P01": true, // deadlock_detected
	"53200": true, // out_of_memory: such as of locks, while a tenant holds them all
	"53300": true, // too_many_connections
	"55006": true, // object_in_use: such as template0 while another database is made of it
	"55P03": true, // lock_not_available
	"57014": true, // query_canceled: took too long
	"57P01": true, // admin_shutdown
	"57P02": true, // crash_shutdown
	"57P03": true, // cannot_connect_now: starting up, or failing over
	"57P05": true, // idle_session_timeout
	"25P03": true, // idle_in_transaction_session_timeout
}

// endsSessions is the server's function that ends the sessions in a database before that is dropped. It
// refuses while a superuser is in there, and RDS's own, who looks into each database now and then, soon
// leaves. That is no lack of a privilege, although its code says so.
const endsSessions = "TerminateOtherDBBackends"

var (
	errSessionsLeft = errors.New("sessions are still open")
	errExchanged    = errors.New("the databases have changed places meanwhile")
)

// retry runs a verb from its start until it succeeds, fails for good, or has been tried enough.
// From its start, because a verb is harmless to repeat, and its connection may be gone.
func (a *Adapter) retry(ctx context.Context, verb func() error) error {
	return a.retryUpTo(ctx, a.Attempts, verb)
}

func (a *Adapter) retryUpTo(ctx context.Context, attempts int, verb func() error) error {
	for attempt := 1; ; attempt++ {
		err := verb()
		if err == nil || ctx.Err() != nil || !transient(err) {
			return err
		}
		if attempt >= attempts {
			return fmt.Errorf("gave up after %d tries: %w", attempt, err)
		}
		limit := min(firstPause<<(attempt-1), longestPause)
		if slept := a.Sleep(ctx, time.Duration(a.Jitter()*float64(limit))); slept != nil {
			return errors.Join(err, slept)
		}
	}
}

// transient reports whether what failed may succeed the next time.
func transient(err error) bool {
	var reported *pgconn.PgError
	if errors.As(err, &reported) {
		switch reported.Code {
		case internalError:
			// Two runs changed the same row of a system catalog; this has no code of its own.
			return strings.HasPrefix(reported.Message, "tuple concurrently")
		case notPermitted:
			return reported.Routine == endsSessions
		}
		return passing[reported.Code] || strings.HasPrefix(reported.Code, "08")
	}
	if unverified := (*tls.CertificateVerificationError)(nil); errors.As(err, &unverified) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, errSessionsLeft) || errors.Is(err, errExchanged)
}
