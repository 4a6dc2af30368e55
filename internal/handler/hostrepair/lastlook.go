package hostrepair

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// A gateway that has failed can't be asked any more what it had not uploaded. CloudWatch keeps what it said last, and records of
// departures what its reports named. That is looked up when a person may be asked to give the gateway up, so that they know what
// that may cost, and once more when it is fenced off, after which it can say nothing new; and it is kept in the repair. Of gateways that
// serve the size of their cache disk is noted, once: a disk that is gone has none.

// lastLook is a repair with what is known last of what its host's gateway had not uploaded. What can't be learnt now stays as it was,
// and holds nothing up: it is said to be unknown.
func (h *Handler) lastLook(ctx context.Context, host pool.Host, r pool.Repair) pool.Repair {
	look := pool.LastLook{Gateway: host.Access.GatewayID()}
	failed := func(err error) {
		h.Log.WarnContext(ctx, "it is not known what a gateway had not uploaded", "repair", r.ID(), "gateway", look.Gateway, "error", err)
	}
	var err error
	if look.Unuploaded, err = h.Measures.Unuploaded(ctx, look.Gateway, host.Stack.Name); err != nil {
		failed(err)
	}
	if look.CacheGiB, err = h.Machines.Size(ctx, host.Access.Cache); err != nil && !errors.Is(err, pool.ErrNotFound) {
		failed(err)
	}
	look.CacheGiB = cmp.Or(look.CacheGiB, host.Access.CacheGiB) // of a disk that is gone EC2 knows nothing
	for _, slot := range host.Slots {
		if slot.State != pool.SlotLeaving || slot.Tenant == "" {
			continue // only of who leaves reports are made
		}
		reports, err := h.reportsOf(ctx, host, slot)
		if err != nil {
			failed(err)
		}
		look = look.NameFailing(slot, reports...)
	}
	r = r.Clone()
	r.Seen = look.Over(r.Seen)
	return r
}

// noteCache notes in a host's record how large its cache disk is, when that was not seen yet.
func (h *Handler) noteCache(ctx context.Context, host pool.Host) error {
	if host.Access.CacheGiB > 0 {
		return nil
	}
	gib, err := h.Machines.Size(ctx, host.Access.Cache)
	if errors.Is(err, pool.ErrNotFound) {
		return nil // it went since it was looked at, which the next look sees
	}
	if err != nil {
		return err
	}
	_, _, err = ledger.UpdateHost(ctx, h.Ledger, host.ID, h.Now(), func(now pool.Host) (pool.Host, pool.Outcome, error) {
		if now.Access.Cache != host.Access.Cache || now.Access.CacheGiB == gib {
			return now, pool.Neutral, ledger.ErrUnchanged
		}
		now.Access.CacheGiB = gib
		return now, pool.Neutral, nil
	})
	if err != nil {
		return fmt.Errorf("note the size of the cache disk of %s: %w", host.ID, err)
	}
	return nil
}

// reportsOf are what reports named of a slot's share, as its departure and the clearance of the slot have it.
func (h *Handler) reportsOf(ctx context.Context, host pool.Host, slot pool.Slot) (reports []pool.Failing, err error) {
	departures, err := h.Ledger.Departures(ctx, slot.Tenant)
	if err != nil {
		return nil, err
	}
	has := pool.Holding{Host: host.ID, Index: slot.Index, Generation: slot.Generation}
	for _, d := range departures {
		if d.State.Ended() || !d.Tenant.Share.Same(has) {
			continue
		}
		reports = append(reports, d.Failing)
		c, err := h.Ledger.Clearance(ctx, pool.Clearance{Departure: d.ID(), Kind: pool.Share}.ID())
		if errors.Is(err, pool.ErrNotFound) {
			continue // its grace is not over
		}
		if err != nil {
			return reports, err
		}
		reports = append(reports, c.Failing)
	}
	return reports, nil
}
