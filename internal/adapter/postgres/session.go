package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"headroom/internal/pool"
)

// session is a connection to one database, with a deadline on every statement.
type session interface {
	Exec(ctx context.Context, sql string) error
	// True returns what a query of one boolean says. No row is false.
	True(ctx context.Context, sql string) (bool, error)
	// Rows returns what a query finds, as text. NULL is "".
	Rows(ctx context.Context, sql string) ([][]string, error)
	// Patient gives each statement from here on as long as it is told.
	Patient(ctx context.Context, timeout time.Duration) error
	Close()
}

// application is what our sessions are called on the server.
const application = "headroom"

// connector makes the function that logs in: always over TLS, and only to a server whose certificate
// is signed by a known authority and is good for the host that was asked for.
func (a *Adapter) connector(base *pgconn.Config) func(context.Context, pool.Login, string) (session, error) {
	milliseconds := strconv.FormatInt(a.StatementTimeout.Milliseconds(), 10)
	parameters := map[string]string{
		"application_name": application,
		// The server gives up when we do, instead of going on alone.
		"statement_timeout": milliseconds,
		"lock_timeout":      milliseconds,
		// In a tenant's database, no name may resolve to something that the tenant made.
		"search_path": "pg_catalog",
	}
	return func(ctx context.Context, login pool.Login, database string) (session, error) {
		config := base.Copy()
		config.Host, config.Port = login.Host, uint16(login.Port)
		config.User, config.Password = login.Username, login.Password
		config.Database = database
		config.TLSConfig = &tls.Config{RootCAs: a.RootCAs, ServerName: login.Host, MinVersion: tls.VersionTLS12}
		config.Fallbacks = nil // never without TLS
		config.ConnectTimeout = a.ConnectTimeout
		config.RuntimeParams = maps.Clone(parameters)

		ctx, cancel := context.WithTimeout(ctx, a.ConnectTimeout)
		defer cancel()
		conn, err := pgconn.ConnectConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		return &connection{conn: conn, timeout: a.StatementTimeout}, nil
	}
}

// connection is a session with a real server. It uses the simple protocol: no statement here has
// parameters, and some of them may not be prepared.
type connection struct {
	conn    *pgconn.PgConn
	timeout time.Duration
}

func (c *connection) Exec(ctx context.Context, sql string) error {
	_, err := c.run(ctx, sql)
	return err
}

func (c *connection) True(ctx context.Context, sql string) (bool, error) {
	results, err := c.run(ctx, sql)
	if err != nil {
		return false, err
	}
	if len(results) == 0 || len(results[0].Rows) == 0 {
		return false, nil
	}
	return string(results[0].Rows[0][0]) == "t", nil
}

func (c *connection) Rows(ctx context.Context, sql string) ([][]string, error) {
	results, err := c.run(ctx, sql)
	if err != nil {
		return nil, err
	}
	var found [][]string
	for _, result := range results {
		for _, row := range result.Rows {
			texts := make([]string, len(row))
			for i, value := range row {
				texts[i] = string(value)
			}
			found = append(found, texts)
		}
	}
	return found, nil
}

func (c *connection) Patient(ctx context.Context, timeout time.Duration) error {
	if err := c.Exec(ctx, "SET statement_timeout = "+strconv.FormatInt(timeout.Milliseconds(), 10)); err != nil {
		return fmt.Errorf("give statements more time: %w", err)
	}
	c.timeout = timeout
	return nil
}

func (c *connection) run(ctx context.Context, sql string) ([]*pgconn.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.conn.Exec(ctx, sql).ReadAll()
}

// closeTimeout bounds saying goodbye, for which no caller should wait.
const closeTimeout = time.Second

func (c *connection) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.conn.Close(ctx)
}

// exec runs a statement. SQLSTATEs in done say that its effect was there before.
func exec(ctx context.Context, s session, sql string, done ...string) error {
	err := s.Exec(ctx, sql)
	if code := sqlState(err); code != "" && slices.Contains(done, code) {
		return nil
	}
	return err
}

// sqlState is the code of an error that the server reported, and "" for any other.
func sqlState(err error) string {
	var reported *pgconn.PgError
	if errors.As(err, &reported) {
		return reported.Code
	}
	return ""
}
