package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/pool"
)

// A stand-in is a slot that is filled with a copy of a tenant's database as it was at some time, and then takes that
// database's place. Until then the tenant's own database is as it was, and afterwards it is kept, closed, under a third
// name, until the change is undone or the kept one is dropped.

// PrepareStandIn makes a stand-in that is empty: its role may log in with password until a moment soon, and may make the
// schemas of its own database, with which a dump begins. Run again, what an earlier try filled it with is gone.
func (a *Adapter) PrepareStandIn(ctx context.Context, login pool.Login, standIn pool.MarkedSlot, limit int, password string, until time.Time) error {
	id, err := identifyMarked(standIn)
	if err != nil {
		return err
	}
	secret, err := verifier(password, a.Random)
	if err != nil {
		return fmt.Errorf("prepare stand-in %s: %w", standIn.Name, err)
	}
	if until.IsZero() {
		return errors.New("prepare a stand-in: its role has no end")
	}
	if err := a.Drop(ctx, login, standIn); err != nil {
		return err
	}
	if err := a.MakeSlot(ctx, login, standIn.Name, standIn.Mark, limit); err != nil {
		return err
	}
	err = a.retry(ctx, func() error {
		if err := a.within(ctx, login, pool.DatabaseName(standIn.Name), func(s session) error {
			return s.Exec(ctx, "DROP SCHEMA IF EXISTS app") // the dump has it
		}); err != nil {
			return fmt.Errorf("leave the schema to the dump: %w", err)
		}
		if err := a.within(ctx, login, maintenance, func(s session) error {
			return s.Exec(ctx, "GRANT CREATE ON DATABASE "+id.database+" TO "+id.role)
		}); err != nil {
			return fmt.Errorf("let it make schemas: %w", err)
		}
		return a.within(ctx, login, maintenance, func(s session) error {
			// Commit point: the role can log in from here on.
			return s.Exec(ctx, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s' VALID UNTIL '%s'",
				id.role, secret, until.UTC().Format("2006-01-02 15:04:05+00")))
		})
	})
	if err != nil {
		return fmt.Errorf("prepare stand-in %s on %s: %w", standIn.Name, login.Host, err)
	}
	return nil
}

