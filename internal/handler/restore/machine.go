package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

const (
	// reserve is what must be left of the invocation's time to begin another step.
	reserve = 15 * time.Second
	// retryWait is the first wait for another try of a step that failed; it doubles with the looks at the step.
	retryWait = 5 * time.Second
	// retryWaitMost is the longest.
	retryWaitMost = 2 * time.Minute
	// behindWait is after how long a record is looked after for which a message came too late: longer than an invocation
	// lasts, and less than the shortest deadline.
	behindWait = 4 * time.Minute
	// delayMost is the longest delay of a message (SQS: 15 minutes). What ends later is found by its deadline.
	delayMost = 15 * time.Minute
	// stalled is how long somebody who was at a step when the restoration was called off may go on: longer than an
	// invocation lasts.
	stalled = 70 * time.Second
)

// restoring is what a step came to.
type restoring = lifecycle.Next[pool.Restoration]

func (h *Handler) machine() lifecycle.Machine[pool.Restoration] {
	return lifecycle.Machine[pool.Restoration]{
		Load: func(ctx context.Context, id string) (pool.Restoration, error) {
			return h.Ledger.Restoration(ctx, pool.TenantID(id))
		},
		Save: func(ctx context.Context, before, after pool.Restoration, _ pool.Outcome) (pool.Restoration, error) {
			return h.Ledger.SaveRestoration(ctx, before, after)
		},
		Progress: func(r *pool.Restoration) *pool.Progress { return &r.Progress },
		History:  func(r pool.Restoration) []pool.Entry { return r.History },
		Steps: map[pool.Step]lifecycle.Do[pool.Restoration]{
			pool.StepUpload:   h.staying(h.upload),
			pool.StepEnter:    h.staying(h.enter),
			pool.StepFiles:    h.staying(h.files),
			pool.StepRefresh:  h.staying(h.refresh),
			pool.StepInstance: h.staying(h.instance),
			pool.StepMaster:   h.staying(h.master),
			pool.StepCopy:     h.staying(h.copy),
			pool.StepDismiss:  h.staying(h.dismiss),
			pool.StepSwap:     h.staying(h.swap),
			pool.StepPlace:    h.staying(h.place),
			pool.StepShut:     h.staying(h.shut),
			pool.StepSwitch:   h.settle, // which looks itself whether the tenant stays
			pool.StepTell:     h.tell,
			pool.StepRemove:   h.remove,
			pool.StepRetract:  h.retract,
			pool.StepSwapBack: h.swapBack,
			pool.StepSweep:    h.sweep,
		},
		Retry: func(ctx context.Context, r pool.Restoration, failure error) (time.Duration, bool) {
			wait := min(retryWait<<min(r.Count, 5), retryWaitMost)
			h.Log.WarnContext(ctx, "step failed, and is tried again", "restoration", r.ID(), "step", r.Step, "wait", wait, "error", failure)
			return wait, true
		},
		Later:  h.later,
		Behind: behindWait,
		Rested: func(context.Context, pool.Restoration, bool) error { return nil },
		Moved:  h.moved,
		Time: func(ctx context.Context) bool {
			deadline, ok := ctx.Deadline()
			return !ok || h.Until(deadline) > reserve
		},
	}
}

func (h *Handler) moved(ctx context.Context, before, after pool.Restoration) {
	if after.Step != before.Step {
		h.Log.InfoContext(ctx, "restoration moved on", "restoration", after.ID(), "state", after.State, "done", before.Step, "next", after.Step)
	}
}

// later has a restoration gone on with by a message.
func (h *Handler) later(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
	step := events.NewStep(events.OfRestoration, id, string(at.Step), at.Try)
	step.Again = at.Again
	if err := h.Steps.Send(ctx, step, min(delay, delayMost)); err != nil {
		return fmt.Errorf("have step %s of the restoration of %s gone on with: %w", at.Step, id, err)
	}
	return nil
}

// staying does a step of a restoration while its tenant stays, and holds what it held: a departure wins. Once databases are
// changing places that is brought to its end first.
func (h *Handler) staying(do lifecycle.Do[pool.Restoration]) lifecycle.Do[pool.Restoration] {
	return func(ctx context.Context, r pool.Restoration) (restoring, error) {
		if !r.Swapping.IsZero() {
			return do(ctx, r)
		}
		t, err := h.Ledger.Tenant(ctx, r.Tenant)
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return restoring{}, fmt.Errorf("look whether tenant %s stays: %w", r.Tenant, err)
		}
		if err != nil || !holds(t, r) {
			return withdrawn(r.Withdraw("the tenant leaves", false, h.Now()))
		}
		return do(ctx, r)
	}
}

// holds reports whether a tenant has what a restoration of it is about.
func holds(t pool.Tenant, r pool.Restoration) bool {
	return t.State == pool.TenantReady && t.Mark == r.Mark && (!r.Move || t.Undone == r.Undone) &&
		(!r.OfDatabase() || t.Database.Same(r.Database)) && (!r.OfShare() || t.Share.Same(r.Share))
}

func withdrawn(r pool.Restoration, err error) (restoring, error) { return restoring{Record: r}, err }

// failed withdraws a restoration that can't come to anything.
func (h *Handler) failed(ctx context.Context, r pool.Restoration, why string) (restoring, error) {
	h.Log.ErrorContext(ctx, "restoration comes to nothing", "restoration", r.ID(), "step", r.Step, "reason", why)
	return withdrawn(r.Withdraw(why, true, h.Now()))
}

// wait has a restoration wait for something that is no failure: its deadline moves, and people are told once what it is.
func (h *Handler) wait(ctx context.Context, r pool.Restoration, why error, wait time.Duration) (restoring, error) {
	if r.Told != why.Error() {
		if err := h.Announce.RestoreWaits(ctx, r, why.Error()); err != nil {
			return restoring{}, err
		}
		r.Told = why.Error()
	}
	r.Due = h.Now().Add(pool.Deadline(r.Step))
	return restoring{Record: r, Wait: wait, Because: why}, nil
}

// stopped says why the stop switch keeps a restoration from going on, by any of the levels; nil when it doesn't.
func (h *Handler) stopped(ctx context.Context, levels ...pool.StopLevel) (why, err error) {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the stop switch: %w", err)
	}
	if against := stops.Against(levels...); against != "" {
		return errors.New(against), nil
	}
	return nil, nil
}
