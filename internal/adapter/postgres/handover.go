package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

const (
	// handOverMost bounds each statement that hands a stand-in over: it takes a moment for each thing that is in it.
	handOverMost = 5 * time.Minute
	// largeObjectsAtOnce is how many large objects change hands in one transaction: each takes a lock, of which a server
	// has some thousands.
	largeObjectsAtOnce = "1000"
)

// HandOver does the part of Swap that may take long, for which nobody has to be shut out: all that is in a stand-in becomes the
// tenant's own role's. Run again, it goes on from where it was, and without a stand-in it does nothing.
func (a *Adapter) HandOver(ctx context.Context, login pool.Login, slot, standIn pool.MarkedSlot) error {
	if _, err := identifyAll(slot, standIn); err != nil {
		return fmt.Errorf("hand a stand-in over: %w", err)
	}
	err := a.retry(ctx, func() error {
		there, err := a.bears(ctx, login, standIn)
		if err != nil || !there {
			return err
		}
		return a.handOver(ctx, login, slot, standIn)
	})
	if err != nil {
		return fmt.Errorf("hand stand-in %s on %s over: %w", standIn.Name, login.Host, err)
	}
	return nil
}

// handOver makes all that is in a stand-in the tenant's, and gives the database what that of the slot has. Who fills a
// stand-in runs what a tenant wrote, with the right to make schemas: so the platform's own schema, which must be made by the
// platform when there is to be one, goes, and all rights that were given away, or to be given, in there.
func (a *Adapter) handOver(ctx context.Context, login pool.Login, slot, standIn pool.MarkedSlot) error {
	role, in := pgx.Identifier{pool.RoleName(slot.Name)}.Sanitize(), pgx.Identifier{pool.RoleName(standIn.Name)}.Sanitize()
	database := pgx.Identifier{pool.DatabaseName(standIn.Name)}.Sanitize()
	there := false
	if err := a.within(ctx, login, maintenance, func(s session) (err error) {
		if err := refuseStrange(ctx, s, standIn); err != nil {
			return err
		}
		there, err = s.True(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '"+pool.RoleName(standIn.Name)+"')")
		if err != nil {
			return fmt.Errorf("look for the stand-in's role: %w", err)
		}
		if there {
			if err := s.Exec(ctx, "ALTER ROLE "+in+" NOLOGIN"); err != nil {
				return fmt.Errorf("keep the stand-in's role out: %w", err)
			}
		}
		// It does not after a kill in exchange.
		if err := s.Exec(ctx, "ALTER DATABASE "+database+" ALLOW_CONNECTIONS true"); err != nil {
			return fmt.Errorf("let ourselves in: %w", err)
		}
		return terminate(ctx, s, pool.RoleName(standIn.Name))
	}); err != nil {
		return err
	}
	if there {
		if err := a.within(ctx, login, pool.DatabaseName(standIn.Name), func(s session) error {
			if err := s.Patient(ctx, handOverMost); err != nil {
				return err
			}
			// There may be a million of them. Who is killed meanwhile goes on from where it was.
			large := "FROM pg_largeobject_metadata WHERE lomowner = '" + pool.RoleName(standIn.Name) + "'::regrole"
			for {
				more, err := s.True(ctx, "SELECT EXISTS (SELECT "+large+")")
				if err == nil && more {
					err = s.Exec(ctx, "DO $headroom$ DECLARE x record; BEGIN FOR x IN SELECT oid "+large+" LIMIT "+largeObjectsAtOnce+
						" LOOP EXECUTE format('ALTER LARGE OBJECT %s OWNER TO %I', x.oid, '"+pool.RoleName(slot.Name)+"'); END LOOP; END $headroom$")
				}
				if err != nil {
					return fmt.Errorf("make large objects the tenant's: %w", err)
				}
				if !more {
					break
				}
			}
			for _, step := range []struct{ what, sql string }{
				{"make what is in it the tenant's", "REASSIGN OWNED BY " + in + " TO " + role},
				{"take its rights", "DROP OWNED BY " + in}, // and it owns nothing any more
				{"keep the platform's schema the platform's", "DROP SCHEMA IF EXISTS " + lifted + " CASCADE"},
			} {
				if err := s.Exec(ctx, step.sql); err != nil {
					return fmt.Errorf("%s: %w", step.what, err)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return a.within(ctx, login, maintenance, func(s session) error { return carryOver(ctx, s, slot.Name, standIn.Name) })
}

// carryOver gives a database the limit and the settings of another, also those of the other's role in it. A setting is
// set as it is stored, by FROM CURRENT: it may be a list, which would be one word if it were quoted. What would make master
// somebody else meanwhile is left out, and so is what no session can set.
func carryOver(ctx context.Context, s session, from, to string) error {
	err := s.Exec(ctx, `DO $headroom$ DECLARE x record; before text; BEGIN
		EXECUTE (SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', '`+pool.DatabaseName(to)+`', datconnlimit)
			FROM pg_database WHERE datname = '`+pool.DatabaseName(from)+`');
		FOR x IN SELECT split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value, setrole <> 0 AS of_role
			FROM pg_db_role_setting r JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) setting
			WHERE datname = '`+pool.DatabaseName(from)+`' AND (setrole = 0 OR setrole = '`+pool.RoleName(from)+`'::regrole)
			AND split_part(setting, '=', 1) NOT IN ('role', 'session_authorization')
		LOOP
			BEGIN
				before := current_setting(x.name, true);
				PERFORM set_config(x.name, x.value, true);
				IF x.of_role THEN
					EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %I FROM CURRENT', '`+pool.RoleName(from)+`', '`+pool.DatabaseName(to)+`', x.name);
				ELSE
					EXECUTE format('ALTER DATABASE %I SET %I FROM CURRENT', '`+pool.DatabaseName(to)+`', x.name);
				END IF;
				PERFORM set_config(x.name, coalesce(before, ''), true);
			EXCEPTION WHEN cant_change_runtime_param OR read_only_sql_transaction OR invalid_parameter_value OR undefined_object THEN
				NULL;
			END;
		END LOOP;
	END $headroom$`)
	if err != nil {
		return fmt.Errorf("carry over limits and settings: %w", err)
	}
	return nil
}
