package pool

import (
	"fmt"
	"slices"
	"time"
)

// A drained database host is emptied, where its pool's policy has a pace for that: one tenant after the other moves off it.
// Gateways are not: a share stays where its bucket is.

const (
	// unheardAfter is how long it is waited for a move to begin that was asked for: then the message is taken for lost, and it
	// is asked for again.
	unheardAfter = 10 * time.Minute
	// hostRests is how long nobody is moved off a host after a move off it failed: what kept that mostly keeps the next.
	hostRests = time.Hour
	// tenantRests is how long a tenant is not moved again whose move failed, and twice as long each time that the next one
	// fails too, up to tenantRestsMost: a database that has no room elsewhere, or takes too long, mostly is as large tomorrow.
	tenantRests     = 24 * time.Hour
	tenantRestsMost = 32 * tenantRests
)

// MoveOff is a move that was asked for to empty a drained host.
type MoveOff struct {
	Host   HostID
	Tenant TenantID
	At     time.Time // when it was decided, in whole milliseconds
}

// Same reports whether two are one decision.
func (m MoveOff) Same(o MoveOff) bool {
	return m.Host == o.Host && m.Tenant == o.Tenant && m.At.Equal(o.At)
}

// Emptying is a drained host as it was read, with all that is looked at before a tenant is moved off it.
type Emptying struct {
	Host    Host
	Policy  Policy   // of its pool
	Last    MoveOff  // that was asked for last, of any host of its tier
	Stops   Stops    // read consistently
	Shelf   Shelf    // of its tier
	Seen    Observed // its pool, when nothing was moved to or from its shelf
	Plan    Plan     // that was made for what was seen
	Tenants map[TenantID]Tenant
	Moves   map[TenantID]Restoration // the last restoration or move of each of them; none: there was none
}

// MovesNone says why no tenant is moved off a host whatever the host's tenants are, by its record, its pool's policy and
// the last move of its tier; empty: one may be.
func (h Host) MovesNone(p Policy, last MoveOff, now time.Time) string {
	switch {
	case h.Drained == "":
		return "it is not drained"
	case h.Kind != Database:
		return "a share stays where its bucket is"
	case p.DrainPace <= 0:
		return "its pool's drainPace is 0: nobody is moved off it"
	case h.State != HostCordoned:
		return fmt.Sprintf("it is %s", h.State)
	case h.Protected != "":
		return "it is protected, by " + h.Protected
	case h.Doubt != "" || h.Trouble != "":
		return "it does not answer as it should"
	case h.Assigned() == 0:
		return "nobody is on it"
	}
	if rest := last.At.Add(min(p.drainStep(), unheardAfter)).Sub(now); rest > 0 {
		return fmt.Sprintf("tenant %s was asked to move off %s at %s", last.Tenant, last.Host, last.At.UTC().Format(time.RFC3339))
	}
	return ""
}

// drainStep is the time between two moves off drained hosts of a pool.
func (p Policy) drainStep() time.Duration { return time.Hour / time.Duration(max(1, p.DrainPace)) }

// Next is the tenant that moves off the host next, and why; or why nobody does.
func (e Emptying) Next(now time.Time) (tenant TenantID, why string) {
	if why = e.Host.MovesNone(e.Policy, e.Last, now); why != "" {
		return "", why
	}
	if why = e.Full(now); why != "" {
		return "", why
	}
	if e.heard() && now.Before(e.Last.At.Add(e.Policy.drainStep())) {
		return "", fmt.Sprintf("tenant %s was the last, at %s, and %d move in an hour", e.Last.Tenant, e.Last.At.UTC().Format(time.RFC3339), e.Policy.DrainPace)
	}
	var fit []TenantID
	passed := ""
	for _, slot := range e.Host.Slots {
		if slot.State != SlotAssigned && slot.State != SlotLeaving {
			continue
		}
		if why := e.busy(slot, now); why != "" {
			return "", why
		}
		if slot.State != SlotAssigned {
			continue
		}
		if why := e.stays(slot, now); why != "" {
			passed = why
			continue
		}
		fit = append(fit, slot.Tenant)
	}
	if len(fit) == 0 {
		return "", passed
	}
	next := fit[0]
	if at := slices.Index(fit, e.Last.Tenant); at >= 0 && !e.heard() { // something keeps it from beginning: the others need not wait
		next = fit[(at+1)%len(fit)]
	}
	free, wanted := e.room(now)
	return next, fmt.Sprintf("%d of the %d tenants on it can move, %d an hour; %d free, %d wanted", len(fit), e.Host.Assigned(), e.Policy.DrainPace, free, wanted)
}

