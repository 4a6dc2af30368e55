package decommission

import (
	"context"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	// reserve is what must be left of the invocation's time to begin another step.
	reserve = 15 * time.Second
	// retryWait is the first wait for another try of a step that failed; it doubles with the looks at the step.
	retryWait = 5 * time.Second
	// retryWaitMost is the longest.
	retryWaitMost = 2 * time.Minute
	// behindWait is after how long a record is looked after for which a message came too late: longer than an invocation
	// lasts, and than looks into a slot are apart, and less than the shortest deadline. Where looks are further apart it is
	// one look more.
	behindWait = 4 * time.Minute
	// delayMost is the longest delay of a message (SQS: 15 minutes). What ends later is found by its deadline.
	delayMost = 15 * time.Minute
)

type (
	// leaving is what a step of a departure came to.
	leaving = lifecycle.Next[pool.Departure]
	// clearing is what a step of a clearance came to.
	clearing = lifecycle.Next[pool.Clearance]
)

// departures drives departures.
func (h *Handler) departures() lifecycle.Machine[pool.Departure] {
	return lifecycle.Machine[pool.Departure]{
		Load: func(ctx context.Context, id string) (pool.Departure, error) {
			return h.Ledger.Departure(ctx, pool.DepartureID(id))
		},
		Save: func(ctx context.Context, before, after pool.Departure, _ pool.Outcome) (pool.Departure, error) {
			return h.Ledger.SaveDeparture(ctx, before, after)
		},
		Progress: func(d *pool.Departure) *pool.Progress { return &d.Progress },
		History:  func(d pool.Departure) []pool.Entry { return d.History },
		Steps: map[pool.Step]lifecycle.Do[pool.Departure]{
			pool.StepShut:    h.answering(h.shut),
			pool.StepUpload:  h.answering(h.upload),
			pool.StepArchive: h.archive,
			pool.StepVerify:  h.verify,
			pool.StepLock:    h.lock,
			pool.StepGrace:   h.grace,
			pool.StepScrub:   h.scrub,
			pool.StepCertify: h.certify,
			pool.StepReopen:  h.answering(h.reopen),
		},
		Retry: func(ctx context.Context, d pool.Departure, failure error) (time.Duration, bool) {
			return h.again(ctx, "departure", string(d.ID()), d.Progress, failure), true
		},
		Later:  h.later(events.OfDeparture),
		Behind: behindWait,
		Rested: func(context.Context, pool.Departure, bool) error { return nil },
		Moved: func(ctx context.Context, before, after pool.Departure) {
			h.moved(ctx, "departure", string(before.ID()), string(after.State), before.Progress, after.Progress)
			if after.State == pool.DepartureLeaving && !after.Done(pool.StepLock) {
				h.Metrics.Duration(telemetry.ArchiveAge, h.Now().Sub(after.Began()))
			}
		},
		Time: h.timeLeft,
	}
}

// clearances drives clearances.
func (h *Handler) clearances() lifecycle.Machine[pool.Clearance] {
	return lifecycle.Machine[pool.Clearance]{
		Load: func(ctx context.Context, id string) (pool.Clearance, error) {
			return h.Ledger.Clearance(ctx, pool.ClearanceID(id))
		},
		Save: func(ctx context.Context, before, after pool.Clearance, _ pool.Outcome) (pool.Clearance, error) {
			return h.Ledger.SaveClearance(ctx, before, after)
		},
		Progress: func(c *pool.Clearance) *pool.Progress { return &c.Progress },
		History:  func(c pool.Clearance) []pool.Entry { return c.History },
		Steps: map[pool.Step]lifecycle.Do[pool.Clearance]{
			pool.StepWithdraw: h.mended(h.withdraw),
			pool.StepCompare:  h.mended(h.compare),
			pool.StepEmpty:    h.mended(h.empty),
			pool.StepRemake:   h.mended(h.remake),
			pool.StepProve:    h.mended(h.prove),
			pool.StepCool:     h.mended(h.cool),
		},
		Retry: func(ctx context.Context, c pool.Clearance, failure error) (time.Duration, bool) {
			return h.again(ctx, "clearance", string(c.ID()), c.Progress, failure), true
		},
		Later:  h.later(events.OfClearance),
		Behind: behindWait,
		Rested: h.cleared,
		Moved: func(ctx context.Context, before, after pool.Clearance) {
			h.moved(ctx, "clearance", string(before.ID()), string(after.State), before.Progress, after.Progress)
			if after.State == pool.ClearanceScrubbing && len(after.History) > 0 {
				h.Metrics.Duration(telemetry.ScrubAge, h.Now().Sub(after.History[0].At))
			}
		},
		Time: h.timeLeft,
	}
}

// again says how long to wait for another try of a step that failed: a service's refusal mostly passes, as does a
// master password that was rotated since it was read. What lasts longer is found by the step's deadline.
func (h *Handler) again(ctx context.Context, of, id string, p pool.Progress, failure error) time.Duration {
	wait := min(retryWait<<min(p.Count, 5), retryWaitMost)
	h.Log.WarnContext(ctx, "step failed, and is tried again", of, id, "step", p.Step, "wait", wait, "error", failure)
	return wait
}

func (h *Handler) moved(ctx context.Context, of, id, state string, before, after pool.Progress) {
	if after.Step != before.Step {
		h.Log.InfoContext(ctx, of+" moved on", of, id, "state", state, "done", before.Step, "next", after.Step)
	}
}

// later has something gone on with by a message.
func (h *Handler) later(of string) func(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
	return func(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
		step := events.NewStep(of, id, string(at.Step), at.Try)
		step.Again = at.Again
		if err := h.Steps.Send(ctx, step, min(delay, delayMost)); err != nil {
			return fmt.Errorf("have step %s of %s %s gone on with: %w", at.Step, of, id, err)
		}
		return nil
	}
}

// timeLeft reports whether another step may be begun.
func (h *Handler) timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || h.Until(deadline) > reserve
}
