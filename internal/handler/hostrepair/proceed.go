package hostrepair

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
	reserve = 20 * time.Second
	// retryWait is the first wait for another try of a step that failed; it doubles with the looks at the step.
	retryWait = 5 * time.Second
	// retryWaitMost is the longest.
	retryWaitMost = time.Minute
	// stopWait is the time between two looks at the stop switch while it is on.
	stopWait = time.Minute
)

// mending is what a step of a repair came to.
type mending = lifecycle.Next[pool.Repair]

// machine drives repairs, which are called by their hosts.
func (h *Handler) machine() lifecycle.Machine[pool.Repair] {
	return lifecycle.Machine[pool.Repair]{
		Load: func(ctx context.Context, id string) (pool.Repair, error) {
			return h.Ledger.Repair(ctx, pool.HostID(id))
		},
		Save: func(ctx context.Context, before, after pool.Repair, _ pool.Outcome) (pool.Repair, error) {
			return h.Ledger.SaveRepair(ctx, before, after)
		},
		Progress: func(r *pool.Repair) *pool.Progress { return &r.Progress },
		History:  func(r pool.Repair) []pool.Entry { return r.History },
		Steps: map[pool.Step]lifecycle.Do[pool.Repair]{
			pool.StepExamine:   h.on(h.telling(h.examine)),
			pool.StepEnter:     h.on(h.telling(h.enter)),
			pool.StepChoose:    h.unlessStopped(h.choose),
			pool.StepAsk:       h.on(h.ask),
			pool.StepReboot:    h.unlessStopped(h.reboot),
			pool.StepStop:      h.unlessStopped(h.stop),
			pool.StepStart:     h.unlessStopped(h.start),
			pool.StepClean:     h.unlessStopped(h.clean),
			pool.StepResize:    h.unlessStopped(h.resize),
			pool.StepPreview:   h.unlessStopped(h.preview),
			pool.StepApply:     h.unlessStopped(h.apply),
			pool.StepDetach:    h.unlessStopped(h.detach),
			pool.StepUnseat:    h.unlessStopped(h.unseat),
			pool.StepSeat:      h.unlessStopped(h.seat),
			pool.StepReunite:   h.unlessStopped(h.reunite),
			pool.StepImport:    h.unlessStopped(h.takeIn),
			pool.StepTakeOver:  h.on(h.takeOver),
			pool.StepPart:      h.unlessStopped(h.part),
			pool.StepFence:     h.unlessStopped(h.fence),
			pool.StepRefit:     h.unlessStopped(h.refit),
			pool.StepAttach:    h.unlessStopped(h.attach),
			pool.StepBoot:      h.on(h.boot),
			pool.StepActivate:  h.unlessStopped(h.activate),
			pool.StepStabilize: h.on(h.stabilize),
			pool.StepCache:     h.unlessStopped(h.cache),
			pool.StepShares:    h.unlessStopped(h.shares),
			pool.StepAvailable: h.on(h.available),
			pool.StepAlarms:    h.unlessStopped(h.alarms),
			pool.StepMove:      h.unlessStopped(h.move),
			pool.StepReadmit:   h.unlessStopped(h.readmit),
			pool.StepJudge:     h.on(h.judge),
			pool.StepProve:     h.on(h.prove),
			pool.StepProbe:     h.on(h.probe),
			pool.StepDischarge: h.on(h.discharge),
			pool.StepSweep:     h.on(h.sweep),
		},
		Retry: func(ctx context.Context, r pool.Repair, failure error) (time.Duration, bool) {
			wait := min(retryWait<<min(r.Count, 4), retryWaitMost)
			h.Log.WarnContext(ctx, "step of a repair failed, and is tried again", "repair", r.ID(), "step", r.Step, "wait", wait, "error", failure)
			return wait, true
		},
		Later:  h.later,
		Rested: h.rested,
		Moved: func(ctx context.Context, before, after pool.Repair) {
			if after.Step != before.Step || after.State != before.State {
				h.Log.InfoContext(ctx, "repair moved on", "repair", after.ID(), "from", before.State, "to", after.State, "done", before.Step, "next", after.Step, "way", after.Way)
			}
		},
		Time: func(ctx context.Context) bool {
			deadline, ok := ctx.Deadline()
			return !ok || h.Until(deadline) > reserve
		},
	}
}

