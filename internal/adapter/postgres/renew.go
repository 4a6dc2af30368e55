package postgres

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// Drop deletes the slot's database with all that is in it, whoever is connected, and then its roles.
// A slot that is not there is dropped. Of a database that does not bear the slot's mark the error is ErrForeign,
// and nothing is touched. Backups of the instance keep the data until they expire.
func (a *Adapter) Drop(ctx context.Context, login pool.Login, slot pool.MarkedSlot) error {
	id, err := identifyMarked(slot)
	if err != nil {
		return err
	}
	// Nobody waits for it, and whoever is in the database is given time to leave: twice the tries.
	err = a.retryUpTo(ctx, 2*a.Attempts, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := refuseStrange(ctx, s, slot); err != nil {
				return err
			}
			if err := exec(ctx, s, "DROP DATABASE IF EXISTS "+id.database+" WITH (FORCE)"); err != nil {
				return fmt.Errorf("drop the database: %w", err)
			}
			// The roles own, and may do, things in the database, so they can go only after it.
			if err := exec(ctx, s, "DROP ROLE IF EXISTS "+id.copier); err != nil {
				return fmt.Errorf("drop the copier: %w", err)
			}
			if err := exec(ctx, s, "DROP ROLE IF EXISTS "+id.role); err != nil {
				return fmt.Errorf("drop the role: %w", err)
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("drop slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return nil
}

// Renew drops a former tenant's database and role, and makes the next generation's under its own name and mark, with
// at most limit connections. It destroys for good: who calls it has passed the guard. The two must have different
// names, so that nothing that knew the former one finds the next.
func (a *Adapter) Renew(ctx context.Context, login pool.Login, former, next pool.MarkedSlot, limit int) error {
	if former.Name == next.Name || former.Mark == next.Mark {
		return fmt.Errorf("renew slot %s: the next generation has the name or the mark of the former one", former.Name)
	}
	// Refused before anything is dropped, as MakeSlot would refuse it after.
	if _, err := identifyMarked(next); err != nil {
		return err
	}
	if limit < 1 {
		return fmt.Errorf("renew slot %s: %d connections are too few", former.Name, limit)
	}
	if err := a.Drop(ctx, login, former); err != nil {
		return err
	}
	return a.MakeSlot(ctx, login, next.Name, next.Mark, limit)
}
