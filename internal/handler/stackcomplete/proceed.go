package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// reserve is what must be left of the invocation's time to begin another step.
const reserve = 20 * time.Second

// progress is what a step came to.
type progress = lifecycle.Next[pool.Host]

// machine drives hosts. StepOrder is the pool check's.
func (h *Handler) machine() lifecycle.Machine[pool.Host] {
	return lifecycle.Machine[pool.Host]{
		Load: func(ctx context.Context, id string) (pool.Host, error) {
			host, err := h.Ledger.Host(ctx, pool.HostID(id))
			if err != nil {
				return host, fmt.Errorf("read host %s: %w", id, err)
			}
			return host, nil
		},
		Save: func(ctx context.Context, before, after pool.Host, outcome pool.Outcome) (pool.Host, error) {
			if err := h.Ledger.SaveHost(ctx, before, after, outcome, h.Now()); err != nil {
				return before, fmt.Errorf("save host %s: %w", before.ID, err)
			}
			after.Version = before.Version + 1
			return after, nil
		},
		Progress: func(host *pool.Host) *pool.Progress { return &host.Progress },
		History:  func(host pool.Host) []pool.Entry { return host.History },
		Steps: map[pool.Step]lifecycle.Do[pool.Host]{
			pool.StepBuild:     h.build,
			pool.StepAttach:    h.unheld(h.attach),
			pool.StepBoot:      h.unheld(h.boot),
			pool.StepActivate:  h.unheld(h.activate),
			pool.StepStabilize: h.unheld(h.stabilize),
			pool.StepAlarms:    h.unheld(h.alarms),
			pool.StepCache:     h.unheld(h.cache),
			pool.StepShares:    h.unheld(h.shares),
			pool.StepAvailable: h.unheld(h.available),
			pool.StepHarden:    h.unheld(h.harden),
			pool.StepSlots:     h.unheld(h.slots),
			pool.StepSettle:    h.unheld(h.settle),
			pool.StepAnnounce:  h.announce,
			pool.StepDelete:    h.remove,
			pool.StepWatch:     h.watch,
			pool.StepClose:     h.closeReturned,

			pool.StepInspect:    h.inspect,
			pool.StepUnprotect:  h.guarded(h.unprotect),
			pool.StepUnshare:    h.guarded(h.unshare),
			pool.StepDeregister: h.guarded(h.deregister),
			pool.StepDismantle:  h.guarded(h.dismantle),
			pool.StepDisks:      h.guarded(h.disks),
			pool.StepBuckets:    h.guarded(h.buckets),
			pool.StepDate:       h.date,
			pool.StepSweep:      h.sweep,
		},
		Retry:  h.retry,
		Later:  h.later,
		Rested: h.rested,
		Moved:  h.logMove,
		Time:   h.timeLeft,
	}
}

// heldWait is the time between two looks whether a host may be made any further.
const heldWait = 5 * time.Minute

// unheld does a step by which a host is made, unless a recovery holds the host: it may have been in service since the time to which
// the table was put back, and have tenants.
func (h *Handler) unheld(do lifecycle.Do[pool.Host]) lifecycle.Do[pool.Host] {
	return func(ctx context.Context, host pool.Host) (progress, error) {
		if !host.HeldByRecovery() {
			return do(ctx, host)
		}
		host.Due = h.Now().Add(pool.Deadline(host.Step))
		return progress{Record: host, Wait: heldWait, Because: errors.New("a recovery does not know yet what it has")}, nil
	}
}

// proceed takes a host's steps from where a message wants to go on.
func (h *Handler) proceed(ctx context.Context, id pool.HostID, from lifecycle.Cursor) error {
	err := h.machine().Drive(ctx, string(id), from)
	if errors.Is(err, pool.ErrNotFound) {
		h.ignore(ctx, "message about an unknown host", "host", id)
		return nil
	}
	return err
}

// rested does what is left to do for a host that has no step: one that is deleted has made room, and one whose retirement
// was called off has slots again.
func (h *Handler) rested(ctx context.Context, host pool.Host, _ bool) error {
	if host.State != pool.HostDeleted && (host.State != pool.HostInService || host.Retire.Off.IsZero()) {
		return nil
	}
	if err := h.PoolChecks.Send(ctx, events.NewPoolCheck(fmt.Sprintf("host %s is %s", host.ID, host.State)), 0); err != nil {
		return fmt.Errorf("ask for a pool check: %w", err)
	}
	return nil
}

// later has the host gone on with by a message. Killed between the record and this, the message that
// is being handled comes again, and as a redelivered one goes on from the record.
func (h *Handler) later(ctx context.Context, id string, at lifecycle.Cursor, delay time.Duration) error {
	if err := h.Steps.Send(ctx, events.NewHostStep(id, string(at.Step), at.Try), delay); err != nil {
		return fmt.Errorf("have step %s of %s gone on with: %w", at.Step, id, err)
	}
	return nil
}

const (
	// retryWait is the first wait for another try of a step that failed; it doubles with the looks at the step.
	retryWait = 5 * time.Second
	// retryWaitMost is the longest.
	retryWaitMost = time.Minute
)

// retry has a step that failed tried again in seconds, by a delayed message: a service's refusal mostly passes,
// as does a master password that was rotated since it was read. What lasts longer is found by the step's deadline,
// and the last error is in the host's record.
func (h *Handler) retry(ctx context.Context, host pool.Host, failure error) (time.Duration, bool) {
	wait := min(retryWait<<min(host.Count, 4), retryWaitMost)
	h.Log.WarnContext(ctx, "step of a host failed, and is tried again", "host", host.ID, "step", host.Step, "wait", wait, "error", failure)
	return wait, true
}

// timeLeft reports whether another step may be begun.
func (h *Handler) timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || h.Until(deadline) > reserve
}

func (h *Handler) logMove(ctx context.Context, before, after pool.Host) {
	if after.Step != before.Step || after.State != before.State {
		h.Log.InfoContext(ctx, "host moved on", "host", before.ID, "from", before.State, "to", after.State, "done", before.Step, "next", after.Step)
	}
}