// step is a step of a repair, with its host as it is just now.
type step func(ctx context.Context, host pool.Host, r pool.Repair) (mending, error)

// on reads the host that a step is about. One that is no host any more needs no repair.
func (h *Handler) on(do step) lifecycle.Do[pool.Repair] {
	return func(ctx context.Context, r pool.Repair) (mending, error) {
		host, err := h.Ledger.Host(ctx, r.Host)
		if err != nil {
			return mending{}, err
		}
		if r.Step != pool.StepSweep && host.State != pool.HostInService && host.State != pool.HostCordoned {
			return h.end(ctx, host, r, "its host is "+string(host.State))
		}
		if r.Step != pool.StepProbe && r.Probe.Open() && !r.State.Ended() { // of one that has ended the share may be a tenant's by now
			if r, err = h.callOff(ctx, host, r); err != nil {
				return mending{}, err
			}
		}
		return do(ctx, host, r)
	}
}

// blindTries is how many times a step must have passed its deadline before people are told that a host can't be looked at.
const blindTries = 2

// telling has people told once of a repair that can't even look at its host, for so long that it is no passing trouble: until
// it asks for something, nobody else would. It goes on trying.
func (h *Handler) telling(do step) step {
	return func(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
		next, failure := do(ctx, host, r)
		if failure == nil || r.Blind != "" || r.Tries < blindTries || ctx.Err() != nil {
			return next, failure
		}
		why := "it can't be looked at, and is left as it is: " + failure.Error()
		if err := h.Announce.RepairWaits(ctx, host, r, why, false); err != nil {
			return mending{}, errors.Join(failure, err)
		}
		r = r.Clone()
		r.Blind = why
		return mending{Record: r, Wait: retryWaitMost, Because: failure}, nil
	}
}

// unlessStopped does a step while the stop switch lets it: it is read consistently before each.
func (h *Handler) unlessStopped(do step) lifecycle.Do[pool.Repair] {
	return h.on(func(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
		if waits, stopped, err := h.stopped(ctx, r); stopped || err != nil {
			return waits, err
		}
		return do(ctx, host, r)
	})
}

// stopped looks at the stop switch, and has a repair wait for it while it is on.
func (h *Handler) stopped(ctx context.Context, r pool.Repair) (waits mending, stopped bool, err error) {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil || !stops.On(pool.StopRepair) {
		return mending{}, false, err
	}
	r.Due = h.Now().Add(pool.Deadline(r.Step))
	return mending{Record: r, Wait: stopWait, Because: errors.New(stops.Against(pool.StopRepair))}, true, nil
}

// end ends a repair of a host that is none any more, in whatever state it is.
func (h *Handler) end(ctx context.Context, host pool.Host, r pool.Repair, why string) (mending, error) {
	if err := h.leave(ctx, host, false); err != nil {
		return mending{}, err
	}
	r = r.Clone()
	r.State = pool.RepairDropped
	r.History = pool.Append(r.History, pool.Entry{At: h.Now().UTC(), What: string(pool.RepairDropped), Why: why})
	return mending{Record: r.Rest(h.Now())}, nil
}

// rested gives back what a repair held that has ended: a late copy of a message, or one that was killed, may have taken it
// after its end.
func (h *Handler) rested(ctx context.Context, r pool.Repair, _ bool) error {
	host, err := h.Ledger.Host(ctx, r.Host)
	if err != nil {
		return err
	}
	return h.release(ctx, host, r)
}

// later has a repair gone on with by a message.
func (h *Handler) later(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
	if err := h.Steps.Send(ctx, events.NewStep(events.OfRepair, id, string(at.Step), at.Try), delay); err != nil {
		return fmt.Errorf("have step %s of the repair of %s gone on with: %w", at.Step, id, err)
	}
	return nil
}

// transit waits on what is on its way; any other error is the step's.
func transit(r pool.Repair, wait time.Duration, err error) (mending, error) {
	if errors.Is(err, pool.ErrInTransit) || errors.Is(err, pool.ErrNoCapacity) {
		return mending{Record: r, Wait: wait, Because: err}, nil
	}
	return mending{}, err
}
