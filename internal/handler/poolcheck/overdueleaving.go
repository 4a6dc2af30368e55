package poolcheck

import (
	"context"
	"errors"
	"fmt"

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
	// Commit point: the try is counted before it is made, and the report is recorded before it is sent.
	before, d, err := ledger.UpdateDeparture(ctx, h.Ledger, id, func(d pool.Departure) (pool.Departure, error) {
		after, changed := pool.OverdueDeparture(d, h.Now())
		if !changed {
			return d, ledger.ErrUnchanged
		}
		return after, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that departure %s is overdue: %w", id, err)
	case d.Version == before.Version:
		return nil
	case d.Step != pool.StepReport:
		return h.tryAgain(ctx, events.OfDeparture, string(id), d.Progress)
	}
	if err := h.Announce.DepartureStuck(ctx, d); err != nil {
		return err
	}
	_, _, err = ledger.UpdateDeparture(ctx, h.Ledger, id, func(now pool.Departure) (pool.Departure, error) {
		if now.Step != pool.StepReport {
			return now, ledger.ErrUnchanged // it was asked for again
		}
		now.Progress = now.Reported()
		return now, nil
	})
	if err != nil {
		return fmt.Errorf("record that departure %s is reported: %w", id, err)
	}
	return nil
}

// retryClearance is retryDeparture for the clearance of a slot.
func (h *Handler) retryClearance(ctx context.Context, id pool.ClearanceID) error {
	// Commit point: as for departures.
	before, c, err := ledger.UpdateClearance(ctx, h.Ledger, id, func(c pool.Clearance) (pool.Clearance, error) {
		after, changed := pool.OverdueClearance(c, h.Now())
		if !changed {
			return c, ledger.ErrUnchanged
		}
		return after, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that clearance %s is overdue: %w", id, err)
	case c.Version == before.Version:
		return nil
	case c.Step != pool.StepReport:
		return h.tryAgain(ctx, events.OfClearance, string(id), c.Progress)
	}
	if err := h.Announce.ClearanceStuck(ctx, c); err != nil {
		return err
	}
	_, _, err = ledger.UpdateClearance(ctx, h.Ledger, id, func(now pool.Clearance) (pool.Clearance, error) {
		if now.Step != pool.StepReport {
			return now, ledger.ErrUnchanged
		}
		now.Progress = now.Reported()
		return now, nil
	})
	if err != nil {
		return fmt.Errorf("record that clearance %s is reported: %w", id, err)
	}
	return nil
}

func (h *Handler) tryAgain(ctx context.Context, of, id string, p pool.Progress) error {
	if err := h.Leaving.Send(ctx, events.NewStep(of, id, string(p.Step), p.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s %s tried again: %w", p.Step, of, id, err)
	}
	return nil
}
