package shelf

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/internal/pool"
)

// refill sets out slots of both kinds, from the hosts that the policies' placement names, where the lists
// run low.
func (r *Reconciler) refill(ps pool.Policies) pass {
	return func(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
		for range attempts {
			if seen.Refill != nil { // another reconciliation's
				return seen, nil
			}
			offers, hosts, err := r.choose(ctx, seen, ps)
			if err != nil || len(offers) == 0 {
				return seen, err
			}
			// Many who find a shelf bare come to this at once, and a write that is refused costs as much as one that is
			// not. So it is looked whether another refill was begun while this one was chosen.
			now, err := r.Ledger.Shelf(ctx, seen.Tier)
			if err != nil {
				return seen, fmt.Errorf("read the shelf before it is refilled: %w", err)
			}
			if now.Refill != nil || now.Refills != seen.Refills {
				seen = now
				continue
			}
			begun, err := r.begin(ctx, seen.Tier, pool.Refill{Number: seen.Refills + 1, At: r.Now(), Offers: offers})
			if err != nil {
				return seen, err
			}
			// The hosts were read before the refill began, so none of its slots is marked in them yet.
			seen, err = r.setOut(ctx, begun, hosts)
			if errors.Is(err, pool.ErrConflict) {
				seen, err = r.finishRefill(ctx, begun)
			}
			if err != nil {
				return begun, err
			}
		}
		return seen, nil
	}
}

// begin notes a refill in the shelf, and returns the shelf. A conflict with itself, whose reply was lost, is none.
func (r *Reconciler) begin(ctx context.Context, tier pool.Tier, refill pool.Refill) (pool.Shelf, error) {
	// Commit point: the refill is noted before any host is touched, so that it can be finished by
	// the next reconciliation.
	begun, err := r.Ledger.BeginRefill(ctx, tier, refill)
	if errors.Is(err, pool.ErrConflict) {
		var readErr error
		if begun, readErr = r.Ledger.Shelf(ctx, tier); readErr != nil {
			return begun, fmt.Errorf("read the shelf: %w", readErr)
		}
		if now := begun.Refill; now != nil && now.Number == refill.Number && now.At.Unix() == refill.At.Unix() && slices.Equal(now.Offers, refill.Offers) {
			err = nil
		}
	}
	if err != nil {
		return begun, fmt.Errorf("begin refill %d: %w", refill.Number, err)
	}
	return begun, nil
}

// choose chooses what to set out; nothing when the lists are long enough, or there is nothing. It returns the
// hosts too, as they were read for that.
func (r *Reconciler) choose(ctx context.Context, seen pool.Shelf, ps pool.Policies) ([]pool.Listed, map[pool.HostID]pool.Host, error) {
	var offers []pool.Listed
	chosen := map[pool.HostID]pool.Host{}
	for _, kind := range pool.Kinds {
		if len(ps) == 0 || seen.Lacks(kind, r.Now()) == 0 {
			continue // nothing is to be set out
		}
		p, err := r.policy(ctx, ps, pool.Key{Kind: kind, Tier: seen.Tier})
		if err != nil {
			return nil, nil, err
		}
		hosts, err := r.candidates(ctx, seen, p)
		if err != nil {
			return nil, nil, err
		}
		for _, h := range hosts {
			chosen[h.ID] = h
		}
		offers = append(offers, pool.List(kind, pool.Choose(seen, hosts, p, seen.Lacks(kind, r.Now())))...)
	}
	return offers, chosen, nil
}

// candidates reads hosts, as many at once as may lie on the shelf, until there are enough slots to choose from.
func (r *Reconciler) candidates(ctx context.Context, seen pool.Shelf, p pool.Policy) ([]pool.Host, error) {
	ids, err := r.Ledger.Reserve(ctx, p.Key(), p.Placement, p.Limit(), pool.ShelfMost)
	if err != nil {
		return nil, fmt.Errorf("ask for hosts with slots in reserve: %w", err)
	}
	var hosts []pool.Host
	slots := 0
	for some := range slices.Chunk(ids, pool.ShelfHosts) {
		read, err := r.Ledger.Hosts(ctx, some)
		if err != nil {
			return nil, fmt.Errorf("read hosts with slots in reserve: %w", err)
		}
		for _, id := range some {
			// The index that named it lags: it may be cordoned by now, or have nothing left.
			h := read[id]
			if left := min(h.Free(), p.Limit()-h.Used()); h.State == pool.HostInService && left > 0 {
				hosts = append(hosts, h)
				slots += left
			}
		}
		if slots >= seen.Lacks(p.Kind, r.Now()) {
			break
		}
	}
	return hosts, nil
}

// resume finishes a refill that its maker should have finished by now.
func (r *Reconciler) resume(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
	if seen.Refill == nil || r.Now().Sub(seen.Refill.At) < pool.RefillTime {
		return seen, nil
	}
	return r.finishRefill(ctx, seen)
}

// finishRefill marks the slots of the refill under way in their hosts' records, then moves them
// onto the lists. It does nothing when there is none.
func (r *Reconciler) finishRefill(ctx context.Context, seen pool.Shelf) (pool.Shelf, error) {
	if seen.Refill == nil {
		return seen, nil
	}
	wanted := map[pool.HostID]bool{}
	for _, o := range seen.Refill.Offers {
		wanted[o.Host(seen.Tier)] = true
	}
	hosts, now, err := r.look(ctx, seen.Tier, wanted)
	if err != nil {
		return seen, err
	}
	if now.Refill == nil || now.Refill.Number != seen.Refill.Number {
		return now, nil // another reconciliation finished it: there is nothing left to mark
	}
	return r.setOut(ctx, now, hosts)
}

// setOut marks the slots of the refill that was seen under way in their hosts' records, as these were read
// before, and moves those onto the lists that the hosts grant.
func (r *Reconciler) setOut(ctx context.Context, seen pool.Shelf, hosts map[pool.HostID]pool.Host) (pool.Shelf, error) {
	granted, access := map[pool.Listed]bool{}, map[pool.HostID]pool.Access{}
	changes := change(hosts, func(h pool.Host) pool.Host {
		after, good := pool.SetOut(h, *seen.Refill, r.Now())
		for _, o := range good {
			granted[pool.Listed{Kind: h.Kind, Offer: o}] = true
			access[h.ID] = h.Access.Offered()
		}
		return after
	})
	if err := r.save(ctx, changes); err != nil {
		return seen, err
	}
	offers := slices.DeleteFunc(slices.Clone(seen.Refill.Offers), func(o pool.Listed) bool { return !granted[o] })
	// Commit point: the slots are marked in their hosts' records, and now they can be taken.
	next, err := r.Ledger.CommitRefill(ctx, seen, offers, access)
	if err != nil {
		return seen, fmt.Errorf("set out %d slots: %w", len(offers), err)
	}
	return next, nil
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
