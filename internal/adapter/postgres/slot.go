package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// platformConnections is how many connections a database takes beyond its tenant's: the tenant's
// role is held to its limit, and one that is at it must not keep out the platform, which comes in to
// archive or repair.
const platformConnections = 2

// MakeSlot makes a role that may not log in yet and a database that only this role will reach, with
// at most limit connections, at least 1. The platform owns the database, which bears the slot's mark; the
// tenant owns the schema app in it. A slot that is there already, even one that is open, stays as it is.
// Of a database that bears another mark the error is ErrForeign, and nothing is touched.
func (a *Adapter) MakeSlot(ctx context.Context, login pool.Login, name, mark string, limit int) error {
	id, err := identify(name)
	if err != nil {
		return err
	}
	if !markPattern().MatchString(mark) {
		return fmt.Errorf("make slot %s: its mark %q does not match %s", name, mark, markPattern())
	}
	if limit < 1 {
		return fmt.Errorf("make slot %s: %d connections are too few", name, limit)
	}
	err = a.retry(ctx, func() error {
		if err := a.within(ctx, login, maintenance, func(s session) error {
			return create(ctx, s, login.Username, name, mark, id, limit)
		}); err != nil {
			return err
		}
		return a.within(ctx, login, pool.DatabaseName(name), func(s session) error {
			return furnish(ctx, s, name, id)
		})
	})
	if err != nil {
		return fmt.Errorf("make slot %s on %s: %w", name, login.Host, err)
	}
	return nil
}

// create makes the role and the database. The order of its statements is what keeps others out at
// every moment: nobody can connect until nobody but the owner may.
func create(ctx context.Context, s session, owner, name, mark string, id identifiers, limit int) error {
	if err := refuseForeign(ctx, s, name, mark); err != nil {
		return err
	}
	if err := exec(ctx, s, fmt.Sprintf("CREATE ROLE %s NOLOGIN CONNECTION LIMIT %d", id.role, limit), duplicateObject); err != nil {
		return fmt.Errorf("create the role: %w", err)
	}
	// Without being a member, the master user could not give the role a schema.
	if err := exec(ctx, s, "GRANT "+id.role+" TO CURRENT_USER"); err != nil {
		return fmt.Errorf("join the role: %w", err)
	}
	err := exec(ctx, s, fmt.Sprintf(
		"CREATE DATABASE %s OWNER %s TEMPLATE template0 ALLOW_CONNECTIONS false CONNECTION LIMIT %d",
		id.database, pgx.Identifier{owner}.Sanitize(), limit+platformConnections), duplicateDatabase)
	if err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	if err := exec(ctx, s, "COMMENT ON DATABASE "+id.database+" IS '"+mark+"'"); err != nil {
		return fmt.Errorf("mark the database: %w", err)
	}
	if err := exec(ctx, s, "REVOKE ALL ON DATABASE "+id.database+" FROM PUBLIC"); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	// Names are safe to stand in a literal: identify has seen to it.
	if err := require(ctx, s, "database "+pool.DatabaseName(name), `
		SELECT pg_get_userbyid(datdba) = current_user AND NOT has_database_privilege('public', oid, 'CONNECT')
		FROM pg_database WHERE datname = '`+pool.DatabaseName(name)+"'"); err != nil {
		return err
	}
	if err := exec(ctx, s, "ALTER DATABASE "+id.database+" ALLOW_CONNECTIONS true"); err != nil {
		return fmt.Errorf("allow connections: %w", err)
	}
	return nil
}

// furnish gives the tenant its schema, and at last the right to connect.
func furnish(ctx context.Context, s session, name string, id identifiers) error {
	for _, step := range []struct{ what, sql string }{
		{"close the public schema", "REVOKE ALL ON SCHEMA public FROM PUBLIC"},
		{"create the schema", "CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION " + id.role},
		// A convenience: names without a schema would find none otherwise.
		{"set the search path", "ALTER DATABASE " + id.database + " SET search_path = app"},
	} {
		if err := exec(ctx, s, step.sql); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if err := require(ctx, s, "schema public", "SELECT NOT has_schema_privilege('public', 'public', 'USAGE, CREATE')"); err != nil {
		return err
	}
	// Commit point: only now can the tenant reach anything, and everything that must hold does.
	if err := exec(ctx, s, "GRANT CONNECT, TEMPORARY ON DATABASE "+id.database+" TO "+id.role); err != nil {
		return fmt.Errorf("let the role connect: %w", err)
	}
	return nil
}
