package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// candidatesMost bounds the hosts that one check looks at, beside those that lie on the shelf.
const candidatesMost = 20

// retire begins the retirement of one host of a pool, if the pool can do without one by what was seen of it. What slots move
// to is read after what they move from, so that some may have been counted twice: that is right for orders, and wrong here.
// So it is looked once more, between two looks at a shelf from and to which nothing was moved meanwhile.
func (h *Handler) retire(ctx context.Context, kind pool.Kind, v view, plan pool.Plan) error {
	p, key := v.Policy(kind), pool.Key{Kind: kind, Tier: v.Tier}
	spare := pool.Spares(v.Observed(kind), p, plan, v.Outlook, v.At)
	if spare.Slots <= 0 {
		return nil
	}
	hosts, err := h.candidates(ctx, v, kind, 1)
	if err != nil {
		return fmt.Errorf("look which host pool %s can do without: %w", key, err)
	}
	chosen, hosts, err := h.choose(ctx, spare, hosts, p, v)
	if err != nil {
		return fmt.Errorf("look which host pool %s can do without: %w", key, err)
	}
	still := false
	if chosen.Host != "" {
		if v, still, err = h.lookStill(ctx, v); err != nil {
			return fmt.Errorf("look which host pool %s can do without: %w", key, err)
		}
		chosen = pool.ChooseEmpty(pool.Spares(v.Observed(kind), p, v.Plans()[kind], v.Outlook, v.At), hosts, p, v.Shelf, v.At)
	}
	if chosen.Host == "" || !still {
		h.Log.InfoContext(ctx, "no host is retired", "pool", key.String(), "reason", chosen.Why)
		if chosen.Host != "" {
			return nil
		}
		return h.gather(ctx, kind, v)
	}
	return h.beginRetiring(ctx, chosen.Host, "", chosen.Why, func(host pool.Host) bool { return host.Keeps(v.Shelf, v.At) == "" })
}

// choose chooses which host of a pool is retired, and passes those over of whose last repair something remains. It returns the
// hosts that may be chosen.
func (h *Handler) choose(ctx context.Context, spare pool.Spare, hosts []pool.Host, p pool.Policy, v view) (pool.Retiree, []pool.Host, error) {
	for {
		chosen := pool.ChooseEmpty(spare, hosts, p, v.Shelf, v.At)
		if chosen.Host == "" {
			return chosen, hosts, nil
		}
		why, err := h.remains(ctx, chosen.Host)
		if err != nil || why == "" {
			return chosen, hosts, err
		}
		h.Log.InfoContext(ctx, "a host is passed over, and not retired", "host", chosen.Host, "reason", why)
		hosts = slices.DeleteFunc(hosts, func(host pool.Host) bool { return host.ID == chosen.Host })
	}
}

// remains says what remains of the last repair of a host; empty: nothing does.
func (h *Handler) remains(ctx context.Context, id pool.HostID) (string, error) {
	repair, err := h.Ledger.Repair(ctx, id)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return "", fmt.Errorf("look at the repair of host %s, which is to be retired: %w", id, err)
	}
	return repair.Remains(), nil
}

// lookStill looks at a tier again, and reports whether nothing was being moved to or from its shelf from before the look
// until after it.
func (h *Handler) lookStill(ctx context.Context, v view) (view, bool, error) {
	before, err := h.Ledger.Shelf(ctx, v.Tier)
	if err != nil {
		return v, false, err
	}
	next, err := h.look(ctx, v.Tier, v.Document)
	if err != nil {
		return v, false, err
	}
	next.Outlook = v.Outlook
	after := next.Shelf
	still := before.Refill == nil && after.Refill == nil && before.Refills == after.Refills && len(before.Withdrawn)+len(after.Withdrawn) == 0
	return next, still, nil
}

// candidates reads the hosts of a pool with the fewest tenants: those of which the index says that they have fewer than below,
// and those that lie on the shelf.
func (h *Handler) candidates(ctx context.Context, v view, kind pool.Kind, below int) ([]pool.Host, error) {
	key := pool.Key{Kind: kind, Tier: v.Tier}
	ids, err := h.Ledger.Reserve(ctx, key, pool.Spread, below, candidatesMost)
	if err != nil {
		return nil, fmt.Errorf("ask for hosts with few tenants: %w", err)
	}
	for _, id := range v.Shelf.Offering() {
		if of, _, err := id.Parse(); err == nil && of == key {
			ids = append(ids, id)
		}
	}
	read, err := h.Ledger.Hosts(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read hosts with few tenants: %w", err)
	}
	var hosts []pool.Host
	seen := map[pool.HostID]bool{}
	for _, id := range ids {
		if host, there := read[id]; there && !seen[id] {
			hosts, seen[id] = append(hosts, host), true
		}
	}
	return hosts, nil
}

