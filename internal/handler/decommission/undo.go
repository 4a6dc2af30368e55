package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/access"
	"headroom/internal/copytask"
	"headroom/internal/pool"
)

// undo is a tenant that is to stay.
func (h *Handler) undo(ctx context.Context, d events.Delivery) error {
	refuse := func(tenantID string, bad *events.FieldError) error {
		return h.refuse(ctx, d, events.TypeUndoRequested, tenantID, bad)
	}
	request, err := events.ParseUndoRequested([]byte(d.Body))
	var bad *events.FieldError
	if errors.As(err, &bad) {
		return refuse(request.TenantID, bad)
	}
	if err != nil {
		return err
	}
	request.RequestedBy = d.Who(request.RequestedBy)
	sent := events.Wanted(request.AsOf, h.sent(d))
	for range rounds {
		t, err := h.Ledger.Tenant(ctx, pool.TenantID(request.TenantID))
		if errors.Is(err, pool.ErrNotFound) {
			return refuse(request.TenantID, &events.FieldError{Field: "tenantId", Reason: "is unknown"})
		}
		if err != nil {
			return fmt.Errorf("read tenant %s, which is to stay: %w", request.TenantID, err)
		}
		if t.State != pool.TenantLeft {
			bad, err = h.undoEarly(ctx, sent, t)
		} else {
			bad, err = h.rejoin(ctx, sent, t, request)
		}
		switch {
		case errors.Is(err, pool.ErrConflict):
			continue
		case err == nil && bad != nil:
			return refuse(request.TenantID, bad)
		}
		return err
	}
	return fmt.Errorf("have tenant %s stay: its record keeps changing: %w", request.TenantID, pool.ErrConflict)
}

// undoEarly is an undo of a tenant that does not leave: it was undone before, or the undo has overtaken the request that
// it undoes, which then comes too late.
func (h *Handler) undoEarly(ctx context.Context, sent time.Time, t pool.Tenant) (*events.FieldError, error) {
	if before, err := h.heardBefore(ctx, t, sent); before || err != nil {
		if err == nil {
			err = h.answerLast(ctx, t.ID)
		}
		return nil, err
	}
	if last, undoing, err := h.undoing(ctx, t); err != nil || undoing {
		if err == nil {
			err = h.answer(ctx, last.ID()) // it may have been given up
		}
		return nil, err
	}
	if sent.After(t.LeftAt) { // else it was noted, and its refusal was cut short
		noted := t.Clone()
		noted.LeftAt = sent
		if _, err := h.Ledger.SaveTenant(ctx, t, noted); err != nil {
			return nil, fmt.Errorf("note that tenant %s is to stay: %w", t.ID, err)
		}
	}
	return &events.FieldError{Field: "tenantId", Reason: "is not leaving"}, nil
}

// heardBefore reports whether an undo of a tenant that does not leave undid a departure, or is about an earlier one.
func (h *Handler) heardBefore(ctx context.Context, t pool.Tenant, sent time.Time) (bool, error) {
	if !sent.Equal(t.LeftAt) {
		return sent.Before(t.LeftAt), nil
	}
	all, err := h.Ledger.Departures(ctx, t.ID)
	if err != nil {
		return false, fmt.Errorf("read the departures of tenant %s: %w", t.ID, err)
	}
	return slices.ContainsFunc(all, func(d pool.Departure) bool { return d.UndoneAt.Equal(sent) }), nil
}

// madeAnew reports whether a slot of a tenant that leaves is gone with its host, or has a later generation than the tenant had: by a
// table that was put back, it may be in its grace still, when that was over.
func (h *Handler) madeAnew(ctx context.Context, d pool.Departure) (bool, error) {
	for _, has := range []pool.Holding{d.Tenant.Database, d.Tenant.Share} {
		host, err := h.Ledger.Host(ctx, has.Host)
		if err != nil {
			return false, fmt.Errorf("look whether tenant %s has its slot of %s still: %w", d.Tenant.ID, has.Host, err)
		}
		if slot := host.Slot(has.Index); host.State == pool.HostDeleted || slot != nil && slot.Generation > has.Generation {
			return true, nil
		}
	}
	return false, nil
}

// rejoin has a tenant back whose departure can be undone. pool.ErrConflict when its record or its departure has changed.
func (h *Handler) rejoin(ctx context.Context, sent time.Time, t pool.Tenant, request events.UndoRequested) (*events.FieldError, error) {
	d, err := h.Ledger.Departure(ctx, pool.DepartureIDOf(t))
	if err != nil {
		return nil, fmt.Errorf("read the departure of tenant %s: %w", t.ID, err)
	}
	switch {
	case sent.Before(d.LastAsked()):
		return nil, h.outlasted(ctx, d, sent) // it undid an earlier one, or what was asked for before the last time
	case !d.Handed():
		return &events.FieldError{Field: "tenantId", Reason: "had no storage yet when it left: it has to sign up anew"}, nil
	case d.State != pool.DepartureLeaving:
		return &events.FieldError{Field: "tenantId", Reason: "can't be undone any more: its grace is over"}, nil
	}
	switch over, err := h.madeAnew(ctx, d); {
	case err != nil:
		return nil, err
	case over:
		return &events.FieldError{Field: "tenantId", Reason: "can't be undone any more: what it had is gone, or was made anew for others"}, nil
	}
	back, undoing, err := pool.Undo(t, d, request.RequestedBy+": "+request.Reason, sent, h.Now())
	if err != nil {
		return nil, err
	}
	undoing.History, back.History = pool.Attributed(ctx, d.History, undoing.History), pool.Attributed(ctx, t.History, back.History)
	// Commit point: the tenant stays, and nobody can sign up under its name. It is let in from here on.
	if err := h.Ledger.Rejoin(ctx, d, undoing, t, back); err != nil {
		return nil, fmt.Errorf("undo departure %s: %w", d.ID(), err)
	}
	h.Log.InfoContext(ctx, "departure undone", "tenant", t.ID, "departure", d.ID(), "requestedBy", request.RequestedBy)
	if undoing, err = h.Ledger.Departure(ctx, d.ID()); err != nil {
		return nil, fmt.Errorf("read departure %s: %w", d.ID(), err)
	}
	return nil, h.departures().Go(ctx, string(d.ID()), undoing)
}

