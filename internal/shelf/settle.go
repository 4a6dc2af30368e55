package shelf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// settle writes tenants that are ready into their hosts' records, then forgets their holds. A hold
// whose tenant is not ready yet stays: the signup under way will find it.
func (k *Keeper) settle(ctx context.Context, tier pool.Tier) error {
	shelf, err := k.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	done, stray, err := k.served(ctx, shelf)
	if err != nil {
		return err
	}
	claimed := byHost(tier, done)
	for _, id := range slices.Sorted(maps.Keys(claimed)) {
		_, err := k.changeHost(ctx, id, tier, func(h pool.Host, now pool.Shelf) pool.Host {
			for _, index := range slices.Sorted(maps.Keys(claimed[id])) {
				tenant := claimed[id][index]
				if hold, held := now.Held[tenant]; held && same(hold, done[tenant]) {
					h = pool.Assign(h, index, tenant, k.Now())
				}
			}
			return h
		})
		if err != nil {
			return err
		}
	}
	if len(done) > 0 {
		// Commit point: the hosts' records name the tenants, so the holds are no longer needed.
		if err := k.Ledger.Settle(ctx, tier, done); err != nil {
			return fmt.Errorf("forget %d holds: %w", len(done), err)
		}
	}
	return k.giveBack(ctx, tier, stray)
}

// served sorts out the holds of tenants that are ready: those that are done with, and strays.
//
// A stray is what a signup took that had stalled since before its tenant got ready: the tenant has
// other slots, and the hold that would have told so was forgotten. Nothing of a stray was opened,
// because the tenant's credentials are stored before anything is, and they name the other database.
func (k *Keeper) served(ctx context.Context, shelf pool.Shelf) (done, stray map[pool.TenantID]pool.Hold, err error) {
	done, stray = map[pool.TenantID]pool.Hold{}, map[pool.TenantID]pool.Hold{}
	for _, id := range slices.Sorted(maps.Keys(shelf.Held)) {
		tenant, err := k.Ledger.Tenant(ctx, id)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read tenant %s: %w", id, err)
		}
		hold := shelf.Held[id]
		switch {
		case tenant.State != pool.Ready:
		case has(shelf.Tier, tenant, hold):
			done[id] = hold
		default:
			stray[id] = hold
		}
	}
	return done, stray, nil
}

// has says whether what a tenant holds on the shelf is what its record says it has.
func has(tier pool.Tier, t pool.Tenant, hold pool.Hold) bool {
	return is(pool.Key{Kind: pool.Database, Tier: tier}, t.Database, hold.Database) &&
		is(pool.Key{Kind: pool.Share, Tier: tier}, t.Share, hold.Share)
}

func is(key pool.Key, h pool.Holding, o pool.Offer) bool {
	return h.Host == key.Host(o.Host) && h.Index == o.Index
}

func same(a, b pool.Hold) bool {
	return a.Database == b.Database && a.Share == b.Share && a.At.Equal(b.At)
}

// byHost names the tenants of holds by host and slot.
func byHost(tier pool.Tier, holds map[pool.TenantID]pool.Hold) map[pool.HostID]map[int]pool.TenantID {
	out := map[pool.HostID]map[int]pool.TenantID{}
	note := func(kind pool.Kind, o pool.Offer, t pool.TenantID) {
		id := pool.Key{Kind: kind, Tier: tier}.Host(o.Host)
		if out[id] == nil {
			out[id] = map[int]pool.TenantID{}
		}
		out[id][o.Index] = t
	}
	for tenant, hold := range holds {
		note(pool.Database, hold.Database, tenant)
		note(pool.Share, hold.Share, tenant)
	}
	return out
}
