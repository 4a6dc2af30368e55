package poolcheck

import (
	"fmt"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// retry is how a record is looked at whose step is past its deadline, and which people are told of once that is given up.
type retry[R any] struct {
	what, id string // for errors
	update   func(change func(R) (R, error)) (before, after R, err error)
	measure  func(of string, before, after pool.Progress)
	overdue  func(record R, now time.Time) (R, bool)
	progress func(*R) *pool.Progress
	again    func(record R) error            // has its step done again
	tell     func(record R) error            // tells people that it was given up
	reported func(record R, now time.Time) R // what it is once they were told
}

// do has the step tried again, or tells people that it was given up, and records that they were told.
func (r retry[R]) do(now func() time.Time) error {
	moved := false
	// Commit point: the try is counted before it is made, and the report is recorded before it is sent.
	before, record, err := r.update(func(record R) (after R, err error) {
		if after, moved = r.overdue(record, now()); !moved {
			return record, ledger.ErrUnchanged
		}
		return after, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that %s %s is overdue: %w", r.what, r.id, err)
	case !moved:
		return nil
	}
	r.measure(r.what, *r.progress(&before), *r.progress(&record))
	if r.progress(&record).Step != pool.StepReport {
		return r.again(record)
	}
	if err := r.tell(record); err != nil {
		return err
	}
	_, _, err = r.update(func(record R) (R, error) {
		if r.progress(&record).Step != pool.StepReport {
			return record, ledger.ErrUnchanged // it was asked for again
		}
		return r.reported(record, now()), nil
	})
	if err != nil {
		return fmt.Errorf("record that %s %s is reported: %w", r.what, r.id, err)
	}
	return nil
}

// measureOverdue counts a step that was past its deadline: it is tried again, or given up. Steps that only end at their
// time are not counted, nor is telling people.
func (h *Handler) measureOverdue(of string, before, after pool.Progress) {
	switch {
	case after.Stuck != "" && after.Stuck == before.Step:
		h.Metrics.Of(of).Count(telemetry.StepsGivenUp, 1)
	case after.Tries > before.Tries && after.Step != pool.StepReport:
		h.Metrics.Of(of).Count(telemetry.StepsOverdue, 1)
	}
}
