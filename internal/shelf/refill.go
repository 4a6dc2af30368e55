package shelf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// refill sets out slots of one kind, from the hosts that the policy's placement names, until the
// list is full or there is nothing left to set out.
func (r *Reconciler) refill(ctx context.Context, p pool.Policy) error {
	for range attempts {
		shelf, err := r.Ledger.Shelf(ctx, p.Tier)
		if err != nil {
			return fmt.Errorf("read the shelf: %w", err)
		}
		// A list that is nearly full is left alone: refills in small bits would be many.
		if shelf.Refill == nil && len(shelf.Offers(p.Kind)) > pool.ShelfLow {
			return nil
		}
		if shelf.Refill == nil {
			begun, err := r.beginRefill(ctx, shelf, p)
			if errors.Is(err, pool.ErrConflict) {
				continue
			}
			if err != nil || !begun {
				return err
			}
		}
		if err := r.finishRefill(ctx, p.Tier); err != nil && !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return nil
}

// beginRefill chooses what to set out and notes it in the shelf; false when there is nothing.
func (r *Reconciler) beginRefill(ctx context.Context, shelf pool.Shelf, p pool.Policy) (bool, error) {
	ids, err := r.Ledger.Reserve(ctx, p.Key(), p.Placement, p.Limit(), pool.ShelfSize)
	if err != nil {
		return false, fmt.Errorf("ask for hosts with slots in reserve: %w", err)
	}
	hosts, err := r.candidates(ctx, shelf, p, ids)
	if err != nil {
		return false, err
	}
	offers := pool.Choose(shelf, hosts, p, shelf.Lacks(p.Kind))
	if len(offers) == 0 {
		return false, nil
	}
	// Commit point: the refill is noted before any host is touched, so that it can be finished by
	// the next reconciliation.
	return true, r.Ledger.BeginRefill(ctx, p.Tier, pool.Refill{Number: shelf.Refills + 1, Kind: p.Kind, Offers: offers})
}

// candidates reads hosts until there are enough slots to choose from. With pack the first hosts
// suffice; with spread as many are read as may lie on the shelf.
func (r *Reconciler) candidates(ctx context.Context, shelf pool.Shelf, p pool.Policy, ids []pool.HostID) ([]pool.Host, error) {
	var hosts []pool.Host
	slots := 0
	for _, id := range ids {
		if len(hosts) >= pool.ShelfHosts || p.Placement == pool.Pack && slots >= shelf.Lacks(p.Kind) {
			break
		}
		h, err := r.Ledger.Host(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read host %s: %w", id, err)
		}
		// The index that named it lags: it may be cordoned by now, or have nothing left.
		if left := min(h.Free(), p.Limit()-h.Used()); h.State == pool.HostInService && left > 0 {
			hosts = append(hosts, h)
			slots += left
		}
	}
	return hosts, nil
}

// finishRefill marks the slots of the refill under way in their hosts' records, then moves them
// onto the list. It does nothing when there is none.
func (r *Reconciler) finishRefill(ctx context.Context, tier pool.Tier) error {
	shelf, err := r.Ledger.Shelf(ctx, tier)
	if err != nil {
		return fmt.Errorf("read the shelf: %w", err)
	}
	if shelf.Refill == nil {
		return nil
	}
	begun := *shelf.Refill
	wanted := map[pool.HostID]bool{}
	for _, o := range begun.Offers {
		wanted[pool.Key{Kind: begun.Kind, Tier: tier}.Host(o.Host)] = true
	}
	good, access := map[pool.Offer]bool{}, map[pool.HostID]pool.Access{}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		var set []pool.Offer
		h, err := r.changeHost(ctx, id, tier, func(h pool.Host, now pool.Shelf) pool.Host {
			set = nil
			if now.Refill == nil || now.Refill.Number != begun.Number {
				return h // another reconciliation finished it: there is nothing left to mark
			}
			h, set = pool.SetOut(h, begun, r.Now())
			return h
		})
		if err != nil {
			return err
		}
		for _, o := range set {
			good[o] = true
			access[id] = h.Access.Offered()
		}
	}
	offers := slices.DeleteFunc(slices.Clone(begun.Offers), func(o pool.Offer) bool { return !good[o] })
	// Commit point: the slots are marked in their hosts' records, and now they can be taken.
	if err := r.Ledger.CommitRefill(ctx, tier, begun.Number, begun.Kind, offers, access); err != nil {
		return fmt.Errorf("set out %d slots: %w", len(offers), err)
	}
	return nil
}
