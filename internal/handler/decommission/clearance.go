package decommission

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// withdraw takes a slot's generation away.
func (h *Handler) withdraw(ctx context.Context, c pool.Clearance) (clearing, error) {
	if c.Kind == pool.Share {
		return h.withdrawShare(ctx, c)
	}
	return h.withdrawDatabase(ctx, c)
}

// remake makes the slot's next generation.
func (h *Handler) remake(ctx context.Context, c pool.Clearance) (clearing, error) {
	if c.Kind == pool.Share {
		return h.remakeShare(ctx, c)
	}
	return h.remakeDatabase(ctx, c)
}

// prove looks into the slot's next generation.
func (h *Handler) prove(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	if slot.State == pool.SlotQuarantined {
		return h.quarantine(ctx, c, "its slot is quarantined in its host's record") // by an invocation that was killed then
	}
	if c.Stranded(host) {
		return h.follow(ctx, c, host)
	}
	if c.Kind == pool.Share {
		return h.lookIntoShare(ctx, c)
	}
	return h.lookIntoDatabase(ctx, c)
}

// tooSoon is how long it is until another look would count.
func (h *Handler) tooSoon(c pool.Clearance) time.Duration {
	if c.Clean == 0 {
		return 0
	}
	return c.LookedAt.Add(pool.CleanApart).Sub(h.Now())
}

// looked decides what a clearance comes to by what a look found.
func (h *Handler) looked(ctx context.Context, c pool.Clearance, found []string) (clearing, error) {
	after, proven, quarantine := c.Looked(found, h.Now())
	switch {
	case quarantine:
		return h.quarantine(ctx, after, fmt.Sprintf("it was not clean at %d looks: %s", after.Unclean, strings.Join(found, "; ")))
	case !proven:
		next := clearing{Record: after, Wait: pool.CleanApart}
		if len(found) > 0 {
			next.Because = fmt.Errorf("it is not clean: %s", strings.Join(found, "; "))
		}
		return next, nil
	}
	// Commit point: the host's record has the next generation, in which the slot rests.
	if err := h.changeHost(ctx, c.Holding.Host, func(host pool.Host) (pool.Host, bool, error) { return pool.RenewSlot(host, after, h.Now()) }); err != nil {
		return clearing{}, err
	}
	what := fmt.Sprintf("looked into %d times, %s apart or more, and nothing was found", after.Clean, pool.CleanApart)
	cooling, err := pool.MoveClearance(after.Proven(pool.StepCool, h.Now(), what), pool.ClearanceCooling, pool.StepCool, h.Now(), what)
	cooling.Due = cooling.RestsUntil()
	return clearing{Record: cooling}, err
}

// cool lets the slot rest, and then sets it free.
func (h *Handler) cool(ctx context.Context, c pool.Clearance) (clearing, error) {
	if left := c.RestsUntil().Sub(h.Now()); left > 0 {
		if left > delayMost {
			return clearing{Record: c, Leave: true}, nil
		}
		return clearing{Record: c, Wait: left}, nil
	}
	if open, err := h.openStill(ctx, c); open != nil || err != nil {
		return clearing{Record: c, Wait: serveWait, Because: open}, err
	}
	// Commit point: the slot is free, and may be set out at once.
	if err := h.changeHost(ctx, c.Holding.Host, func(host pool.Host) (pool.Host, bool, error) { return pool.FreeSlot(host, c, h.Now()) }); err != nil {
		return clearing{}, err
	}
	what := fmt.Sprintf("slot %s/%d is free, as generation %d", c.Holding.Host, c.Holding.Index, c.Holding.Generation+1)
	returned, err := pool.MoveClearance(c.Proven(pool.StepCool, h.Now(), what), pool.ClearanceReturned, "", h.Now(), what)
	return clearing{Record: returned}, err
}

// openStill closes a share that is open to somebody once more: a task that looks into one may have been let in late.
func (h *Handler) openStill(ctx context.Context, c pool.Clearance) (open, err error) {
	if c.Kind != pool.Share {
		return nil, nil
	}
	host, slot, err := h.slotOf(ctx, c)
	if err != nil || slot.State != pool.SlotCooling {
		return nil, err // whose it is by now, if it was set free before, is not to be touched
	}
	// By the slot, which may have another gateway's share by now than the one that was looked into.
	share, has := host.ShareRef(slot.Index)
	if !has {
		return nil, fmt.Errorf("look up the share of slot %s/%d, which cools: it has none", host.ID, slot.Index)
	}
	return h.shutShare(ctx, share, c.Count)
}

// cleared has the departure of a clearance that has ended gone on with, and the pool looked at.
func (h *Handler) cleared(ctx context.Context, c pool.Clearance, _ bool) error {
	if !c.State.Ended() {
		return nil
	}
	if c.State == pool.ClearanceReturned {
		if err := h.PoolChecks.Send(ctx, events.NewPoolCheck("a slot of host "+string(c.Holding.Host)+" came back"), 0); err != nil {
			return fmt.Errorf("ask for a pool check: %w", err)
		}
	}
	if move, ok := c.ID().OfMove(); ok {
		return h.movedAway(ctx, move)
	}
	d, err := h.Ledger.Departure(ctx, c.Departure)
	if err != nil {
		return err
	}
	if err := h.Steps.Send(ctx, events.NewStep(events.OfDeparture, string(c.Departure), string(pool.StepScrub), d.Count+1), 0); err != nil {
		return fmt.Errorf("have departure %s gone on with: %w", c.Departure, err)
	}
	return nil
}

// quarantine gives a slot up: nothing touches it until a person does.
func (h *Handler) quarantine(ctx context.Context, c pool.Clearance, why string) (clearing, error) {
	h.Log.ErrorContext(ctx, "slot quarantined", "clearance", c.ID(), "host", c.Holding.Host, "slot", c.Holding.Index, "reason", why)
	if err := h.changeHost(ctx, c.Holding.Host, func(host pool.Host) (pool.Host, bool, error) { return pool.QuarantineSlot(host, c, h.Now()) }); err != nil {
		return clearing{}, err
	}
	quarantined, err := pool.MoveClearance(c, pool.ClearanceQuarantined, "", h.Now(), why)
	if err != nil {
		return clearing{}, err
	}
	if err := h.Announce.Quarantined(ctx, quarantined); err != nil {
		return clearing{}, err
	}
	return clearing{Record: quarantined}, nil
}
