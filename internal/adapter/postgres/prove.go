package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

// Prove looks whether anything of a former tenant is left on the instance, and whether the slot that was made after it
// is as new: as master over what all databases share, as master in the slot's database, and as its role, which may
// log in for that until a moment soon. It names what is not clean; nothing is clean. Of a slot that a tenant can
// log in to the error is ErrOpen, without a slot ErrNoSlot, of a database that does not bear its mark ErrForeign.
func (a *Adapter) Prove(ctx context.Context, login pool.Login, former string, slot pool.MarkedSlot, until time.Time) ([]string, error) {
	id, err := identifyMarked(slot)
	if err != nil {
		return nil, err
	}
	if _, err := identify(former); err != nil {
		return nil, err
	}
	password, err := pool.Draw(a.Random, "abcdefghijklmnopqrstuvwxyz0123456789", 32)
	if err != nil {
		return nil, fmt.Errorf("make a password for the prober: %w", err)
	}
	secret, err := verifier(password, a.Random)
	if err != nil {
		return nil, err
	}
	if until.IsZero() || former == slot.Name {
		return nil, fmt.Errorf("prove slot %s: it needs an end, and another name than the former one", slot.Name)
	}
	var found []string
	err = a.retry(ctx, func() error {
		found = nil
		in := func(login pool.Login, database string, queries ...string) error {
			return a.within(ctx, login, database, func(s session) error {
				for _, sql := range queries {
					names, err := listed(ctx, s, sql)
					if err != nil {
						return err
					}
					found = append(found, names...)
				}
				return nil
			})
		}
		if err := a.within(ctx, login, maintenance, func(s session) error {
			if err := mayBeProven(ctx, s, slot); err != nil {
				return err
			}
			return endProbers(ctx, s, pool.RoleName(slot.Name))
		}); err != nil {
			return err
		}
		fill := strings.NewReplacer("{former}", former, "{database}", pool.DatabaseName(slot.Name),
			"{role}", pool.RoleName(slot.Name), "{mark}", slot.Mark)
		if err := in(login, maintenance, fill.Replace(residue), fill.Replace(asMade)); err != nil {
			return fmt.Errorf("look over the instance: %w", err)
		}
		if err := in(login, pool.DatabaseName(slot.Name), contents); err != nil {
			return fmt.Errorf("look into the database as master: %w", err)
		}
		// Nobody but this run knows the password. One that is killed leaves a role that its end closes, and the
		// next run.
		if err := a.alterRole(ctx, login, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s' VALID UNTIL '%s'",
			id.role, secret, until.UTC().Format("2006-01-02 15:04:05+00"))); err != nil {
			return fmt.Errorf("let the prober in: %w", err)
		}
		prober := pool.Login{Host: login.Host, Port: login.Port, Username: pool.RoleName(slot.Name), Password: password}
		looked := in(prober, pool.DatabaseName(slot.Name), contents, reach)
		if looked != nil {
			looked = fmt.Errorf("look into the database as its role: %w", looked)
		}
		closed := a.alterRole(ctx, login, "ALTER ROLE "+id.role+" NOLOGIN PASSWORD NULL VALID UNTIL 'infinity'")
		if closed == nil { // a session lingers for a moment
			closed = a.within(ctx, login, maintenance, func(s session) error { return terminate(ctx, s, pool.RoleName(slot.Name)) })
		}
		if closed != nil {
			closed = fmt.Errorf("keep the prober out: %w", closed)
		}
		return errors.Join(looked, closed)
	})
	if err != nil {
		return nil, fmt.Errorf("prove slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return found, nil
}

// mayBeProven refuses a slot that is somebody's: its password would be changed. A tenant's has no end, and a
// prober's has one.
func mayBeProven(ctx context.Context, s session, slot pool.MarkedSlot) error {
	roles, err := s.Rows(ctx, `SELECT rolcanlogin AND NOT coalesce(isfinite(rolvaliduntil), false)
		FROM pg_roles WHERE rolname = '`+pool.RoleName(slot.Name)+`'
		AND EXISTS (SELECT FROM pg_database WHERE datname = '`+pool.DatabaseName(slot.Name)+`')`)
	if err != nil {
		return fmt.Errorf("look for the slot: %w", err)
	}
	if len(roles) == 0 {
		return ErrNoSlot
	}
	if roles[0][0] == "t" {
		return ErrOpen
	}
	return refuseStrange(ctx, s, slot)
}

// endProbers ends the sessions of earlier runs: a server may take minutes to notice that a client was killed, and
// the next runs would find somebody in. A prober's session bears our name; nobody else's does, and is found.
func endProbers(ctx context.Context, s session, role string) error {
	if err := s.Exec(ctx, "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = '"+role+
		"' AND application_name = '"+application+"'"); err != nil {
		return fmt.Errorf("end the sessions of earlier runs: %w", err)
	}
	return nil
}

// residue is what all databases share that names the former tenant, or belongs to what is not there any more.
const residue = `
	SELECT 'database ' || datname FROM pg_database WHERE datname LIKE '%{former}%'
	UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE '%{former}%'
	UNION ALL SELECT 'session ' || pid FROM pg_stat_activity WHERE concat_ws(' ', datname, usename) LIKE '%{former}%'
	UNION ALL SELECT 'statistics of ' || datname FROM pg_stat_database WHERE datname LIKE '%{former}%'
	UNION ALL SELECT 'replication slot ' || slot_name FROM pg_replication_slots WHERE concat_ws(' ', slot_name, database) LIKE '%{former}%'
	UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE concat_ws(' ', database, owner) LIKE '%{former}%'
	UNION ALL SELECT 'comment on what is gone, ' || objoid FROM pg_shdescription
		WHERE classoid = 'pg_database'::regclass AND NOT EXISTS (SELECT FROM pg_database d WHERE d.oid = objoid)
		OR classoid = 'pg_authid'::regclass AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = objoid)
	UNION ALL SELECT 'comment that names it, on ' || objoid FROM pg_shdescription WHERE description LIKE '%{former}%'
	UNION ALL SELECT 'security label ' || objoid FROM pg_shseclabel WHERE label LIKE '%{former}%'
	UNION ALL SELECT 'setting of database ' || setdatabase || ' and role ' || setrole FROM pg_db_role_setting
		WHERE array_to_string(setconfig, ' ') LIKE '%{former}%'
		OR setdatabase <> 0 AND NOT EXISTS (SELECT FROM pg_database d WHERE d.oid = setdatabase)
		OR setrole <> 0 AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = setrole)
	UNION ALL SELECT 'membership of ' || member || ' in ' || roleid FROM pg_auth_members
		WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = roleid) OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = member)
	UNION ALL SELECT 'dependency of ' || objid || ' in database ' || dbid FROM pg_shdepend
		WHERE dbid <> 0 AND NOT EXISTS (SELECT FROM pg_database d WHERE d.oid = dbid)
		OR refclassid = 'pg_authid'::regclass AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = refobjid)
	UNION ALL SELECT 'access to database ' || datname FROM pg_database, aclexplode(datacl)
		WHERE grantee <> 0 AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = grantee)`

// asMade is where the new slot is other than MakeSlot leaves one.
const asMade = `
	SELECT 'settings of its database' FROM pg_database d WHERE d.datname = '{database}' AND 1 <> (
		SELECT count(*) FILTER (WHERE setrole = 0 AND setconfig = ARRAY['search_path=app'])
			+ 2 * count(*) FILTER (WHERE NOT (setrole = 0 AND setconfig = ARRAY['search_path=app']))
		FROM pg_db_role_setting WHERE setdatabase = d.oid)
	UNION ALL SELECT 'settings of its role' FROM pg_db_role_setting WHERE setrole = '{role}'::regrole
	UNION ALL SELECT 'comment on its role' WHERE shobj_description('{role}'::regrole, 'pg_authid') IS NOT NULL
	UNION ALL SELECT 'privileges of its role' FROM pg_roles WHERE rolname = '{role}'
		AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
	UNION ALL SELECT 'its role is a member of ' || roleid::regrole FROM pg_auth_members WHERE member = '{role}'::regrole
	UNION ALL SELECT 'member of its role: ' || member::regrole FROM pg_auth_members
		WHERE roleid = '{role}'::regrole AND member <> current_user::regrole
	UNION ALL SELECT 'session in its database, ' || pid FROM pg_stat_activity
		WHERE (datname = '{database}' AND backend_type = 'client backend' AND usename NOT IN ('rdsadmin', current_user)) OR usename = '{role}'
	UNION ALL SELECT 'owner of its database: ' || datdba::regrole FROM pg_database WHERE datname = '{database}' AND datdba <> current_user::regrole
	UNION ALL SELECT 'access to its database: ' || CASE grantee WHEN 0 THEN 'all' ELSE grantee::regrole::text END
		FROM pg_database, aclexplode(datacl) WHERE datname = '{database}'
		AND grantee NOT IN (current_user::regrole, '{role}'::regrole)
	UNION ALL SELECT 'owned beyond its schema: ' || objid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = '{role}'::regrole
		AND NOT (dbid = 0 AND classid = 'pg_database'::regclass AND deptype = 'a')
		AND NOT (classid = 'pg_namespace'::regclass AND deptype = 'o'
			AND dbid = (SELECT oid FROM pg_database WHERE datname = '{database}'))`

// contents is what is in a slot's database that is not in a new one: what is in any schema but the server's, or is
// in none, or changes what the next one's things can be.
const contents = `
	SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public', 'app')
	UNION ALL SELECT 'relation ' || c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname !~ '^pg_(catalog|toast)$' AND n.nspname <> 'information_schema'
	UNION ALL SELECT 'object ' || pg_describe_object(classid, objid, objsubid) FROM pg_depend
		WHERE refclassid = 'pg_namespace'::regclass AND refobjid IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'app'))
	UNION ALL SELECT 'large object ' || oid FROM pg_largeobject_metadata
	UNION ALL SELECT 'default privileges of ' || defaclrole FROM pg_default_acl
	UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
	UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
	UNION ALL SELECT 'publication ' || pubname FROM pg_publication
	UNION ALL SELECT 'foreign server ' || srvname FROM pg_foreign_server
	UNION ALL SELECT 'policy ' || polname FROM pg_policy
	UNION ALL SELECT 'access to schema ' || nspname FROM pg_namespace, aclexplode(nspacl)
		WHERE nspname IN ('public', 'app') AND grantee NOT IN (nspowner, 'pg_database_owner'::regrole)
	UNION ALL SELECT 'comment on schema ' || nspname FROM pg_namespace
		WHERE nspname = 'app' AND obj_description(oid, 'pg_namespace') IS NOT NULL`

// reach is what the new role may that it should not.
const reach = `
	SELECT 'reaches database ' || datname FROM pg_database
		WHERE datallowconn AND datname <> current_database() AND has_database_privilege(oid, 'CONNECT')
	UNION ALL SELECT 'is a member of ' || rolname FROM pg_roles WHERE rolname <> current_user AND pg_has_role(oid, 'MEMBER')
	UNION ALL SELECT 'may make things in schema ' || nspname FROM pg_namespace
		WHERE nspname <> 'app' AND nspname !~ '^pg_' AND has_schema_privilege(oid, 'CREATE')
	UNION ALL SELECT 'may not make things in its schema' WHERE NOT coalesce(has_schema_privilege(to_regnamespace('app'), 'CREATE'), false)`
