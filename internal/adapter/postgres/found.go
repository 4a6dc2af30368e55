package postgres

import (
	"context"
	"fmt"
	"strings"

	"headroom/internal/pool"
)

// Found lists the databases of an instance that bear a mark, whatever is on record of them, in the order of their names. Into
// those that nobody can log in to it looks, as master; it changes nothing.
func (a *Adapter) Found(ctx context.Context, login pool.Login) ([]pool.FoundDatabase, error) {
	var found []pool.FoundDatabase
	err := a.retry(ctx, func() error {
		found = nil
		var rows [][]string
		err := a.within(ctx, login, maintenance, func(s session) (err error) {
			// A database of a slot is called after it, and so is its role.
			rows, err = s.Rows(ctx, `
				SELECT substr(d.datname, 3), shobj_description(d.oid, 'pg_database'), coalesce(r.rolcanlogin, false), d.datallowconn
				FROM pg_database d LEFT JOIN pg_roles r ON r.rolname = 't_' || substr(d.datname, 3)
				WHERE d.datname LIKE 'd\_%' AND shobj_description(d.oid, 'pg_database') IS NOT NULL ORDER BY d.datname`)
			return err
		})
		if err != nil {
			return fmt.Errorf("list the databases: %w", err)
		}
		for _, row := range rows {
			is := pool.FoundDatabase{Name: row[0], Mark: row[1], Open: isTrue(row[2]), Holds: true}
			if !is.Open && isTrue(row[3]) {
				err := a.within(ctx, login, pool.DatabaseName(is.Name), func(s session) error {
					held, err := listed(ctx, s, contents)
					is.Holds = len(held) > 0
					return err
				})
				if err != nil {
					return fmt.Errorf("look into database %s: %w", pool.DatabaseName(is.Name), err)
				}
			}
			found = append(found, is)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look what %s has: %w", login.Host, err)
	}
	return found, nil
}

// isTrue reads a boolean as PostgreSQL words it.
func isTrue(text string) bool { return strings.HasPrefix(text, "t") }
