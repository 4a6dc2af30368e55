package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

const (
	// conflicts bounds how often a step is done again because another message, or function, wrote the host first.
	conflicts = 5
	// stepsAtOnce bounds how many steps one invocation takes.
	stepsAtOnce = 30
	// reserve is what must be left of the invocation's time to begin another step.
	reserve = 20 * time.Second
)

// cursor is where a message wants to go on: at which step, and how many looks at it there were.
type cursor struct {
	step        pool.Step
	try         int  // from 1
	redelivered bool // the message was delivered before
}

// after is the cursor of the look that comes next.
func after(h pool.Host) cursor { return cursor{step: h.Step, try: h.Count + 1} }

// stale reports that the host has moved on since the message was sent: another copy of the message did
// that, or another message. A message that was delivered before is never stale: its first delivery
// may have been killed after the host moved on and before the next message was sent. So each look
// moves the host's Count, and however often messages are doubled, one of them goes on.
func (c cursor) stale(h pool.Host) bool {
	return !c.redelivered && (c.step != h.Step || c.try <= h.Count)
}

// progress is what a step came to.
type progress struct {
	host    pool.Host     // to be recorded
	outcome pool.Outcome  // of the host's making
	wait    time.Duration // until the next look at the same step
	rest    bool          // another message says when to go on: nothing is recorded
}

// steps are what is done at each step. StepOrder is the pool check's.
var steps = map[pool.Step]func(*Handler, context.Context, pool.Host) (progress, error){
	pool.StepBuild:     (*Handler).build,
	pool.StepActivate:  (*Handler).activate,
	pool.StepStabilize: (*Handler).stabilize,
	pool.StepCache:     (*Handler).cache,
	pool.StepShares:    (*Handler).shares,
	pool.StepAvailable: (*Handler).available,
	pool.StepHarden:    (*Handler).harden,
	pool.StepSlots:     (*Handler).slots,
	pool.StepAnnounce:  (*Handler).announce,
	pool.StepDelete:    (*Handler).remove,
}

// proceed takes a host's steps from where the cursor is, until one has to wait, the host is at rest,
// or time runs out. Steps that need no waiting follow each other without a message.
func (h *Handler) proceed(ctx context.Context, id pool.HostID, from cursor) error {
	tries := 0
	for range stepsAtOnce {
		host, err := h.Ledger.Host(ctx, id)
		if errors.Is(err, pool.ErrNotFound) {
			h.ignore(ctx, "message about an unknown host", "host", id)
			return nil
		}
		if err != nil {
			return fmt.Errorf("read host %s: %w", id, err)
		}
		if from.stale(host) {
			h.Log.DebugContext(ctx, "late or doubled message", "host", id, "step", from.step, "try", from.try)
			return nil
		}
		if host.Step == "" {
			return h.rest(ctx, host)
		}
		do, ok := steps[host.Step]
		if !ok {
			return nil
		}
		from = after(host)
		next, err := do(h, ctx, host)
		if err != nil {
			return fmt.Errorf("step %s of %s: %w", host.Step, id, err)
		}
		if next.rest {
			return nil
		}
		if next.host.Step == host.Step && next.host.Count == host.Count {
			next.host.Count++
		}
		// Commit point: what the step did is known, so nobody does it again. Killed before this, the
		// step is done again, and finds what it did.
		switch err := h.Ledger.SaveHost(ctx, host, next.host, next.outcome, h.Now()); {
		case errors.Is(err, pool.ErrConflict) && tries < conflicts:
			tries++
			continue // decide again; the cursor says whether it is still our turn
		case err != nil:
			return fmt.Errorf("save host %s after step %s: %w", id, host.Step, err)
		}
		h.log(ctx, host, next)
		if from = after(next.host); next.wait > 0 || !h.timeLeft(ctx) {
			return h.later(ctx, id, from, next.wait)
		}
	}
	return h.later(ctx, id, from, 0)
}

// rest is what is left to do for a host that has no step: one that is deleted has made room.
func (h *Handler) rest(ctx context.Context, host pool.Host) error {
	if host.State != pool.Deleted {
		return nil
	}
	if err := h.PoolChecks.Send(ctx, events.NewPoolCheck("host "+string(host.ID)+" is deleted"), 0); err != nil {
		return fmt.Errorf("ask for a pool check: %w", err)
	}
	return nil
}

// later has the host gone on with by a message. Killed between the record and this, the message that
// is being handled comes again, and as a redelivered one goes on from the record.
func (h *Handler) later(ctx context.Context, id pool.HostID, at cursor, delay time.Duration) error {
	if err := h.Steps.Send(ctx, events.NewHostStep(string(id), string(at.step), at.try), delay); err != nil {
		return fmt.Errorf("have step %s of %s gone on with: %w", at.step, id, err)
	}
	return nil
}

// timeLeft reports whether another step may be begun.
func (h *Handler) timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || deadline.Sub(h.Now()) > reserve
}

func (h *Handler) log(ctx context.Context, before pool.Host, p progress) {
	if p.host.Step != before.Step || p.host.State != before.State {
		h.Log.InfoContext(ctx, "host moved on", "host", before.ID, "from", before.State, "to", p.host.State, "done", before.Step, "next", p.host.Step)
	}
}
