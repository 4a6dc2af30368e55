// Package shelf tends the shelves: it settles what was claimed, takes back the slots of hosts that
// are not in service, and sets out more. Tending may be done by several at once, and may be killed
// between any two steps; whoever tends next finishes what was begun.
package shelf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

// ledger is what tending asks of the ledger.
type ledger interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
	BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) error
	CommitRefill(ctx context.Context, tier pool.Tier, number int64, kind pool.Kind, offers []pool.Offer, hosts map[pool.HostID]pool.Access) error
	Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error)
}

// policies gives the policies in force.
type policies interface {
	Load(ctx context.Context) (pool.Policies, error)
}

// Config is what a Keeper is built from. All fields are required.
type Config struct {
	Ledger   ledger
	Policies policies
	Now      func() time.Time
}

// Keeper tends shelves.
type Keeper struct{ Config }

// New checks the configuration.
func New(c Config) (*Keeper, error) {
	if c.Ledger == nil || c.Policies == nil || c.Now == nil {
		return nil, errors.New("shelf: Ledger, Policies and Now are required")
	}
	return &Keeper{c}, nil
}

// attempts bounds how often one step is decided again after somebody else wrote first.
const attempts = 6

// Tend brings one tier's shelf into order. A step that fails does not keep the later ones from being
// tried: each is safe by itself, and the ledger begins no refill before the last one is finished and
// every slot on its way back is put back.
func (k *Keeper) Tend(ctx context.Context, tier pool.Tier) error {
	ps, err := k.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load policies to tend the shelf of tier %s: %w", tier, err)
	}
	var failures []error
	try := func(what string, do func(context.Context, pool.Tier) error) {
		if err := k.persist(ctx, tier, do); err != nil {
			failures = append(failures, fmt.Errorf("%s of tier %s: %w", what, tier, err))
		}
	}
	try("finish the refill", k.finishRefill)
	try("take back offers", k.withdraw)
	try("put back slots", k.putBack)
	for _, kind := range pool.Kinds {
		p, ok := ps.Of(pool.Key{Kind: kind, Tier: tier})
		if !ok {
			continue // a tier that was taken out of the policy is not refilled
		}
		if err := k.refill(ctx, p); err != nil {
			failures = append(failures, fmt.Errorf("refill %ss of tier %s: %w", kind, tier, err))
		}
	}
	// Last, because it reads every tenant that holds slots, and signups may be waiting for the refill.
	try("settle claims", k.settle)
	try("put back what strays took", k.putBack)
	return errors.Join(failures...)
}

// persist does a step again when somebody else wrote first.
func (k *Keeper) persist(ctx context.Context, tier pool.Tier, do func(context.Context, pool.Tier) error) error {
	var err error
	for range attempts {
		if err = do(ctx, tier); !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return err
}

// changeShelf changes a shelf by what it says. Claims move the shelf's version, so that nothing else
// is read between reading and writing it.
func (k *Keeper) changeShelf(ctx context.Context, tier pool.Tier, change func(pool.Shelf) (pool.Shelf, error)) error {
	return k.persist(ctx, tier, func(ctx context.Context, tier pool.Tier) error {
		before, err := k.Ledger.Shelf(ctx, tier)
		if err != nil {
			return fmt.Errorf("read the shelf: %w", err)
		}
		after, err := change(before.Clone())
		if err != nil {
			return err
		}
		if len(after.Held) == len(before.Held) && len(after.Withdrawn) == len(before.Withdrawn) {
			return nil
		}
		if err := k.Ledger.SaveShelf(ctx, before, after); err != nil {
			return fmt.Errorf("save the shelf: %w", err)
		}
		return nil
	})
}

// changeHost changes a host's record by what the shelf says. The host is read first and the shelf
// after it: what the shelf still says then was true of the host as it was read, and any later step
// of another tender moves the host's version, so that this write fails instead of undoing it.
func (k *Keeper) changeHost(ctx context.Context, id pool.HostID, tier pool.Tier, change func(pool.Host, pool.Shelf) pool.Host) (pool.Host, error) {
	for range attempts {
		before, err := k.Ledger.Host(ctx, id)
		if err != nil {
			return pool.Host{}, fmt.Errorf("read host %s: %w", id, err)
		}
		shelf, err := k.Ledger.Shelf(ctx, tier)
		if err != nil {
			return pool.Host{}, fmt.Errorf("read the shelf of tier %s: %w", tier, err)
		}
		after := change(before.Clone(), shelf)
		if slices.Equal(before.Slots, after.Slots) {
			return before, nil
		}
		err = k.Ledger.SaveHost(ctx, before, after, pool.Neutral, k.Now())
		if err == nil {
			return after, nil
		}
		if !errors.Is(err, pool.ErrConflict) {
			return pool.Host{}, fmt.Errorf("save host %s: %w", id, err)
		}
	}
	return pool.Host{}, fmt.Errorf("save host %s: %w", id, pool.ErrConflict)
}
