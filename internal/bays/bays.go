// Package bays has the tasks that copy tenants' data take turns: those of tenants that leave, and of tenants that go back
// in time.
package bays

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// rounds bounds how often a bay is tried for again because another writer was first.
const rounds = 5

// ErrNone is why somebody waits to be copied.
var ErrNone = errors.New("as many tenants are being copied as may be at once, or one of the same database host is")

type store interface {
	Bays(ctx context.Context) (pool.Bays, error)
	SaveBays(ctx context.Context, before, after pool.Bays) error
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
}

// Bays are the stage's bays. Both fields are required.
type Bays struct {
	Ledger store
	AtOnce int // how many there are
}

// Take takes a bay for the task of a departure or restoration, which is its owner; false when there is none. Bays of those that
// have no use of them any more are given back first.
func (b Bays) Take(ctx context.Context, bay pool.Bay) (bool, error) {
	for range rounds {
		bays, err := b.Ledger.Bays(ctx)
		if err != nil {
			return false, err
		}
		before := bays
		taken, ok := bays.Take(bay, b.AtOnce)
		if !ok {
			if bays, err = b.tidy(ctx, bays); err != nil {
				return false, err
			}
			taken, ok = bays.Take(bay, b.AtOnce)
		}
		if !ok || len(taken.Taken) == len(before.Taken) && before.Has(bay.Owner) {
			return ok, nil
		}
		// Commit point: nobody else gets this bay.
		err = b.Ledger.SaveBays(ctx, before, taken)
		if !errors.Is(err, pool.ErrConflict) {
			return err == nil, err
		}
	}
	return false, nil
}

// tidy gives back what was taken by those that are not copied any more: they were killed before they did it.
func (b Bays) tidy(ctx context.Context, bays pool.Bays) (pool.Bays, error) {
	for _, bay := range bays.Taken {
		needed, err := b.needed(ctx, bay.Owner)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return bays, fmt.Errorf("look whether %s needs its bay: %w", bay.Owner, err)
		}
		if err != nil || !needed {
			bays = bays.Leave(bay.Owner)
		}
	}
	return bays, nil
}

func (b Bays) needed(ctx context.Context, owner string) (bool, error) {
	if tenant, _, ok := pool.RestorationID(owner).Parse(); ok {
		r, err := b.Ledger.Restoration(ctx, tenant)
		return r.ID() == pool.RestorationID(owner) && r.Copying(), err
	}
	d, err := b.Ledger.Departure(ctx, pool.DepartureID(owner))
	return d.Copying(), err
}

// Leave gives an owner's bay back.
func (b Bays) Leave(ctx context.Context, owner string) error {
	for range rounds {
		bays, err := b.Ledger.Bays(ctx)
		if err != nil || !bays.Has(owner) {
			return err
		}
		if err := b.Ledger.SaveBays(ctx, bays, bays.Leave(owner)); !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("give the bay of %s back: %w", owner, pool.ErrConflict)
}
