package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

// A copier is a role that reads one tenant's database while it is copied: a member of the tenant's role, which
// may do what the tenant may, there and nowhere else. docs/decisions/copying-a-database.md says why.

// copierConnections is how many connections a copier may have: a dump, a count, and one that is not gone yet. The
// tenant, which is closed meanwhile, takes none of its database's.
const copierConnections = 3

// lifted is the schema that holds which tables' row security has to bind their owner again.
const lifted = pool.CopySchema

// GrantCopier lets pool.CopierName(slot.Name) log in with password to the slot's database, and read all that is in
// it, until a moment soon, or until RevokeCopier. Row security does not bind it. Run again, it has the new password.
// Of a slot whose tenant can log in the error is ErrOpen; without a slot ErrNoSlot; of a database that does not bear
// the slot's mark ErrForeign.
func (a *Adapter) GrantCopier(ctx context.Context, login pool.Login, slot pool.MarkedSlot, password string, until time.Time) error {
	id, err := identifyMarked(slot)
	if err != nil {
		return err
	}
	secret, err := verifier(password, a.Random)
	if err != nil {
		return fmt.Errorf("let a copier in: %w", err)
	}
	if until.IsZero() {
		return errors.New("let a copier in: it has no end")
	}
	err = a.retry(ctx, func() error {
		if err := a.within(ctx, login, maintenance, func(s session) error {
			if err := mayBeCopied(ctx, s, slot); err != nil {
				return err
			}
			return createCopier(ctx, s, id)
		}); err != nil {
			return err
		}
		if err := a.within(ctx, login, pool.DatabaseName(slot.Name), func(s session) error {
			return s.Exec(ctx, lift(slot.Name))
		}); err != nil {
			return fmt.Errorf("lift what keeps a copier from reading: %w", err)
		}
		return a.within(ctx, login, maintenance, func(s session) error {
			// Commit point: the copier can log in from here on. One with an earlier password can't any more.
			return s.Exec(ctx, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s' VALID UNTIL '%s'",
				id.copier, secret, until.UTC().Format("2006-01-02 15:04:05+00")))
		})
	})
	if err != nil {
		return fmt.Errorf("let a copier into slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return nil
}

// mayBeCopied refuses what would not be copied as it is: a tenant who is in there could change tables between the
// count and the dump, and put something else in their place under the dump's eyes (CVE-2024-7348).
func mayBeCopied(ctx context.Context, s session, slot pool.MarkedSlot) error {
	there, err := s.True(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '"+pool.DatabaseName(slot.Name)+"')")
	if err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if !there {
		return ErrNoSlot
	}
	if err := refuseStrange(ctx, s, slot); err != nil {
		return err
	}
	return refuseOpen(ctx, s, slot.Name)
}

func createCopier(ctx context.Context, s session, id identifiers) error {
	err := exec(ctx, s, fmt.Sprintf("CREATE ROLE %s NOLOGIN CONNECTION LIMIT %d", id.copier, copierConnections), duplicateObject)
	if err != nil {
		return fmt.Errorf("create the copier: %w", err)
	}
	for _, step := range []struct{ what, sql string }{
		// The tenant's settings are the tenant role's, and do not come with membership.
		{"let the copier write nothing", "ALTER ROLE " + id.copier + " SET default_transaction_read_only = on"},
		{"set the copier's search path", "ALTER ROLE " + id.copier + " SET search_path = pg_catalog"},
		// Without being a member, the master user could not take away again what was granted to it.
		{"join the copier", "GRANT " + id.copier + " TO CURRENT_USER"},
		{"have the copier join the tenant", "GRANT " + id.role + " TO " + id.copier},
	} {
		if err := exec(ctx, s, step.sql); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// lift is one statement, and so one transaction: what is lifted is recorded, and what is recorded was lifted.
// Owners who took rights from themselves are read by the copier's own, which go with it. Schemas come first: without
// their use the master user, who has what the copier has, finds nothing in them.
func lift(name string) string {
	return block(name, `
	-- A tenant can't make it. If one has all the same, what we write into it would run what the tenant put there, as us.
	IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}' AND nspowner <> current_user::regrole) THEN
		RAISE EXCEPTION 'schema {schema} is somebody else''s';
	END IF;
	FOR x IN SELECT nspname AS name FROM pg_namespace
		WHERE nspowner = '{role}'::regrole AND NOT has_schema_privilege('{copier}', oid, 'USAGE')
	LOOP
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO {copier}', x.name);
	END LOOP;
	CREATE SCHEMA IF NOT EXISTS {schema};
	CREATE TABLE IF NOT EXISTS {schema}.forced (relation oid PRIMARY KEY);
	GRANT USAGE ON SCHEMA {schema} TO {copier};
	GRANT SELECT ON {schema}.forced TO {copier};
	FOR x IN SELECT c.oid, n.nspname AS schema, c.relname AS name
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relforcerowsecurity
	LOOP
		INSERT INTO {schema}.forced VALUES (x.oid) ON CONFLICT DO NOTHING;
		EXECUTE format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', x.schema, x.name);
	END LOOP;
	FOR x IN SELECT n.nspname AS schema, c.relname AS name
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relowner = '{role}'::regrole AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
		AND NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege('{copier}', c.oid, 'SELECT')
			ELSE has_table_privilege('{copier}', c.oid, 'SELECT') END
	LOOP
		EXECUTE format('GRANT SELECT ON %I.%I TO {copier}', x.schema, x.name);
	END LOOP;
	FOR x IN SELECT oid FROM pg_largeobject_metadata WHERE lomowner = '{role}'::regrole AND lomacl IS NOT NULL
		AND NOT EXISTS (SELECT FROM aclexplode(lomacl) WHERE grantee = lomowner AND privilege_type = 'SELECT')
	LOOP
		EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO {copier}', x.oid);
	END LOOP;`)
}

// putBack undoes lift, in one statement too. The copier should own nothing; what it owns all the same, by a
// function of the tenant's, is the tenant's.
func putBack(name string) string {
	return block(name, `
	IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}' AND nspowner = current_user::regrole) THEN
		FOR x IN SELECT n.nspname AS schema, c.relname AS name
			FROM {schema}.forced JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = c.relnamespace
		LOOP
			EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', x.schema, x.name);
		END LOOP;
		DROP SCHEMA {schema} CASCADE;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{copier}') THEN
		REASSIGN OWNED BY {copier} TO {role};
		DROP OWNED BY {copier};
	END IF;`)
}

// block is a statement of the names of a slot, which need no quotes: identify has seen to it. All names that it
// does not qualify are pg_catalog's, which is the search path of our sessions.
func block(name, statements string) string {
	filled := strings.NewReplacer(
		"{schema}", lifted, "{role}", pool.RoleName(name), "{copier}", pool.CopierName(name),
	).Replace(statements)
	return "DO $headroom$ DECLARE x record; BEGIN" + filled + " END $headroom$"
}

// RevokeCopier ends the copier's sessions, puts back what was lifted for it, and drops it. A copier that is not there
// is revoked. Of a database that does not bear the slot's mark the error is ErrForeign, and nothing is touched.
func (a *Adapter) RevokeCopier(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error {
	id, err := identifyMarked(slot)
	if err != nil {
		return err
	}
	err = a.retry(ctx, func() error {
		if err := a.within(ctx, login, maintenance, func(s session) error {
			if err := refuseStrange(ctx, s, slot); err != nil {
				return err
			}
			if err := exec(ctx, s, "ALTER ROLE "+id.copier+" NOLOGIN", undefinedObject); err != nil {
				return fmt.Errorf("keep the copier out: %w", err)
			}
			return terminate(ctx, s, pool.CopierName(slot.Name))
		}); err != nil {
			return err
		}
		err := a.within(ctx, login, pool.DatabaseName(slot.Name), func(s session) error { return s.Exec(ctx, putBack(slot.Name)) })
		if err != nil && sqlState(err) != noSuchDatabase {
			return fmt.Errorf("put back what was lifted: %w", err)
		}
		return a.within(ctx, login, maintenance, func(s session) error {
			return exec(ctx, s, "DROP ROLE IF EXISTS "+id.copier)
		})
	})
	if err != nil {
		return fmt.Errorf("revoke the copier of slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return nil
}
