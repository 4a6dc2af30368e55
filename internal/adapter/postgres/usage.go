package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"headroom/internal/pool"
)

// queryUsage tells what each database takes now, in one look: queries that run, connections, and its size.
const queryUsage = `SELECT d.datname, count(a.pid) FILTER (WHERE a.state = 'active'), count(a.pid), pg_database_size(d.oid)
	FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.backend_type = 'client backend'
	WHERE d.datname NOT IN ('template0', 'template1', 'postgres', 'rdsadmin') GROUP BY d.oid, d.datname`

// Usage reads what each database of an instance uses now, by its name. It is not tried again: whoever asks wants to know how
// it is now, and an instance that is full or down does not answer.
func (a *Adapter) Usage(ctx context.Context, login pool.Login) (map[string]pool.DatabaseUse, error) {
	found := map[string]pool.DatabaseUse{}
	err := a.within(ctx, login, maintenance, func(s session) error {
		rows, err := s.Rows(ctx, queryUsage)
		if err != nil {
			return err
		}
		for _, row := range rows {
			active, err1 := strconv.Atoi(row[1])
			connections, err2 := strconv.Atoi(row[2])
			bytes, err3 := strconv.ParseInt(row[3], 10, 64)
			if err := errors.Join(err1, err2, err3); err != nil {
				return fmt.Errorf("read what database %s uses: %w", row[0], err)
			}
			found[row[0]] = pool.DatabaseUse{Active: active, Connections: connections, Bytes: bytes}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what the databases of %s use: %w", login.Host, err)
	}
	return found, nil
}
