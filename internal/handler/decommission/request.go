package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// rounds bounds how often a request is decided again because its tenant's record changed meanwhile.
const rounds = 5

// errUndoing means that a departure of the tenant is being undone, which takes a moment.
var errUndoing = errors.New("its last departure is being undone")

// errUnclear means that a recovery does not know yet what a tenant has.
var errUnclear = errors.New("it has nothing by the record, and that may be out of date")

// request is a tenant that is to leave.
func (h *Handler) request(ctx context.Context, d events.Delivery) error {
	refuse := func(tenantID string, bad *events.FieldError) error {
		return h.refuse(ctx, d, events.TypeDecommissionRequested, tenantID, bad)
	}
	request, err := events.ParseDecommissionRequested([]byte(d.Body))
	var bad *events.FieldError
	if errors.As(err, &bad) {
		return refuse(request.TenantID, bad)
	}
	if err != nil {
		return err
	}
	terms, err := h.Terms.Terms(ctx)
	if err != nil {
		return fmt.Errorf("load the terms: %w", err)
	}
	asked := pool.Departure{
		Reason: request.Reason, RequestedBy: d.Who(request.RequestedBy), Message: d.ID, RequestedAt: events.Wanted(request.AsOf, h.sent(d)), Grace: time.Duration(terms.Grace),
	}
	if request.Grace != "" {
		if asked.Grace, err = time.ParseDuration(request.Grace); err != nil {
			return fmt.Errorf("read the grace %q: %w", request.Grace, err)
		}
		if bad := terms.Refusal(asked.Grace); bad != nil {
			return refuse(request.TenantID, bad)
		}
	}
	for range rounds {
		t, err := h.Ledger.Tenant(ctx, pool.TenantID(request.TenantID))
		if errors.Is(err, pool.ErrNotFound) {
			return refuse(request.TenantID, &events.FieldError{Field: "tenantId", Reason: "is unknown"})
		}
		if err != nil {
			return fmt.Errorf("read tenant %s, which is to leave: %w", request.TenantID, err)
		}
		switch {
		case t.State == pool.TenantLeft:
			err = h.askAgain(ctx, pool.DepartureIDOf(t), asked)
		case !asked.RequestedAt.After(t.LeftAt), asked.RequestedAt.Before(t.RequestedAt):
			return h.answerLast(ctx, t.ID)
		default:
			err = h.depart(ctx, t, asked, terms)
		}
		if !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("have tenant %s leave: its record keeps changing: %w", request.TenantID, pool.ErrConflict)
}

// askAgain answers a request of a tenant that leaves already. pool.ErrConflict when its departure has changed since it was read.
func (h *Handler) askAgain(ctx context.Context, id pool.DepartureID, asked pool.Departure) error {
	d, err := h.Ledger.Departure(ctx, id)
	if err != nil {
		return err
	}
	if again, changed := d.AskAgain(asked.RequestedAt, asked.Grace); changed {
		// Commit point: an undo that was sent before this does not end the departure any more.
		if _, err := h.Ledger.SaveDeparture(ctx, d, again); err != nil {
			return fmt.Errorf("note that departure %s was asked for again: %w", id, err)
		}
	}
	return h.answer(ctx, id)
}

// sent is when a message was sent.
func (h *Handler) sent(d events.Delivery) time.Time {
	if d.SentAt.IsZero() {
		return h.Now().UTC()
	}
	return d.SentAt.UTC()
}

// depart records the departure of a tenant, and takes its first steps. pool.ErrConflict when the tenant's record has
// changed since it was read.
func (h *Handler) depart(ctx context.Context, t pool.Tenant, asked pool.Departure, terms pool.Terms) error {
	if err := h.endUndoing(ctx, t); err != nil {
		return err
	}
	if t.State == pool.TenantReady {
		// Else the shelf would give the same slots, and what is in them, to whoever signs up next under this name.
		if err := h.Shelf.SettleFor(ctx, t); err != nil {
			return err
		}
	} else if err := h.clear(ctx, t); err != nil {
		return err
	}
	left, d, err := pool.Leave(t, asked, terms, h.Now())
	if err != nil {
		return err
	}
	left.History, d.History = pool.Threaded(left.History, events.Correlation(ctx)), pool.Threaded(d.History, events.Correlation(ctx))
	// Commit point: the tenant leaves. From here on the departure is finished by whichever comes next: this invocation,
	// the message's next delivery, or the pool check past the deadline.
	if err := h.Ledger.Depart(ctx, t, left, d); err != nil {
		return fmt.Errorf("record the departure of tenant %s: %w", t.ID, err)
	}
	h.Log.InfoContext(ctx, "tenant leaves", "tenant", t.ID, "departure", d.ID(), "reason", d.Reason, "requestedBy", d.RequestedBy)
	if d, err = h.Ledger.Departure(ctx, d.ID()); err != nil {
		return fmt.Errorf("read departure %s: %w", d.ID(), err)
	}
	return h.departures().Go(ctx, string(d.ID()), d)
}

// clear looks whether it is true that a tenant was never served. The departure of one that was, and is not by a record that was put
// back, would take for spent what alone says whose its data is. So the request comes again, and lies with the dead letters once it
// has come often: until another recovery has looked.
func (h *Handler) clear(ctx context.Context, t pool.Tenant) error {
	r, err := h.Ledger.Recovery(ctx)
	if err != nil {
		return fmt.Errorf("look whether the record of tenant %s is true: %w", t.ID, err)
	}
	if why := r.Unclear(); why != "" {
		return fmt.Errorf("have tenant %s leave: %w: %s", t.ID, errUnclear, why)
	}
	return nil
}

// undoing reads the departure of a tenant that is being undone; false: none is.
func (h *Handler) undoing(ctx context.Context, t pool.Tenant) (pool.Departure, bool, error) {
	id, ok := pool.UndoneOf(t)
	if !ok {
		return pool.Departure{}, false, nil
	}
	last, err := h.Ledger.Departure(ctx, id)
	if err != nil {
		return last, false, fmt.Errorf("read the last departure of tenant %s: %w", t.ID, err)
	}
	return last, last.State == pool.DepartureUndoing, nil
}

// endUndoing ends what is left of an undo of a tenant that leaves again. Once it is let in that is only to be looked at
// again, which its next departure makes needless; before that it is errUndoing, and is gone on with, had it been given up.
func (h *Handler) endUndoing(ctx context.Context, t pool.Tenant) error {
	last, undoing, err := h.undoing(ctx, t)
	if err != nil || !undoing {
		return err
	}
	if last.LettingIn() {
		return errors.Join(fmt.Errorf("have tenant %s leave: %w", t.ID, errUndoing), h.answer(ctx, last.ID()))
	}
	undone, err := pool.MoveDeparture(last, pool.DepartureUndone, "", h.Now(), last.UndoneBy)
	if err != nil {
		return err
	}
	// Commit point: nobody begins to let it in again from here on.
	if _, err := h.Ledger.SaveDeparture(ctx, last, undone); err != nil {
		return fmt.Errorf("end the undo of departure %s: %w", last.ID(), err)
	}
	return nil
}

// answerLast answers a request that is late: it was sent before the tenant's last departure was asked for, or undone, or
// before it signed up again.
func (h *Handler) answerLast(ctx context.Context, id pool.TenantID) error {
	all, err := h.Ledger.Departures(ctx, id)
	if err != nil {
		return fmt.Errorf("read the departures of tenant %s: %w", id, err)
	}
	if len(all) == 0 {
		return nil // an undo overtook what it undoes
	}
	last := slices.MaxFunc(all, func(a, b pool.Departure) int { return a.RequestedAt.Compare(b.RequestedAt) })
	return h.answer(ctx, last.ID())
}

// answer says once more what a departure has come to. One that was given up is gone on with, with all its tries.
func (h *Handler) answer(ctx context.Context, id pool.DepartureID) error {
	return h.goOn(ctx, id, "it was asked for again")
}

// goOn is answer, for a reason.
func (h *Handler) goOn(ctx context.Context, id pool.DepartureID, why string) error {
	d, err := h.Ledger.Departure(ctx, id)
	if err != nil {
		return fmt.Errorf("read departure %s: %w", id, err)
	}
	if d.Stuck != "" {
		if d, err = h.resume(ctx, d, why); err != nil {
			return err
		}
	}
	if d.State == pool.DepartureScrubbing {
		if err := h.resumeClearances(ctx, d, why); err != nil {
			return err
		}
	}
	switch {
	case d.State == pool.DepartureUndone:
		return h.Announce.TenantReopened(ctx, d)
	case d.State == pool.DepartureLeft:
		certificate, err := h.certificate(ctx, d)
		if err != nil {
			return err
		}
		return h.Announce.TenantReleased(ctx, d, certificate)
	case d.State != pool.DepartureUndoing && d.Done(pool.StepShut):
		if err := h.Announce.TenantClosed(ctx, d); err != nil {
			return err
		}
	}
	return h.departures().Go(ctx, string(d.ID()), d)
}

// resume goes on with a departure that was given up, and with what belongs to it.
func (h *Handler) resume(ctx context.Context, d pool.Departure, why string) (pool.Departure, error) {
	begun := d.Clone()
	begun.Progress, begun.Attempt.Failed = pool.Started(d.Stuck, h.Now()), 0
	begun.History = pool.Append(begun.History, pool.Entry{At: h.Now().UTC(), What: "resumed", Why: why, Correlation: events.Correlation(ctx)})
	saved, err := h.Ledger.SaveDeparture(ctx, d, begun)
	if err != nil {
		return d, fmt.Errorf("go on with departure %s: %w", d.ID(), err)
	}
	return saved, nil
}

// resumeClearance goes on with a clearance, if it was given up.
func (h *Handler) resumeClearance(ctx context.Context, id pool.ClearanceID, why string) error {
	c, err := h.Ledger.Clearance(ctx, id)
	if err != nil || c.Stuck == "" || c.State != pool.ClearanceScrubbing {
		return err
	}
	begun := c.Clone()
	begun.Progress = pool.Started(c.Stuck, h.Now())
	begun.History = pool.Append(begun.History, pool.Entry{At: h.Now().UTC(), What: "resumed", Why: why, Correlation: events.Correlation(ctx)})
	saved, err := h.Ledger.SaveClearance(ctx, c, begun)
	if err != nil {
		return fmt.Errorf("go on with clearance %s: %w", id, err)
	}
	return h.clearances().Go(ctx, string(id), saved)
}

// resumeClearances goes on with clearances of a departure that were given up. Those that are quarantined stay so.
func (h *Handler) resumeClearances(ctx context.Context, d pool.Departure, why string) error {
	for _, kind := range pool.Kinds {
		if err := h.resumeClearance(ctx, clearanceOf(d.ID(), kind), why); err != nil {
			return err
		}
	}
	return nil
}
