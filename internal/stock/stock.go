// Package stock tends the shelves: it settles what was claimed, takes back the slots of hosts that
// are not in service, and sets out more. Tending may be done by several at once, and may be killed
// between any two steps; whoever tends next finishes what was begun.
package stock

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
		return nil, errors.New("stock: Ledger, Policies and Now are required")
	}
	return &Keeper{c}, nil
}

// attempts bounds how often one step is decided again after somebody else wrote first.
const attempts = 6

// Tend brings one tier's shelf into order. The order of the steps matters: a refill under way is
// finished before another may begin, and slots on their way back are put back before any are set
// out again.
func (k *Keeper) Tend(ctx context.Context, tier pool.Tier) error {
	ps, err := k.Policies.Load(ctx)
	if err != nil {
		return fmt.Errorf("load policies to tend the shelf of tier %s: %w", tier, err)
	}
	steps := []struct {
		what string
		do   func(context.Context, pool.Tier) error
	}{
		{"finish the refill", k.finishRefill},
		{"settle claims", k.settle},
		{"take back offers", k.withdraw},
		{"put back slots", k.putBack},
	}
	for _, step := range steps {
		if err := k.persist(ctx, tier, step.do); err != nil {
			return fmt.Errorf("%s of tier %s: %w", step.what, tier, err)
		}
	}
	for _, kind := range pool.Kinds {
		p, ok := ps.Of(pool.Key{Kind: kind, Tier: tier})
		if !ok {
			continue // a tier that was taken out of the policy is not refilled
		}
		if err := k.refill(ctx, p); err != nil {
			return fmt.Errorf("refill %ss of tier %s: %w", kind, tier, err)
		}
	}
	return nil
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

// settle writes tenants that are ready into their hosts' records, then forgets their holds.
// A hold whose tenant is not ready yet stays: the signup under way will find it.
func (k *Keeper) settle(ctx context.Context, tier pool.Tier) error {
	shelf, err := k.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	done := map[pool.TenantID]pool.Hold{}
	byHost := map[pool.HostID]map[int]pool.TenantID{}
	note := func(kind pool.Kind, o pool.Offer, t pool.TenantID) {
		id := pool.Key{Kind: kind, Tier: tier}.Host(o.Host)
		if byHost[id] == nil {
			byHost[id] = map[int]pool.TenantID{}
		}
		byHost[id][o.Index] = t
	}
	for _, id := range slices.Sorted(maps.Keys(shelf.Held)) {
		tenant, err := k.Ledger.Tenant(ctx, id)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read tenant %s: %w", id, err)
		}
		if tenant.State != pool.Ready {
			continue
		}
		hold := shelf.Held[id]
		done[id] = hold
		note(pool.Database, hold.Database, id)
		note(pool.Share, hold.Share, id)
	}
	for _, id := range slices.Sorted(maps.Keys(byHost)) {
		_, err := k.changeHost(ctx, id, tier, func(h pool.Host, now pool.Shelf) pool.Host {
			for _, index := range slices.Sorted(maps.Keys(byHost[id])) {
				tenant := byHost[id][index]
				if hold, held := now.Held[tenant]; held && hold == done[tenant] {
					h = pool.Assign(h, index, tenant, k.Now())
				}
			}
			return h
		})
		if err != nil {
			return err
		}
	}
	if len(done) == 0 {
		return nil
	}
	// Commit point: the hosts' records name the tenants, so the holds are no longer needed.
	return k.Ledger.Settle(ctx, tier, done)
}

// withdraw takes back the offers of hosts that are not in service any more.
func (k *Keeper) withdraw(ctx context.Context, tier pool.Tier) error {
	before, err := k.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	after := pool.Tidy(before)
	for _, id := range before.Offering() {
		h, err := k.Ledger.Host(ctx, id)
		if err != nil {
			return fmt.Errorf("read host %s: %w", id, err)
		}
		if h.State == pool.InService {
			continue
		}
		if after, err = pool.Withdraw(after, id); err != nil {
			return fmt.Errorf("withdraw the offers of %s: %w", id, err)
		}
	}
	if len(after.Withdrawn) == len(before.Withdrawn) && len(after.Hosts) == len(before.Hosts) {
		return nil
	}
	// Commit point: from here on no claim takes the host's slots.
	return k.Ledger.SaveShelf(ctx, before, after)
}

// putBack returns withdrawn slots into their hosts' records.
func (k *Keeper) putBack(ctx context.Context, tier pool.Tier) error {
	before, err := k.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	if len(before.Withdrawn) == 0 {
		return nil
	}
	byHost := map[pool.HostID][]int{}
	for _, w := range before.Withdrawn {
		id := pool.Key{Kind: w.Kind, Tier: tier}.Host(w.Offer.Host)
		byHost[id] = append(byHost[id], w.Offer.Index)
	}
	for _, id := range slices.Sorted(maps.Keys(byHost)) {
		_, err := k.changeHost(ctx, id, tier, func(h pool.Host, now pool.Shelf) pool.Host {
			var still []int
			for _, w := range now.Withdrawn {
				if (pool.Key{Kind: w.Kind, Tier: tier}).Host(w.Offer.Host) == id {
					still = append(still, w.Offer.Index)
				}
			}
			return pool.PutBack(h, still, k.Now())
		})
		if err != nil {
			return err
		}
	}
	after, err := k.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	current := after.Clone()
	current.Withdrawn = slices.DeleteFunc(current.Withdrawn, func(w pool.Taken) bool { return slices.Contains(before.Withdrawn, w) })
	// Commit point: the slots are free in their hosts' records, and may be set out again.
	return k.Ledger.SaveShelf(ctx, after, current)
}