// Force has row security bind the owner of tables in a stand-in as it does in the database that was copied, logged in as the
// stand-in's role. They are named as a Catalog names them.
func (a *Adapter) Force(ctx context.Context, filler pool.Login, name string, tables []string) error {
	err := a.retry(ctx, func() error {
		return a.within(ctx, filler, pool.DatabaseName(name), func(s session) error {
			for _, table := range tables {
				if err := s.Exec(ctx, "ALTER TABLE "+table+" FORCE ROW LEVEL SECURITY"); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("have row security bind the owner of tables in stand-in %s: %w", name, err)
	}
	return nil
}

// Swap puts a stand-in that was filled into a slot's place: all that is in it becomes the tenant's own role's, with the
// limits, settings, rights and mark of the database whose place it takes, and that one is kept under another name and
// mark, to which nobody can connect. The tenant's sessions end (57P01), and its role and password are what they were. Run
// again, it finds what it did.
//
// kept.Name must be of no slot. Of databases that bear other marks the error is ErrForeign; without a stand-in and what is
// kept it is ErrNoSlot.
func (a *Adapter) Swap(ctx context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error {
	ids, err := identifyAll(slot, standIn, kept)
	if err != nil {
		return fmt.Errorf("swap databases: %w", err)
	}
	present, in, old := ids[0], ids[1], ids[2]
	err = a.retryUpTo(ctx, 2*a.Attempts, func() error {
		// First the stand-in, which goes in the moment in which what is kept comes: who sees neither, in this order, knows
		// that there is neither, also while another run exchanges them.
		there, err := a.bears(ctx, login, standIn)
		if err != nil {
			return err
		}
		if there {
			err = a.handOver(ctx, login, slot, standIn)
		} else {
			err = a.refuseMissing(ctx, login, slot, kept)
		}
		if there && err == nil {
			err = a.exchange(ctx, login, slot, standIn, kept)
		}
		// Its name is another, it is closed for the moment of that, or its role is gone.
		if state := sqlState(err); state == noSuchDatabase || state == notAccepting || state == undefinedObject {
			err = fmt.Errorf("%w: %s", errExchanged, err)
		}
		if err != nil {
			return err
		}
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := letIn(ctx, s, present, old); err != nil {
				return err
			}
			return exec(ctx, s, "DROP ROLE IF EXISTS "+in.role)
		})
	})
	if err != nil {
		return fmt.Errorf("swap slot %s on %s for its stand-in: %w", slot.Name, login.Host, err)
	}
	return nil
}

// LetIn lets a tenant into whichever database is in its slot's place, where Swap or SwapBack have shut it and did not come to
// their end. What they have done is left as it is: either may be run again.
func (a *Adapter) LetIn(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error {
	id, err := identifyMarked(slot)
	if err != nil {
		return err
	}
	err = a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := refuseStrange(ctx, s, slot); err != nil {
				return err
			}
			return allow(ctx, s, id)
		})
	})
	if err != nil {
		return fmt.Errorf("let the tenant into slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return nil
}

// SwapBack undoes Swap: the kept database is the slot's again, and what took its place is kept as that was, closed, under
// the stand-in's name and mark, until Drop. Run again, it finds what it did. Without either the error is ErrNoSlot.
func (a *Adapter) SwapBack(ctx context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error {
	ids, err := identifyAll(slot, standIn, kept)
	if err != nil {
		return fmt.Errorf("swap databases back: %w", err)
	}
	present, out := ids[0], ids[1]
	err = a.retryUpTo(ctx, 2*a.Attempts, func() error {
		there, err := a.bears(ctx, login, kept)
		if err != nil {
			return err
		}
		if there {
			err = a.exchange(ctx, login, slot, kept, standIn)
		} else {
			err = a.refuseMissing(ctx, login, slot, standIn)
		}
		if err != nil {
			return err
		}
		return a.within(ctx, login, maintenance, func(s session) error { return letIn(ctx, s, present, out) })
	})
	if err != nil {
		return fmt.Errorf("swap slot %s on %s back: %w", slot.Name, login.Host, err)
	}
	return nil
}

// letIn lets the tenant into the database that is its own now, and no more into the one that was.
func letIn(ctx context.Context, s session, present, old identifiers) error {
	if err := s.Exec(ctx, "REVOKE ALL ON DATABASE "+old.database+" FROM "+present.role); err != nil {
		return fmt.Errorf("close the database that was: %w", err)
	}
	return allow(ctx, s, present)
}

// allow has a database take the tenant's connections.
func allow(ctx context.Context, s session, present identifiers) error {
	for _, step := range []struct{ what, sql string }{
		{"let the tenant connect", "GRANT CONNECT, TEMPORARY ON DATABASE " + present.database + " TO " + present.role},
		{"allow connections", "ALTER DATABASE " + present.database + " ALLOW_CONNECTIONS true"},
	} {
		if err := s.Exec(ctx, step.sql); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func identifyAll(slots ...pool.MarkedSlot) ([]identifiers, error) {
	var ids []identifiers
	seen := map[string]bool{}
	for _, slot := range slots {
		id, err := identifyMarked(slot)
		if err != nil {
			return nil, err
		}
		if seen[slot.Name] || seen["mark "+slot.Mark] {
			return nil, fmt.Errorf("slot %s: another has its name or mark", slot.Name)
		}
		seen[slot.Name], seen["mark "+slot.Mark] = true, true
		ids = append(ids, id)
	}
	return ids, nil
}

// bears reports whether a slot's database is there and bears its mark; one that bears another is ErrForeign.
func (a *Adapter) bears(ctx context.Context, login pool.Login, slot pool.MarkedSlot) (there bool, err error) {
	err = a.within(ctx, login, maintenance, func(s session) error {
		if err := refuseStrange(ctx, s, slot); err != nil {
			return err
		}
		there, err = s.True(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '"+pool.DatabaseName(slot.Name)+"')")
		return err
	})
	return there, err
}

// refuseMissing is ErrNoSlot where there is no other for a slot's database to change places with. A try before, which found
// one, may have shut the slot's: that is open again.
func (a *Adapter) refuseMissing(ctx context.Context, login pool.Login, slot, other pool.MarkedSlot) error {
	there, err := a.bears(ctx, login, other)
	if err != nil || there {
		return err
	}
	if present, err := a.bears(ctx, login, slot); err != nil {
		return err
	} else if present {
		if err := a.within(ctx, login, maintenance, func(s session) error {
			return s.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{pool.DatabaseName(slot.Name)}.Sanitize()+" ALLOW_CONNECTIONS true")
		}); err != nil {
			return fmt.Errorf("open database %s, which changes places with none: %w", pool.DatabaseName(slot.Name), err)
		}
	}
	return fmt.Errorf("database %s: %w", pool.DatabaseName(other.Name), ErrNoSlot)
}

// exchange takes one database out of a slot's place and puts another in, with their marks, in one transaction. Nobody can
// be connected to a database whose name changes, so nobody is let in before, and who is in is put out.
func (a *Adapter) exchange(ctx context.Context, login pool.Login, slot, in, out pool.MarkedSlot) error {
	quoted := func(s pool.MarkedSlot) string { return pgx.Identifier{pool.DatabaseName(s.Name)}.Sanitize() }
	return a.within(ctx, login, maintenance, func(s session) error {
		// One at a time: the slower of two would shut what the faster has just put into the place. The lock goes with the
		// session.
		if err := s.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended('"+pool.DatabaseName(slot.Name)+"', 0))"); err != nil {
			return fmt.Errorf("wait for who changes the databases' places: %w", err)
		}
		there, err := s.True(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '"+pool.DatabaseName(in.Name)+"')")
		if err != nil {
			return fmt.Errorf("look for what is to come into the place: %w", err)
		}
		if !there {
			return errExchanged
		}
		for _, database := range []pool.MarkedSlot{slot, in, out} {
			if err := refuseStrange(ctx, s, database); err != nil {
				return err
			}
		}
		for _, database := range []pool.MarkedSlot{slot, in} {
			if err := s.Exec(ctx, "ALTER DATABASE "+quoted(database)+" ALLOW_CONNECTIONS false"); err != nil {
				return fmt.Errorf("let nobody in: %w", err)
			}
			if err := empty(ctx, s, pool.DatabaseName(database.Name)); err != nil {
				return err
			}
		}
		// Commit point: the databases have changed places. Several statements at once are one transaction.
		err = s.Exec(ctx, "ALTER DATABASE "+quoted(slot)+" RENAME TO "+quoted(out)+
			"; COMMENT ON DATABASE "+quoted(out)+" IS '"+out.Mark+"'"+
			"; ALTER DATABASE "+quoted(in)+" RENAME TO "+quoted(slot)+
			"; COMMENT ON DATABASE "+quoted(slot)+" IS '"+slot.Mark+"'")
		if err != nil {
			return fmt.Errorf("change the databases' places: %w", err)
		}
		return nil
	})
}

// empty ends all sessions in a database, and waits a moment for each to be gone. Those of superusers, who are RDS's own, and
// the server's workers are not ours to end: a change of the name waits for them, and refuses if they stay.
func empty(ctx context.Context, s session, database string) error {
	sessions := "FROM pg_stat_activity JOIN pg_roles ON rolname = usename AND NOT rolsuper WHERE datname = '" + database + "'"
	if err := s.Exec(ctx, "SELECT pg_terminate_backend(pid, 2000) "+sessions); err != nil {
		return fmt.Errorf("end the sessions in it: %w", err)
	}
	gone, err := s.True(ctx, "SELECT NOT EXISTS (SELECT "+sessions+")")
	if err != nil {
		return fmt.Errorf("look for sessions in it: %w", err)
	}
	if !gone {
		return errSessionsLeft
	}
	return nil
}
