package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"headroom/internal/pool"
)

// Strange names what an instance holds beyond slots as they are made: databases that are none of these slots' nor the
// server's, and in the slots' databases whatever their tenants could have made. Nothing is what an instance has that is
// nobody's. Slots that are out of use, by their names, may hold anything. It looks as master, and changes nothing. Of a slot
// whose database is not there it says so; names of a tenant's own things are left out.
func (a *Adapter) Strange(ctx context.Context, login pool.Login, slots []pool.MarkedSlot, outOfUse []string) ([]string, error) {
	known := map[string]bool{}
	for _, slot := range slots {
		if _, err := identifyMarked(slot); err != nil {
			return nil, err
		}
		known[pool.DatabaseName(slot.Name)] = true
	}
	var found []string
	err := a.retry(ctx, func() error {
		found = nil
		var there []string
		err := a.within(ctx, login, maintenance, func(s session) error {
			var err error
			if there, err = listed(ctx, s, "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1', 'rdsadmin') ORDER BY datname"); err != nil {
				return err
			}
			for _, slot := range slots {
				if slices.Contains(there, pool.DatabaseName(slot.Name)) {
					switch err := refuseStrange(ctx, s, slot); {
					case errors.Is(err, ErrForeign):
						found = append(found, fmt.Sprintf("database %s does not bear the mark of its slot", pool.DatabaseName(slot.Name)))
					case err != nil:
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list the databases: %w", err)
		}
		for _, database := range there {
			if slices.ContainsFunc(outOfUse, func(name string) bool { return pool.DatabaseName(name) == database }) {
				continue
			}
			if !known[database] {
				found = append(found, fmt.Sprintf("database %s is none of its slots'", database))
				continue
			}
			var held []string
			err := a.within(ctx, login, database, func(s session) error {
				var err error
				held, err = listed(ctx, s, contents)
				return err
			})
			if err != nil {
				return fmt.Errorf("look into database %s: %w", database, err)
			}
			if len(held) > 0 {
				kind, _, _ := strings.Cut(held[0], " ")
				found = append(found, fmt.Sprintf("database %s holds %d things, such as a %s", database, len(held), kind))
			}
		}
		for _, slot := range slots {
			if !slices.Contains(there, pool.DatabaseName(slot.Name)) {
				found = append(found, fmt.Sprintf("database %s is not there", pool.DatabaseName(slot.Name)))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look what %s holds: %w", login.Host, err)
	}
	return found, nil
}
