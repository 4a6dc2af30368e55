// Package shelf keeps the shelves, which are free lists: slots set out ahead, in the order in which signups
// take them. It settles what was claimed, takes back the slots of hosts that are not in service, and sets
// out more. Several may reconcile one shelf at once, and each may be killed between any two steps; the next
// one finishes what was begun.
package shelf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// store is what a Reconciler asks of the ledger.
type store interface {
	Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
	BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) (pool.Shelf, error)
	CommitRefill(ctx context.Context, seen pool.Shelf, offers []pool.Listed, hosts map[pool.HostID]pool.Access) (pool.Shelf, error)
	Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold, at time.Time) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	SaveHosts(ctx context.Context, changes []ledger.HostChange) error
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error)
}

// policies gives the policies in force.
type policies interface {
	Load(ctx context.Context) (pool.Policies, error)
}

// Config is what a Reconciler is built from. All fields are required.
type Config struct {
	Ledger   store
	Policies policies
	Now      func() time.Time
}

// Reconciler keeps shelves in order.
type Reconciler struct{ Config }

// New checks the configuration.
func New(c Config) (*Reconciler, error) {
	if c.Ledger == nil || c.Policies == nil || c.Now == nil {
		return nil, errors.New("shelf: Ledger, Policies and Now are required")
	}
	return &Reconciler{c}, nil
}

// attempts bounds how often one step is decided again after another writer was first.
const attempts = 6

// pass does one thing about a shelf, from what was seen of it, and returns the shelf as it left it.
type pass func(ctx context.Context, seen pool.Shelf) (pool.Shelf, error)

// Reconcile brings one tier's shelf into order. The shelf is read once, and handed on from step to step. A
// step that fails does not keep the later ones from being tried: each is safe by itself, and the ledger
// begins no refill before the last one is finished and every slot on its way back is put back.
func (r *Reconciler) Reconcile(ctx context.Context, tier pool.Tier) error {
	ps, err := r.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load policies to reconcile the shelf of tier %s: %w", tier, err)
	}
	seen, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	var failures []error
	for _, part := range []struct {
		what string
		do   pass
	}{
		{"finish a refill that was left", r.resume},
		{"take back offers", r.withdraw},
		{"put back slots", r.putBack},
		{"refill", r.refill(ps)},
		// Last, because it reads every tenant that holds slots, and signups may be waiting for the refill.
		{"settle claims", r.settle},
		{"put back what strays took", r.putBack},
	} {
		if seen, err = r.persist(ctx, seen, part.do); err != nil {
			failures = append(failures, fmt.Errorf("%s of tier %s: %w", part.what, tier, err))
		}
	}
	return errors.Join(failures...)
}

// Fill refills a tier's shelf for signups that found it bare. Where others are at that already it is left to them.
func (r *Reconciler) Fill(ctx context.Context, tier pool.Tier) error {
	ps, err := r.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load policies to fill the shelf of tier %s: %w", tier, err)
	}
	seen, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	if seen, err = r.resume(ctx, seen); err == nil {
		_, err = r.refill(ps)(ctx, seen)
	}
	if err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("fill the shelf of tier %s: %w", tier, err)
	}
	return nil
}

// TakeBack takes the offers back of hosts that are not in service, for a signup that has just found one so.
func (r *Reconciler) TakeBack(ctx context.Context, tier pool.Tier) error {
	seen, err := r.Ledger.Shelf(ctx, tier)
	if err == nil {
		_, err = r.persist(ctx, seen, r.withdraw)
	}
	if err != nil {
		return fmt.Errorf("take back offers of tier %s: %w", tier, err)
	}
	return nil
}

// persist does a step again, from the shelf as it is by then, when another writer was first.
func (r *Reconciler) persist(ctx context.Context, seen pool.Shelf, do pass) (pool.Shelf, error) {
	for range attempts {
		next, err := do(ctx, seen)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, pool.ErrConflict) {
			return seen, err
		}
		if seen, err = r.Ledger.Shelf(ctx, seen.Tier); err != nil {
			return seen, fmt.Errorf("read the shelf: %w", err)
		}
	}
	return seen, fmt.Errorf("others keep being first: %w", pool.ErrConflict)
}

// changeShelf changes a shelf's holds and what is withdrawn from it.
func (r *Reconciler) changeShelf(ctx context.Context, tier pool.Tier, change func(pool.Shelf) (pool.Shelf, error)) (pool.Shelf, error) {
	return ledger.UpdateShelf(ctx, r.Ledger, tier, func(before pool.Shelf) (pool.Shelf, error) {
		held, withdrawn := len(before.Held), len(before.Withdrawn)
		after, err := change(before)
		if err == nil && len(after.Held) == held && len(after.Withdrawn) == withdrawn {
			return after, ledger.ErrUnchanged
		}
		return after, err
	})
}

// look reads hosts, and the shelf after them: what the shelf said before, and says still, was true of the hosts
// as they were read; and any later step of another reconciler moves a host's version, so that a write of
// it fails instead of undoing that step.
func (r *Reconciler) look(ctx context.Context, tier pool.Tier, ids map[pool.HostID]bool) (map[pool.HostID]pool.Host, pool.Shelf, error) {
	hosts, err := r.Ledger.Hosts(ctx, slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return nil, pool.Shelf{}, fmt.Errorf("read the hosts of the shelf: %w", err)
	}
	shelf, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return nil, pool.Shelf{}, fmt.Errorf("read the shelf: %w", err)
	}
	return hosts, shelf, nil
}

// change makes a list of what change makes of the slots of hosts, in the order of their IDs; hosts whose slots
// stay as they are are left out.
func change(hosts map[pool.HostID]pool.Host, change func(pool.Host) pool.Host) []ledger.HostChange {
	var changes []ledger.HostChange
	for _, id := range slices.Sorted(maps.Keys(hosts)) {
		before := hosts[id]
		if after := change(before); !slices.Equal(before.Slots, after.Slots) {
			changes = append(changes, ledger.HostChange{Before: before, After: after})
		}
	}
	return changes
}

// save writes the slots of hosts that move into or out of the reserve.
func (r *Reconciler) save(ctx context.Context, changes []ledger.HostChange) error {
	if len(changes) == 0 {
		return nil
	}
	if err := r.Ledger.SaveHosts(ctx, changes); err != nil {
		return fmt.Errorf("save the slots of %d hosts: %w", len(changes), err)
	}
	return nil
}
