package shelf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/internal/pool"
)

// settle writes tenants whose records name their slots into the hosts' records, then forgets their holds, when
// there are so many that it pays. A hold whose tenant's record names none yet stays: the signup under way will find it.
func (r *Reconciler) settle(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
	if !seen.Settling(r.Now()) {
		return seen, nil
	}
	done, stray, err := r.served(ctx, seen)
	if err != nil {
		return seen, err
	}
	if len(done) > 0 {
		assigned, err := r.assign(ctx, seen.Tier, done)
		if err != nil {
			return seen, err
		}
		// Commit point: the hosts' records name the tenants, so the holds are no longer needed.
		if err := r.Ledger.Settle(ctx, seen.Tier, assigned, r.Now()); err != nil {
			return seen, fmt.Errorf("forget %d holds: %w", len(assigned), err)
		}
	}
	return r.giveBack(ctx, seen, stray)
}

// assign writes the tenants of holds into the hosts' records, and returns the holds that were still held then. A
// host that another writer changed meanwhile is read again, with the shelf.
func (r *Reconciler) assign(ctx context.Context, tier pool.Tier, done map[pool.TenantID]pool.Hold) (map[pool.TenantID]pool.Hold, error) {
	left := map[pool.HostID]bool{}
	for _, hold := range done {
		for _, l := range hold.Listed() {
			left[l.Host(tier)] = true
		}
	}
	for range attempts {
		hosts, now, err := r.look(ctx, tier, left)
		if err != nil {
			return nil, err
		}
		held := maps.Clone(done)
		maps.DeleteFunc(held, func(id pool.TenantID, hold pool.Hold) bool { return now.Held[id] != hold })
		clear(left)
		for _, c := range change(hosts, func(h pool.Host) pool.Host { return assigned(h, held, r.Now()) }) {
			err := r.Ledger.SaveHost(ctx, c.Before, c.After, pool.Neutral, r.Now())
			if errors.Is(err, pool.ErrConflict) {
				left[c.After.ID] = true
			} else if err != nil {
				return nil, fmt.Errorf("save host %s: %w", c.After.ID, err)
			}
		}
		if len(left) == 0 {
			return held, nil
		}
	}
	return nil, fmt.Errorf("assign slots of %d hosts: %w", len(left), pool.ErrConflict)
}

// assigned is a host with its slots that are held as their tenants'.
func assigned(h pool.Host, held map[pool.TenantID]pool.Hold, now time.Time) pool.Host {
	var taken []pool.Listed
	for _, id := range slices.Sorted(maps.Keys(held)) {
		for _, l := range held[id].Listed() {
			if l.Host(h.Tier) == h.ID {
				l.Tenant = id
				taken = append(taken, l)
			}
		}
	}
	return pool.Assign(h, taken, now)
}

// served sorts out the holds of tenants whose records name their slots: those that are done with, and strays.
//
// A stray is what a signup took that had stalled since before its tenant's record was written: the tenant has
// other slots, and the hold that would have told so was forgotten. Nothing of a stray was opened,
// because the tenant's credentials are stored before anything is, and they name the other database.
func (r *Reconciler) served(ctx context.Context, seen pool.Shelf) (done, stray map[pool.TenantID]pool.Hold, err error) {
	tenants, err := r.Ledger.Tenants(ctx, slices.Sorted(maps.Keys(seen.Held)))
	if err != nil {
		return nil, nil, fmt.Errorf("read the tenants that hold slots: %w", err)
	}
	done, stray = map[pool.TenantID]pool.Hold{}, map[pool.TenantID]pool.Hold{}
	for id, tenant := range tenants {
		hold := seen.Held[id]
		switch {
		case tenant.State == pool.TenantLeft && !tenant.Held:
			stray[id] = hold // it left, and a signup of its earlier life that had stalled took it
		case !tenant.Named():
		case has(seen.Tier, tenant, hold):
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
