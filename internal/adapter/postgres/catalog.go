package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"headroom/internal/pool"
)

const (
	// countTimeout bounds one count: of the rows of up to countedAtOnce relations, however large they are.
	countTimeout  = 4 * time.Hour
	countedAtOnce = 50
)

// Catalog reads what the slot called name holds, logged in as its copier. All of it is of one moment.
func (a *Adapter) Catalog(ctx context.Context, copier pool.Login, name string) (pool.Catalog, error) {
	if _, err := identify(name); err != nil {
		return pool.Catalog{}, err
	}
	var found pool.Catalog
	err := a.retry(ctx, func() error {
		return a.within(ctx, copier, pool.DatabaseName(name), func(s session) (err error) {
			if err := s.Patient(ctx, countTimeout); err != nil {
				return err
			}
			found, err = readCatalog(ctx, s)
			return err
		})
	})
	if err != nil {
		return pool.Catalog{}, fmt.Errorf("read the catalog of slot %s on %s: %w", name, copier.Host, err)
	}
	return found, nil
}

// ReadCatalog reads what the database holds that conn is logged in to, such as a copy, by the same statements as
// Catalog. It is not tried again.
func ReadCatalog(ctx context.Context, conn *pgconn.PgConn) (pool.Catalog, error) {
	s := &connection{conn: conn, timeout: countTimeout}
	if err := s.Exec(ctx, "SET search_path = pg_catalog"); err != nil {
		return pool.Catalog{}, fmt.Errorf("set the search path: %w", err)
	}
	return readCatalog(ctx, s)
}

// owned are the schemas of which a catalog tells: not the server's, not the platform's.
const owned = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '` + lifted + `')
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = o.oid AND e.classid = o.tableoid AND e.deptype = 'e')`

// The queries of a catalog call none of the tenant's functions: they read the server's own tables, and count.
const (
	queryTables    = `SELECT format('%I.%I', n.nspname, o.relname) FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace WHERE o.relkind IN ('r', 'p') AND ` + owned
	querySequences = `SELECT format('%I.%I', n.nspname, o.relname) FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace WHERE o.relkind = 'S' AND ` + owned
	queryViews     = `SELECT format('%I.%I', n.nspname, o.relname) FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace WHERE o.relkind IN ('v', 'm') AND ` + owned
	queryTypes     = `SELECT format('%I.%I', n.nspname, o.typname) FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace
		WHERE (o.typtype IN ('e', 'd', 'r') OR o.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = o.typrelid AND c.relkind = 'c')) AND ` + owned
	queryRoutines = `SELECT o.oid::regprocedure::text FROM pg_proc o JOIN pg_namespace n ON n.oid = o.pronamespace WHERE ` + owned
	queryForced   = `SELECT format('%I.%I', n.nspname, c.relname) FROM ` + lifted + `.forced JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = c.relnamespace`
	queryTotals   = `SELECT current_setting('server_version_num'), pg_database_size(oid), (SELECT count(*) FROM pg_largeobject_metadata),
		datcollate, datctype FROM pg_database WHERE datname = current_database()`
	queryLifted = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '` + lifted + `')`
)

func readCatalog(ctx context.Context, s session) (found pool.Catalog, err error) {
	// With row security off a count that it would make smaller is an error instead.
	for _, sql := range []string{"SET row_security = off", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"} {
		if err := s.Exec(ctx, sql); err != nil {
			return found, fmt.Errorf("begin to read: %w", err)
		}
	}
	totals, err := s.Rows(ctx, queryTotals)
	if err != nil {
		return found, fmt.Errorf("look how large it is: %w", err)
	}
	if len(totals) != 1 || len(totals[0]) != 5 {
		return found, errors.New("the server does not say how large it is")
	}
	version, err1 := strconv.Atoi(totals[0][0])
	bytes, err2 := strconv.ParseInt(totals[0][1], 10, 64)
	objects, err3 := strconv.ParseInt(totals[0][2], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return found, fmt.Errorf("read how large it is: %w", err)
	}
	found.Version, found.Bytes, found.LargeObjects = version, bytes, objects
	found.Collate, found.Ctype = totals[0][3], totals[0][4]

	for _, want := range []struct {
		sql  string
		into *[]string
	}{{queryViews, &found.Views}, {queryTypes, &found.Types}, {queryRoutines, &found.Routines}} {
		if *want.into, err = listed(ctx, s, want.sql); err != nil {
			return found, err
		}
	}
	// Rows and states are read last: they take long.
	if found.Sequences, err = sequences(ctx, s); err != nil {
		return found, err
	}
	if found.Tables, err = tables(ctx, s); err != nil {
		return found, err
	}
	copied, err := s.True(ctx, queryLifted)
	if err != nil {
		return found, fmt.Errorf("look for what was lifted: %w", err)
	}
	if copied {
		found.Forced, err = listed(ctx, s, queryForced)
	}
	return found, err
}

// listed is the first column of what a query finds, sorted.
func listed(ctx context.Context, s session, sql string) ([]string, error) {
	rows, err := s.Rows(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("list what is there: %w", err)
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row[0]
	}
	slices.Sort(names)
	return names, nil
}

func tables(ctx context.Context, s session) ([]pool.TableRows, error) {
	names, err := listed(ctx, s, queryTables)
	if err != nil {
		return nil, err
	}
	counted := make([]pool.TableRows, len(names))
	err = each(ctx, s, names, "SELECT %d, count(*) FROM ONLY %s", func(i int, row []string) (err error) {
		counted[i].Name = names[i]
		counted[i].Rows, err = strconv.ParseInt(row[0], 10, 64)
		return err
	})
	return counted, err
}

func sequences(ctx context.Context, s session) ([]pool.SequenceAt, error) {
	names, err := listed(ctx, s, querySequences)
	if err != nil {
		return nil, err
	}
	read := make([]pool.SequenceAt, len(names))
	err = each(ctx, s, names, "SELECT %d, last_value, is_called FROM %s", func(i int, row []string) (err error) {
		read[i].Name, read[i].Called = names[i], row[1] == "t"
		read[i].Last, err = strconv.ParseInt(row[0], 10, 64)
		return err
	})
	return read, err
}

// each asks the same of every relation, of many in one statement, and has take read the answers: the number of the
// relation, and its row.
func each(ctx context.Context, s session, relations []string, question string, take func(i int, row []string) error) error {
	for first := 0; first < len(relations); first += countedAtOnce {
		some := relations[first:min(first+countedAtOnce, len(relations))]
		questions := make([]string, len(some))
		for i, relation := range some {
			questions[i] = fmt.Sprintf(question, first+i, relation)
		}
		rows, err := s.Rows(ctx, strings.Join(questions, " UNION ALL "))
		if err != nil {
			return fmt.Errorf("ask %s and those after it: %w", some[0], err)
		}
		if len(rows) != len(some) {
			return fmt.Errorf("ask %s and those after it: %d answers for %d", some[0], len(rows), len(some))
		}
		for _, row := range rows {
			i, err := strconv.Atoi(row[0])
			if err == nil && (i < first || i >= first+len(some)) {
				err = errors.New("another relation answered")
			}
			if err == nil {
				err = take(i, row[1:])
			}
			if err != nil {
				return fmt.Errorf("read the answers of %s and those after it: %w", some[0], err)
			}
		}
	}
	return nil
}
