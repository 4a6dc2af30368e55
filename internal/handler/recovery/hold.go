package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	plans "headroom/internal/pool/recovery"
)

// hold has nothing handed out any more: every host is taken out of service, and with it what of it lies on the shelf. Who signs
// up waits; who has its storage is served.
func (h *Handler) hold(ctx context.Context, r plans.Record) (plans.Record, error) {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return r, err
	}
	for _, level := range pool.StopLevels {
		if !stops.On(level) {
			r.Came = fmt.Sprintf("not held: the stop switch must be on, and level %s is not", level)
			return r, nil
		}
	}
	return h.holdAll(ctx, r)
}

// holdAll holds all hosts, and what of them lies on the shelves.
func (h *Handler) holdAll(ctx context.Context, r plans.Record) (plans.Record, error) {
	since := r.HeldAt
	// Commit point: nobody who was at ending a hold ends this one, and who is asked for something next goes on with it. Killed after
	// this, what is held is as good as held just now.
	r.HeldAt, r.Holding, r.Freeing = plans.Record{}.HeldAt, true, false
	var err error
	if r, err = h.note(ctx, r); err != nil {
		return r, err
	}
	changed, err := h.each(ctx, r, plans.Held)
	if err != nil {
		return r, err
	}
	tiers, err := h.Ledger.Tiers(ctx)
	if err != nil {
		return r, err
	}
	for _, tier := range tiers {
		if err := h.Shelf.Reconcile(ctx, tier); err != nil {
			return r, err
		}
	}
	r.HeldAt, r.Holding = since, false
	if changed || since.IsZero() { // a host that came into service since it was held last may have handed out until now
		r.HeldAt = h.Now().UTC()
	}
	r.LookedAt, r.Digest, r.Lines, r.Unsure, r.More = plans.Record{}.LookedAt, "", nil, nil, 0 // what was seen before is not to be carried out
	r.Came = "held: nothing is handed out"
	return r, nil
}

// free ends the hold, but of hosts of which it is not known what they have.
func (h *Handler) free(ctx context.Context, r plans.Record, keep []pool.HostID, came string) (plans.Record, error) {
	// Commit point: the hold is over. Whoever acts by an earlier record changes no host any more, and who is asked for
	// something next goes on with this.
	r.HeldAt, r.Holding, r.Freeing, r.Applying, r.Keep = plans.Record{}.HeldAt, false, true, "", keep
	r, err := h.note(ctx, r)
	if err != nil {
		return r, err
	}
	_, err = h.each(ctx, r, func(host pool.Host, now time.Time) (pool.Host, bool, error) {
		if slices.Contains(keep, host.ID) {
			return host, false, nil
		}
		return plans.Freed(host, now)
	})
	if err != nil {
		return r, err
	}
	r.Freeing, r.Came = false, came
	return r, nil
}

// during is a ledger in which hosts are saved while a recovery's record stands.
type during struct {
	store
	r plans.Record
}

// SaveHost saves a host while the record stands.
func (d during) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return d.SaveHostDuring(ctx, d.r, before, after, outcome, now)
}

// each changes every host there is on record while r stands, and reports whether that changed any.
func (h *Handler) each(ctx context.Context, r plans.Record, change func(pool.Host, time.Time) (pool.Host, bool, error)) (changed bool, err error) {
	hosts, err := h.hosts(ctx)
	if err != nil {
		return false, err
	}
	for _, id := range slices.Sorted(maps.Keys(hosts)) {
		before, after, err := ledger.UpdateHost(ctx, during{h.Ledger, r}, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
			after, changed, err := change(host, h.Now())
			if err == nil && !changed {
				err = ledger.ErrUnchanged
			}
			return after, pool.Neutral, err
		})
		if err != nil {
			return changed, fmt.Errorf("hold or free host %s: %w", id, err)
		}
		changed = changed || after.Version != before.Version
	}
	return changed, nil
}

// hosts reads all hosts that there ever were.
func (h *Handler) hosts(ctx context.Context) (map[pool.HostID]pool.Host, error) {
	all := map[pool.HostID]pool.Host{}
	tiers, err := h.Ledger.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	for _, tier := range tiers {
		for _, kind := range pool.Kinds {
			record, err := h.Ledger.Pool(ctx, pool.Key{Kind: kind, Tier: tier})
			if err != nil {
				return nil, err
			}
			ids := make([]pool.HostID, record.Seq)
			for n := range ids {
				ids[n] = record.Key.Host(n + 1)
			}
			found, err := h.Ledger.Hosts(ctx, ids)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, found)
		}
	}
	return all, nil
}

// restless says why a plan can't be carried out yet; empty: it can.
func (h *Handler) restless(ctx context.Context, r plans.Record) (string, error) {
	if r.HeldAt.IsZero() {
		return "nothing is held: it may be handed out while it is decided whose it is", nil
	}
	if left := plans.Rest - h.Now().Sub(r.HeldAt); left > 0 {
		return fmt.Sprintf("what had begun before nothing was handed out may go on for %s", left.Round(time.Second)), nil
	}
	tiers, err := h.Ledger.Tiers(ctx)
	if err != nil {
		return "", err
	}
	for _, tier := range tiers {
		if err := h.Shelf.Reconcile(ctx, tier); err != nil && !errors.Is(err, pool.ErrConflict) {
			return "", err
		}
		s, err := h.Ledger.Shelf(ctx, tier)
		if err != nil {
			return "", err
		}
		if len(s.Databases)+len(s.Shares)+len(s.Withdrawn) > 0 || s.Refill != nil {
			return fmt.Sprintf("the shelf of tier %s is not bare yet", tier), nil
		}
	}
	return "", nil
}