// letIn has a tenant log in again whose departure is undone. A database that it moved away from since is nobody's to log in to: its
// slot is cleared.
func (h *Handler) letIn(ctx context.Context, d pool.Departure, t pool.Tenant, on pool.Host) error {
	if err := h.markSlot(ctx, d.Tenant.Share, t.ID, pool.StaySlot); err != nil {
		return err
	}
	if !t.Database.Same(d.Tenant.Database) {
		h.Log.WarnContext(ctx, "tenant that is let in has moved", "tenant", t.ID, "departure", d.ID(), "from", d.Tenant.Database.Host, "to", t.Database.Host)
		return nil
	}
	if err := h.markSlot(ctx, t.Database, t.ID, pool.StaySlot); err != nil {
		return err
	}
	slot := pool.MarkedSlot{Name: t.Database.Name, Mark: on.HeldMark(t.Database)}
	if err := h.asMaster(ctx, on, func(login pool.Login) error { return h.Databases.Reopen(ctx, login, slot) }); err != nil {
		return fmt.Errorf("let tenant %s log in again: %w", t.ID, err)
	}
	return nil
}

// outlasted answers an undo after which a departure was asked for again, before which it came. pool.ErrConflict when the departure
// has changed since it was read.
func (h *Handler) outlasted(ctx context.Context, d pool.Departure, sent time.Time) error {
	if after, changed := d.UndoneBefore(sent, h.Now()); changed {
		// Commit point: its grace counts anew from here on.
		if _, err := h.Ledger.SaveDeparture(ctx, d, after); err != nil {
			return fmt.Errorf("note that departure %s was undone and asked for again: %w", d.ID(), err)
		}
	}
	return h.answerLast(ctx, d.Tenant.ID)
}

// reopen lets a tenant in again, with all that it had. It does so twice: an invocation that was shutting the tenant out,
// or was letting a copier in, when the departure was undone may still be about it, and has ended by the second time.
func (h *Handler) reopen(ctx context.Context, d pool.Departure) (leaving, error) {
	again := d.Done(pool.StepReopen)
	if left := d.MovedAt().Add(stalled).Sub(h.Now()); again && left > 0 {
		return leaving{Record: d, Wait: left}, nil
	}
	if d.Attempt.Task != "" && h.Now().Sub(d.Attempt.Began) < copytask.StartTime { // else it may not be known yet, and would run on
		if _, err := h.Tasks.Describe(ctx, d.Attempt.Task); err != nil {
			return leaving{}, fmt.Errorf("look for the task of departure %s before it is stopped: %w", d.ID(), err)
		}
	}
	if err := h.endAttempt(ctx, d, "the departure is undone"); err != nil {
		return leaving{}, err
	}
	if err := h.forgetCopiers(ctx, d); err != nil {
		return leaving{}, err
	}
	if err := h.bays().Leave(ctx, string(d.ID())); err != nil {
		return leaving{}, err
	}
	// Its addresses may have been changed since it is back, and it may have moved: what is desired is what its record says now.
	t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return leaving{}, fmt.Errorf("read tenant %s, which stays: %w", d.Tenant.ID, err)
	}
	if err != nil || !d.Rejoined(t) {
		undone, err := pool.MoveDeparture(d, pool.DepartureUndone, "", h.Now(), d.UndoneBy+"; nobody is let in, because the tenant has left again since")
		return leaving{Record: undone}, err
	}
	database, share, err := h.hosts(ctx, d)
	if err != nil {
		return leaving{}, err
	}
	if err := h.letIn(ctx, d, t, database); err != nil {
		return leaving{}, err
	}
	ref, err := shareRef(share, d.Tenant.Share)
	if err != nil {
		return leaving{}, err
	}
	if err := h.Access.Admit(ctx, t, share.Access.SecurityGroup); err != nil {
		return leaving{}, err
	}
	err = h.Access.Served(ctx, ref, t.Clients())
	if errors.Is(err, access.ErrNotServing) {
		// Not at each look: while a list is set anew the share serves nobody yet.
		if d.FirstLook() {
			if err := h.Access.Set(ctx, t, ref, share.Access.SecurityGroup); err != nil {
				return leaving{}, err
			}
			// What it gave up since its record was read is let in by that once more, and may be another tenant's by now.
			if now, failed := h.Ledger.Tenant(ctx, t.ID); failed != nil || !slices.Equal(now.Clients(), t.Clients()) {
				d.Progress = d.SetAgain()
				return leaving{Record: d, Wait: settleWait, Because: err}, nil
			}
		}
		return leaving{Record: d, Wait: d.LookWait(), Because: err}, nil
	}
	if err != nil {
		return leaving{}, err
	}
	if !again {
		if err := h.Announce.TenantReopened(ctx, d); err != nil {
			return leaving{}, err
		}
		return leaving{Record: d.Proven(pool.StepReopen, h.Now(), "it is let in again"), Wait: stalled}, nil
	}
	undone, err := pool.MoveDeparture(d, pool.DepartureUndone, "", h.Now(), d.UndoneBy)
	return leaving{Record: undone}, err
}
