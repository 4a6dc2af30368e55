package postgres

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// maintenance is the database from which the master user works on the others.
const maintenance = "postgres"

// Harden closes the databases that an instance begins with to everyone but the master user, who has
// to own them, as on RDS. Once an instance, before its first slot.
func (a *Adapter) Harden(ctx context.Context, login pool.Login) error {
	err := a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error { return harden(ctx, s) })
	})
	if err != nil {
		return fmt.Errorf("harden %s: %w", login.Host, err)
	}
	return nil
}

func harden(ctx context.Context, s session) error {
	for _, database := range []string{"postgres", "template1"} {
		if err := exec(ctx, s, "REVOKE CONNECT ON DATABASE "+database+" FROM PUBLIC"); err != nil {
			return fmt.Errorf("close database %s: %w", database, err)
		}
	}
	return require(ctx, s, "the databases postgres and template1", `
		SELECT bool_and(NOT has_database_privilege('public', oid, 'CONNECT'))
		FROM pg_database WHERE datname IN ('postgres', 'template1')`)
}

// require looks whether a revoke has taken effect: the server only warns when it has none, because
// another role owns the object.
func require(ctx context.Context, s session, what, sql string) error {
	sealed, err := s.True(ctx, sql)
	if err != nil {
		return fmt.Errorf("look whether %s is sealed: %w", what, err)
	}
	if !sealed {
		return fmt.Errorf("%s: %w", what, ErrUnsealed)
	}
	return nil
}
