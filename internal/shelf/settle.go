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
func (r *Reconciler) settle(ctx context.Context, tier pool.Tier) error {
	shelf, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	done, stray, err := r.served(ctx, shelf)
	if err != nil {
		return err
	}
	taken := byHost(tier, done)
	for _, id := range slices.Sorted(maps.Keys(taken)) {
		_, err := r.changeHost(ctx, id, tier, func(h pool.Host, now pool.Shelf) pool.Host {
			for _, c := range taken[id] {
				if hold, held := now.Held[c.tenant]; held && same(hold, done[c.tenant]) {
					h = pool.Assign(h, c.offer, c.tenant, r.Now())
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
		if err := r.Ledger.Settle(ctx, tier, done); err != nil {
			return fmt.Errorf("forget %d holds: %w", len(done), err)
		}
	}
	return r.giveBack(ctx, tier, stray)
}

// served sorts out the holds of tenants that are ready: those that are done with, and strays.
//
// A stray is what a signup took that had stalled since before its tenant got ready: the tenant has
// other slots, and the hold that would have told so was forgotten. Nothing of a stray was opened,
// because the tenant's credentials are stored before anything is, and they name the other database.
func (r *Reconciler) served(ctx context.Context, shelf pool.Shelf) (done, stray map[pool.TenantID]pool.Hold, err error) {
	done, stray = map[pool.TenantID]pool.Hold{}, map[pool.TenantID]pool.Hold{}
	for _, id := range slices.Sorted(maps.Keys(shelf.Held)) {
		tenant, err := r.Ledger.Tenant(ctx, id)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read tenant %s: %w", id, err)
		}
		hold := shelf.Held[id]
		switch {
		case tenant.State != pool.TenantReady:
		case has(shelf.Tier, tenant, hold):
			done[id] = hold
		default:
			stray[id] = hold
		}
	}
	return done, stray, nil
}

// has reports whether what a tenant holds on the shelf is what its record says it has.
func has(tier pool.Tier, t pool.Tenant, hold pool.Hold) bool {
	return is(pool.Key{Kind: pool.Database, Tier: tier}, t.Database, hold.Database) &&
		is(pool.Key{Kind: pool.Share, Tier: tier}, t.Share, hold.Share)
}

func is(key pool.Key, h pool.Holding, o pool.Offer) bool {
	return h.Host == key.Host(o.Host) && h.Index == o.Index && h.Generation == o.Generation
}

func same(a, b pool.Hold) bool {
	return a.Database == b.Database && a.Share == b.Share && a.At.Equal(b.At)
}

// claimed is one slot of a hold.
type claimed struct {
	offer  pool.Offer
	tenant pool.TenantID
}

// byHost sorts the slots of holds by host, and each host's by tenant.
func byHost(tier pool.Tier, holds map[pool.TenantID]pool.Hold) map[pool.HostID][]claimed {
	out := map[pool.HostID][]claimed{}
	note := func(kind pool.Kind, o pool.Offer, t pool.TenantID) {
		id := pool.Key{Kind: kind, Tier: tier}.Host(o.Host)
		out[id] = append(out[id], claimed{offer: o, tenant: t})
	}
	for _, tenant := range slices.Sorted(maps.Keys(holds)) {
		note(pool.Database, holds[tenant].Database, tenant)
		note(pool.Share, holds[tenant].Share, tenant)
	}
	return out
}
