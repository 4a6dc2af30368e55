// Package shelf keeps the shelves, which are free lists: slots set out ahead, in the order in which signups
// take them. It settles what was claimed, takes back the slots of hosts that are not in service, and sets
// out more. Several may reconcile one shelf at once, and each may be killed between any two steps; the next
// one finishes what was begun.
package shelf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// store is what a Reconciler asks of the ledger.
type store interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
	BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) error
	CommitRefill(ctx context.Context, tier pool.Tier, number int64, kind pool.Kind, offers []pool.Offer, hosts map[pool.HostID]pool.Access) error
	Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold) error
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
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

// Reconcile brings one tier's shelf into order. A step that fails does not keep the later ones from being
// tried: each is safe by itself, and the ledger begins no refill before the last one is finished and
// every slot on its way back is put back.
func (r *Reconciler) Reconcile(ctx context.Context, tier pool.Tier) error {
	ps, err := r.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load policies to reconcile the shelf of tier %s: %w", tier, err)
	}
	var failures []error
	try := func(what string, do func(context.Context, pool.Tier) error) {
		if err := r.persist(ctx, tier, do); err != nil {
			failures = append(failures, fmt.Errorf("%s of tier %s: %w", what, tier, err))
		}
	}
	try("finish the refill", r.finishRefill)
	try("take back offers", r.withdraw)
	try("put back slots", r.putBack)
	for _, kind := range pool.Kinds {
		if len(ps) == 0 {
			break // nothing is to be set out
		}
		p, err := r.policy(ctx, ps, pool.Key{Kind: kind, Tier: tier})
		if err == nil {
			err = r.refill(ctx, p)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("refill %ss of tier %s: %w", kind, tier, err))
		}
	}
	// Last, because it reads every tenant that holds slots, and signups may be waiting for the refill.
	try("settle claims", r.settle)
	try("put back what strays took", r.putBack)
	return errors.Join(failures...)
}

// policy is the policy of a pool; one that was taken out of the policies has that of retired pools, so that its
// tier's tenants are served on.
func (r *Reconciler) policy(ctx context.Context, ps pool.Policies, key pool.Key) (pool.Policy, error) {
	if p, ok := ps.Of(key); ok {
		return p, nil
	}
	record, err := r.Ledger.Pool(ctx, key)
	if err != nil {
		return pool.Policy{}, fmt.Errorf("read pool %s, which has no policy: %w", key, err)
	}
	return pool.Retired(record), nil
}

// persist does a step again when another writer was first.
func (r *Reconciler) persist(ctx context.Context, tier pool.Tier, do func(context.Context, pool.Tier) error) error {
	var err error
	for range attempts {
		if err = do(ctx, tier); !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return err
}

// changeShelf changes a shelf's holds and what is withdrawn from it.
func (r *Reconciler) changeShelf(ctx context.Context, tier pool.Tier, change func(pool.Shelf) (pool.Shelf, error)) error {
	return ledger.UpdateShelf(ctx, r.Ledger, tier, func(before pool.Shelf) (pool.Shelf, error) {
		held, withdrawn := len(before.Held), len(before.Withdrawn)
		after, err := change(before)
		if err == nil && len(after.Held) == held && len(after.Withdrawn) == withdrawn {
			return after, ledger.ErrUnchanged
		}
		return after, err
	})
}

// changeHost changes a host's slots by what the shelf says. The host is read first and the shelf
// after it: what the shelf still says then was true of the host as it was read, and any later step
// of another reconciler moves the host's version, so that this write fails instead of undoing it.
func (r *Reconciler) changeHost(ctx context.Context, id pool.HostID, tier pool.Tier, change func(pool.Host, pool.Shelf) pool.Host) (pool.Host, error) {
	_, after, err := ledger.UpdateHost(ctx, r.Ledger, id, r.Now(), func(before pool.Host) (pool.Host, pool.Outcome, error) {
		shelf, err := r.Ledger.Shelf(ctx, tier)
		if err != nil {
			return before, pool.Neutral, fmt.Errorf("read the shelf of tier %s: %w", tier, err)
		}
		after := change(before.Clone(), shelf)
		if slices.Equal(before.Slots, after.Slots) {
			return before, pool.Neutral, ledger.ErrUnchanged
		}
		return after, pool.Neutral, nil
	})
	return after, err
}
