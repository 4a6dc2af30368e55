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
	err = a.alterRole(ctx, login, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s' VALID UNTIL 'infinity'", id.role, secret))
	if err != nil {
		return fmt.Errorf("open slot %s on %s: %w", name, login.Host, err)
	}
	return nil
}

// Close keeps the slot's role from logging in and ends its sessions. Its data stays, and so does its password.
// A slot that is not there is closed. A session that was let in at the very same moment is not seen by the
// server's own statistics yet: what must not meet one asks Closed too, a while later.
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

// Closed returns nil if nobody is, or can come, in as the slot's role; otherwise the error is ErrOpen.
func (a *Adapter) Closed(ctx context.Context, login pool.Login, name string) error {
	if _, err := identify(name); err != nil {
		return err
	}
	err := a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error { return refuseOpen(ctx, s, name) })
	})
	if err != nil {
		return fmt.Errorf("look whether slot %s on %s is closed: %w", name, login.Host, err)
	}
	return nil
}

func refuseOpen(ctx context.Context, s session, name string) error {
	open, err := s.True(ctx, fmt.Sprintf(`
		SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '%[1]s' AND rolcanlogin)
		OR EXISTS (SELECT FROM pg_stat_activity WHERE usename = '%[1]s')`, pool.RoleName(name)))
	if err != nil {
		return fmt.Errorf("look for the tenant: %w", err)
	}
	if open {
		return ErrOpen
	}
	return nil
}

// Reopen undoes Close: the slot's role may log in again with the password that it had. Of a slot that is not there
// the error is ErrNoSlot, of a database that does not bear the slot's mark ErrForeign.
func (a *Adapter) Reopen(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error {
	id, err := identifyMarked(slot)
	if err != nil {
		return err
	}
	err = a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := refuseStrange(ctx, s, slot); err != nil {
				return err
			}
			// Commit point: the tenant can connect from here on.
			err := s.Exec(ctx, "ALTER ROLE "+id.role+" LOGIN")
			if sqlState(err) == undefinedObject {
				return ErrNoSlot
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("reopen slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return nil
}
