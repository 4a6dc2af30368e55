package postgres

import (
	"context"
	"fmt"
	"strconv"

	"headroom/internal/pool"
)

// Size is how many bytes the slot's database takes on the instance's disk. Without a slot the error is ErrNoSlot, of a
// database that does not bear the slot's mark ErrForeign.
func (a *Adapter) Size(ctx context.Context, login pool.Login, slot pool.MarkedSlot) (size int64, err error) {
	if _, err := identifyMarked(slot); err != nil {
		return 0, err
	}
	err = a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := refuseStrange(ctx, s, slot); err != nil {
				return err
			}
			rows, err := s.Rows(ctx, "SELECT pg_database_size(oid) FROM pg_database WHERE datname = '"+pool.DatabaseName(slot.Name)+"'")
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return ErrNoSlot
			}
			size, err = strconv.ParseInt(rows[0][0], 10, 64)
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("measure slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return size, nil
}