// Full says why the pool has no slot to give for a tenant that moves off the host, or nobody may be moved at all, whoever is on
// it; empty: it has.
func (e Emptying) Full(now time.Time) string {
	free, wanted := e.room(now)
	switch {
	case e.Stops.On(StopRepair):
		return e.Stops.Against(StopRepair)
	case e.Host.OnShelf(e.Shelf):
		return "the shelf has something of it still"
	case e.Seen.Waiting > 0:
		return fmt.Sprintf("%d waiting for slots", e.Seen.Waiting)
	case len(e.Plan.Actions)+e.Plan.Missing() > 0:
		return fmt.Sprintf("hosts are wanted: %d ordered, %d held back", len(e.Plan.Actions), e.Plan.Missing())
	case free <= wanted:
		return fmt.Sprintf("%d free, %d are to stay so: a slot for it would be one of those", free, wanted)
	}
	return ""
}

// room is how many slots of the pool are free, and how many are to be once a tenant has two for a while.
func (e Emptying) room(now time.Time) (free, wanted int) {
	moving := e.Seen
	moving.Record.Counters.Used++
	return e.Seen.Free(e.Policy), Decide(moving, e.Policy, nil, now).Buffer
}

// busy says why nobody is moved off the host for a slot's sake: its tenant moves already, or its move has failed just now;
// empty: not for that.
func (e Emptying) busy(slot Slot, now time.Time) string {
	r := e.Moves[slot.Tenant]
	switch {
	case r.Move && !r.State.Ended():
		return fmt.Sprintf("tenant %s moves: %s is at step %s", slot.Tenant, r.ID(), r.Step)
	case r.failed() && r.Database.Host == e.Host.ID && now.Sub(r.Since()) < hostRests:
		return fmt.Sprintf("move %s failed at %s: %s", r.ID(), r.Since().UTC().Format(time.RFC3339), r.Why)
	}
	return ""
}

// failed reports whether it is a move that came to nothing, which was nobody's wish.
func (r Restoration) failed() bool { return r.Move && r.Failed && r.State == RestorationWithdrawn }

// stays says why the tenant of a slot can't be moved now; empty: it can.
func (e Emptying) stays(slot Slot, now time.Time) string {
	t, known := e.Tenants[slot.Tenant]
	switch {
	case !known || t.State != TenantReady:
		return fmt.Sprintf("tenant %s is about to leave, or to sign up", slot.Tenant)
	case !t.Database.Same(e.Host.holding(slot)):
		return fmt.Sprintf("slot %d is not what tenant %s has yet, or any more", slot.Index, slot.Tenant)
	}
	return e.Moves[slot.Tenant].roots(now)
}

// roots says why a restoration, or a move that failed, keeps its tenant where that is for hours or days; empty: it does not.
func (r Restoration) roots(now time.Time) string {
	switch {
	case r.Number > 0 && !r.Move && !r.State.Ended():
		return fmt.Sprintf("tenant %s goes back in time: %s is at step %s", r.Tenant, r.ID(), r.Step)
	case !r.Promised(now).IsZero():
		return fmt.Sprintf("tenant %s may have %s undone until %s", r.Tenant, r.ID(), r.Promised(now).UTC().Format(time.RFC3339))
	case r.failed() && now.Before(r.restsUntil()):
		return fmt.Sprintf("move %s failed at %s, and is tried again after %s: %s",
			r.ID(), r.Since().UTC().Format(time.RFC3339), r.restsUntil().UTC().Format(time.RFC3339), r.Why)
	}
	return ""
}

// restsUntil is until when the tenant of a move that failed is not moved again.
func (r Restoration) restsUntil() time.Time {
	rests := tenantRests
	for range r.Missed - 1 {
		rests = min(2*rests, tenantRestsMost)
	}
	return r.Since().Add(rests)
}

// Rooted says why a host can't be emptied for hours or days, whatever is done, because a tenant stays on it; empty: it may be.
// Such a host is not drained by itself: it would stand there for nothing.
func (e Emptying) Rooted(now time.Time) string {
	for _, slot := range e.Host.Slots {
		if why := e.Moves[slot.Tenant].roots(now); slot.State == SlotAssigned && why != "" {
			return why
		}
	}
	return ""
}

// heard reports whether the last move that was asked for has begun, or its tenant is not on the host any more.
func (e Emptying) heard() bool {
	if e.Last.Host != e.Host.ID {
		return true
	}
	r := e.Moves[e.Last.Tenant]
	return !r.RequestedAt.Before(e.Last.At) || !slices.ContainsFunc(e.Host.Slots, func(s Slot) bool {
		return s.State == SlotAssigned && s.Tenant == e.Last.Tenant
	})
}
