package recovery

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
	plans "headroom/internal/pool/recovery"
)

// Who was leaving leaves by the record, and who stays is back, before any other function is called: what was asked for since, and
// waits in the queue, finds it so, and is the last word. Its next step is past its deadline soon, and is taken then.

const because = "recovered: the ledger was put back"

// haveLeave records that tenants leave, as of when that was wanted at the earliest.
func (h *Handler) haveLeave(ctx context.Context, all []plans.Wish, r plans.Record) error {
	if len(all) == 0 {
		return nil
	}
	terms, err := h.Terms.Terms(ctx)
	if err != nil {
		return fmt.Errorf("load the terms: %w", err)
	}
	for _, w := range all {
		t, err := h.Ledger.Tenant(ctx, w.Tenant)
		if err != nil {
			return fmt.Errorf("read tenant %s, which was leaving: %w", w.Tenant, err)
		}
		// Else the shelf would give the same slots to whoever signs up next under this name.
		if err := h.Shelf.SettleFor(ctx, t); err != nil {
			return err
		}
		left, d, err := pool.Leave(t, pool.Departure{
			Reason: because, RequestedBy: r.By, Message: r.Message, RequestedAt: w.Since, Grace: time.Duration(terms.Grace),
		}, terms, h.Now())
		if err != nil {
			return err
		}
		if err := h.Ledger.Depart(ctx, t, left, d); err != nil {
			return fmt.Errorf("record the departure of tenant %s: %w", w.Tenant, err)
		}
	}
	return nil
}

// haveStay records that departures were undone, whose tenants are let in.
func (h *Handler) haveStay(ctx context.Context, all []plans.Wish, r plans.Record) error {
	for _, w := range all {
		left, err := h.Ledger.Tenant(ctx, w.Tenant)
		if err != nil {
			return fmt.Errorf("read tenant %s, which stays: %w", w.Tenant, err)
		}
		d, err := h.Ledger.Departure(ctx, pool.DepartureIDOf(left))
		if err != nil {
			return fmt.Errorf("read the departure of tenant %s, which stays: %w", w.Tenant, err)
		}
		back, undoing, err := pool.Undo(left, d, r.By+": "+because, w.Since, h.Now())
		if err != nil {
			return err
		}
		if err := h.Ledger.Rejoin(ctx, d, undoing, left, back); err != nil {
			return fmt.Errorf("undo departure %s: %w", d.ID(), err)
		}
	}
	return nil
}
