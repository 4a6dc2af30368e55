package postgresql

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// superuser is RDS's own user, which no customer gets.
const superuser = "rdsadmin"

// roles is what RDS makes in a new cluster. One statement a line, as single-user mode reads them.
const roles = `CREATE ROLE rds_superuser NOLOGIN
CREATE ROLE rds_password NOLOGIN
CREATE ROLE rds_replication NOLOGIN
GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION
DO $$ BEGIN GRANT pg_checkpoint TO rds_superuser WITH ADMIN OPTION; EXCEPTION WHEN undefined_object THEN NULL; END $$
CREATE DATABASE rdsadmin
REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC
`

// makeMaster makes the master user as RDS does: it may make roles and databases and is a member of
// rds_superuser, but it is no superuser. The databases that are there are its own.
func (s *Server) makeMaster(ctx context.Context, cfg Config) error {
	master := pgx.Identifier{cfg.Master}.Sanitize()
	statements := []string{
		"CREATE ROLE " + master + " LOGIN CREATEROLE CREATEDB PASSWORD " + quote(cfg.Password) + " VALID UNTIL 'infinity'",
		"GRANT rds_superuser TO " + master,
		"ALTER DATABASE postgres OWNER TO " + master,
		"ALTER DATABASE template1 OWNER TO " + master,
	}
	if cfg.Database != "" && cfg.Database != "postgres" {
		statements = append(statements, "CREATE DATABASE "+pgx.Identifier{cfg.Database}.Sanitize()+" OWNER "+master)
	}
	return s.exec(ctx, statements...)
}

// SetPassword gives a user another password.
func (s *Server) SetPassword(ctx context.Context, name, password string) error {
	return s.exec(ctx, "ALTER ROLE "+pgx.Identifier{name}.Sanitize()+" PASSWORD "+quote(password))
}

// exec runs statements as RDS's own user. Its errors name no statement: one may hold a password.
func (s *Server) exec(ctx context.Context, statements ...string) error {
	conn, err := s.Superuser(ctx, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// A parameter group may have statements logged, and these are nobody's business.
	quiet := []string{"SET log_statement = 'none'", "SET log_min_duration_statement = -1", "SET log_min_error_statement = 'panic'"}
	for n, statement := range append(quiet, statements...) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("set up the master user, step %d: %w", n+1, err)
		}
	}
	return nil
}

// quote writes a string literal.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
