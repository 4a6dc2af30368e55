package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// leavingAtOnce is how many departures, and how many clearances, one check looks at, at most. They have budgets of their
// own: a thousand that leave keep no signup from being looked at.
const leavingAtOnce = 10

// retryLeaving has the steps of departures and clearances tried again that are past their deadlines.
func (h *Handler) retryLeaving(ctx context.Context) error {
	departures, err := h.Ledger.OverdueDepartures(ctx, h.Now(), leavingAtOnce)
	if err != nil {
		return fmt.Errorf("ask which departures are overdue: %w", err)
	}
	failures := lookAt(ctx, departures, h.retryDeparture)
	clearances, err := h.Ledger.OverdueClearances(ctx, h.Now(), leavingAtOnce)
	if err != nil {
		return errors.Join(failures, fmt.Errorf("ask which clearances are overdue: %w", err))
	}
	return errors.Join(failures, lookAt(ctx, clearances, h.retryClearance))
}

// retryDeparture has the step of an overdue departure tried again, or reports one that was given up.
func (h *Handler) retryDeparture(ctx context.Context, id pool.DepartureID) error {
	return retry[pool.Departure]{
		what: "departure", id: string(id), measure: h.measureOverdue,
		update: func(change func(pool.Departure) (pool.Departure, error)) (before, after pool.Departure, err error) {
			return ledger.UpdateDeparture(ctx, h.Ledger, id, change)
		},
		overdue:  pool.OverdueDeparture,
		progress: func(d *pool.Departure) *pool.Progress { return &d.Progress },
		again: func(d pool.Departure) error {
			return h.tryAgain(pool.OnThread(ctx, d.History), events.OfDeparture, string(id), d.Progress)
		},
		tell:     func(d pool.Departure) error { return h.Announce.DepartureStuck(pool.OnThread(ctx, d.History), d) },
		reported: func(d pool.Departure, _ time.Time) pool.Departure { d.Progress = d.Reported(); return d },
	}.do(h.Now)
}

// retryClearance is retryDeparture for the clearance of a slot.
func (h *Handler) retryClearance(ctx context.Context, id pool.ClearanceID) error {
	return retry[pool.Clearance]{
		what: "clearance", id: string(id), measure: h.measureOverdue,
		update: func(change func(pool.Clearance) (pool.Clearance, error)) (before, after pool.Clearance, err error) {
			return ledger.UpdateClearance(ctx, h.Ledger, id, change)
		},
		overdue:  pool.OverdueClearance,
		progress: func(c *pool.Clearance) *pool.Progress { return &c.Progress },
		again: func(c pool.Clearance) error {
			return h.tryAgain(pool.OnThread(ctx, c.History), events.OfClearance, string(id), c.Progress)
		},
		tell:     func(c pool.Clearance) error { return h.Announce.ClearanceStuck(pool.OnThread(ctx, c.History), c) },
		reported: func(c pool.Clearance, _ time.Time) pool.Clearance { c.Progress = c.Reported(); return c },
	}.do(h.Now)
}

func (h *Handler) tryAgain(ctx context.Context, of, id string, p pool.Progress) error {
	if err := h.Leaving.Send(ctx, events.NewStep(of, id, string(p.Step), p.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s %s tried again: %w", p.Step, of, id, err)
	}
	return nil
}