// beginRetiring begins the retirement of a host that is still fit for it, and goes on with it. Nothing is begun while
// destruction is stopped, because the host would be out of service for nothing, or while something remains of its last repair.
func (h *Handler) beginRetiring(ctx context.Context, id pool.HostID, by, why string, fit func(pool.Host) bool) error {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return fmt.Errorf("read the stop switch, before which nothing is retired: %w", err)
	}
	if stops.On(pool.StopDestroy) {
		h.Log.InfoContext(ctx, "no host is retired", "host", id, "reason", stops.Against(pool.StopDestroy))
		return nil
	}
	remains, err := h.remains(ctx, id)
	if err != nil {
		return err
	}
	if remains != "" {
		h.Log.InfoContext(ctx, "no host is retired", "host", id, "reason", remains)
		return nil
	}
	now := h.Now()
	// Commit point: the host takes nobody any more. Killed after this, the next check goes on with the recall.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if !fit(host) {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		out, err := pool.Retire(host, by, why, now)
		return out, pool.Neutral, err
	})
	if err != nil {
		return fmt.Errorf("retire host %s: %w", id, err)
	}
	if host.Version == before.Version {
		return nil
	}
	h.Log.InfoContext(ctx, "host is being retired", "host", id, "by", by, "reason", why)
	return h.recall(ctx, host)
}

// drained begins the retirement of a host that was drained, once it is empty. gone reports whether it was begun, or would be
// by another check.
func (h *Handler) drained(ctx context.Context, host pool.Host) (gone bool, err error) {
	if pool.Emptied(host, pool.NewShelf(host.Tier), h.Now()) != "" { // by its own record
		return false, nil
	}
	shelf, err := h.Ledger.Shelf(ctx, host.Tier)
	if err != nil {
		return false, fmt.Errorf("read the shelf, from which host %s is drained: %w", host.ID, err)
	}
	if pool.Emptied(host, shelf, h.Now()) != "" {
		return false, nil
	}
	by := "drain: " + host.Drained
	if host.DrainedByItself() {
		by = "" // so it is looked once more whether it is needed
	}
	return true, h.beginRetiring(ctx, host.ID, by, "drained, and empty", func(host pool.Host) bool {
		return pool.Emptied(host, shelf, h.Now()) == ""
	})
}

// recall takes the offers of a host that is to be retired off the shelf, and looks once more whether it is needed. A claim
// or a refill that was first, and whatever came up since, ends the retirement. Only when nobody can get anything of the host
// any more it is gone on with, by the function that reaches hosts.
func (h *Handler) recall(ctx context.Context, host pool.Host) error {
	if err := h.Shelf.Reconcile(ctx, host.Tier); err != nil {
		return fmt.Errorf("recall host %s: %w", host.ID, err)
	}
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return fmt.Errorf("recall host %s: load the policies: %w", host.ID, err)
	}
	known, err := h.Ledger.Outlook(ctx, host.Tier)
	if err != nil {
		return fmt.Errorf("recall host %s: %w", host.ID, err)
	}
	// The host is read before the shelf: what is on it then and is not in the host's record, was put there since.
	if host, err = h.Ledger.Host(ctx, host.ID); err != nil {
		return fmt.Errorf("recall host: %w", err)
	}
	if host.State != pool.HostRetiring || host.Step != pool.StepRecall {
		return nil // another check went on
	}
	v, still, err := h.lookStill(ctx, view{Sight: pool.Sight{Tier: host.Tier, Document: doc, Outlook: known}})
	if err != nil {
		return fmt.Errorf("recall host %s: %w", host.ID, err)
	}
	done, off := pool.Recalled(host, v.Shelf)
	if off == "" && (!done || !still) {
		return nil // its deadline has it looked at again
	}
	if off == "" && !host.ByPerson() {
		off = pool.StillSpare(v.Observed(host.Kind), v.Policy(host.Kind), v.Plans()[host.Kind], v.Outlook, v.At)
	}
	return h.endRecall(ctx, host, off)
}

// endRecall goes on with a host that was recalled, or calls its retirement off.
func (h *Handler) endRecall(ctx context.Context, seen pool.Host, off string) error {
	now := h.Now()
	// Commit point: the host is on its way out, or back. The host is as it was seen, or it is looked at again.
	after, err := pool.AfterRecall(seen, now), error(nil)
	if off != "" {
		after, err = pool.CallOff(seen, off, now)
	}
	if err == nil {
		err = h.Ledger.SaveHost(ctx, seen, after, pool.Neutral, now)
	}
	if errors.Is(err, pool.ErrConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("record that host %s was recalled: %w", seen.ID, err)
	}
	if off != "" {
		h.Log.InfoContext(ctx, "retirement called off", "host", seen.ID, "reason", off)
		return nil
	}
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(after.ID), string(after.Step), after.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s done: %w", after.Step, after.ID, err)
	}
	return nil
}
