package postgres

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// Open lets the slot's role log in with password, printable ASCII. It is one statement. The password
// itself does not leave this process. Without such a slot the error is ErrNoSlot.
func (a *Adapter) Open(ctx context.Context, login pool.Login, name, password string) error {
	id, err := identify(name)
	if err != nil {
		return err
	}
	secret, err := verifier(password, a.Random)
	if err != nil {
		return fmt.Errorf("open slot %s: %w", name, err)
	}
	// Commit point: the tenant can connect from here on. Once more with the same password is harmless.
	err = a.alterRole(ctx, login, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s'", id.role, secret))
	if err != nil {
		return fmt.Errorf("open slot %s on %s: %w", name, login.Host, err)
	}
	return nil
}

// Close keeps the slot's role from logging in and ends its sessions. Its data stays. A slot that is
// not there is closed.
func (a *Adapter) Close(ctx context.Context, login pool.Login, name string) error {
	id, err := identify(name)
	if err != nil {
		return err
	}
	// Logging in ends first, or sessions would come back while they are ended.
	err = a.alterRole(ctx, login, "ALTER ROLE "+id.role+" NOLOGIN")
	if err == nil {
		err = a.retry(ctx, func() error {
			return a.within(ctx, login, maintenance, func(s session) error { return terminate(ctx, s, pool.RoleName(name)) })
		})
	}
	if err != nil && !errors.Is(err, ErrNoSlot) {
		return fmt.Errorf("close slot %s on %s: %w", name, login.Host, err)
	}
	return nil
}

func (a *Adapter) alterRole(ctx context.Context, login pool.Login, sql string) error {
	return a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			err := s.Exec(ctx, sql)
			if sqlState(err) == undefinedObject {
				return ErrNoSlot
			}
			return err
		})
	})
}

// terminate ends a role's sessions, and waits a moment for each to be gone.
func terminate(ctx context.Context, s session, role string) error {
	sessions := "FROM pg_stat_activity WHERE usename = '" + role + "'"
	if err := s.Exec(ctx, "SELECT pg_terminate_backend(pid, 2000) "+sessions); err != nil {
		return fmt.Errorf("end the sessions: %w", err)
	}
	gone, err := s.True(ctx, "SELECT NOT EXISTS (SELECT "+sessions+")")
	if err != nil {
		return fmt.Errorf("look for sessions: %w", err)
	}
	if !gone {
		return errSessionsLeft
	}
	return nil
}

// Drop deletes the slot's database with all that is in it, whoever is connected, and then its role.
// A slot that is not there is dropped. Backups of the instance keep the data until they expire.
func (a *Adapter) Drop(ctx context.Context, login pool.Login, name string) error {
	id, err := identify(name)
	if err != nil {
		return err
	}
	// Nobody waits for it, and whoever is in the database is given time to leave: twice the tries.
	err = a.retryUpTo(ctx, 2*a.Attempts, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := exec(ctx, s, "DROP DATABASE IF EXISTS "+id.database+" WITH (FORCE)"); err != nil {
				return fmt.Errorf("drop the database: %w", err)
			}
			// The role owns the schema in the database, so it can go only after it.
			if err := exec(ctx, s, "DROP ROLE IF EXISTS "+id.role); err != nil {
				return fmt.Errorf("drop the role: %w", err)
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("drop slot %s on %s: %w", name, login.Host, err)
	}
	return nil
}
