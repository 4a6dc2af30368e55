package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// request is a tenant that is to go back in time.
func (h *Handler) request(ctx context.Context, d events.Delivery) error {
	q, err := events.ParseRestoreRequest([]byte(d.Body))
	var bad *events.FieldError
	if err == nil {
		bad, err = h.requested(ctx, d, q)
	} else if errors.As(err, &bad) {
		err = nil
	}
	if err != nil || bad == nil {
		return err
	}
	return h.refuse(ctx, d, events.TypeRestoreRequest, q.TenantID, bad)
}

func (h *Handler) requested(ctx context.Context, d events.Delivery, q events.RestoreRequest) (*events.FieldError, error) {
	last, err := h.Ledger.Restoration(ctx, pool.TenantID(q.TenantID))
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return nil, err
	}
	if last.Number > 0 && last.Message == d.ID { // the range may have moved on since
		return nil, h.goOn(ctx, last, d.Redelivered)
	}
	t, bad, err := h.served(ctx, q.TenantID)
	if err != nil || bad != nil {
		return bad, err
	}
	asked, bad, err := h.asked(ctx, d, q, t)
	if err != nil || bad != nil {
		return bad, err
	}
	if why, err := h.refusedTime(ctx, t, asked); err != nil || why != "" {
		return &events.FieldError{Field: "to", Reason: why}, err
	}
	return h.begin(ctx, t, asked, d.Redelivered)
}

// served is a tenant that has its storage; of another one it says what is wrong.
func (h *Handler) served(ctx context.Context, id string) (pool.Tenant, *events.FieldError, error) {
	t, err := h.Ledger.Tenant(ctx, pool.TenantID(id))
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return t, &events.FieldError{Field: "tenantId", Reason: "is unknown"}, nil
	case err != nil:
		return t, nil, fmt.Errorf("read tenant %s, of which something is asked: %w", id, err)
	case t.State == pool.TenantLeft:
		return t, &events.FieldError{Field: "tenantId", Reason: "is leaving, or has left"}, nil
	case t.State != pool.TenantReady:
		return t, &events.FieldError{Field: "tenantId", Reason: "has no storage yet"}, nil
	}
	return t, nil, nil
}

// asked is what a request wants.
func (h *Handler) asked(ctx context.Context, d events.Delivery, q events.RestoreRequest, t pool.Tenant) (pool.Restoration, *events.FieldError, error) {
	grace, bad, err := h.grace(ctx, q.Grace)
	asked := pool.Restoration{
		To: q.To.Time, Reason: q.Reason, RequestedBy: d.Who(q.RequestedBy), Message: d.ID, RequestedAt: h.sent(d), Grace: grace,
	}
	if q.Database {
		asked.Database = t.Database
	}
	if q.Share {
		asked.Share = t.Share
	}
	return asked, bad, err
}

// grace is how long what is replaced is kept: as a request says, or else as the policy does.
func (h *Handler) grace(ctx context.Context, wanted string) (time.Duration, *events.FieldError, error) {
	terms, err := h.Terms.Terms(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("load the terms: %w", err)
	}
	if wanted == "" {
		return time.Duration(terms.Grace), nil, nil
	}
	grace, err := time.ParseDuration(wanted)
	if err != nil {
		return 0, nil, fmt.Errorf("read the grace %q: %w", wanted, err)
	}
	if bad := terms.Refusal(grace); bad != nil {
		return 0, bad, nil
	}
	return grace, nil, nil
}

// refusedTime says why a tenant can't go back to a time, with the range of those to which it can.
func (h *Handler) refusedTime(ctx context.Context, t pool.Tenant, asked pool.Restoration) (string, error) {
	var backed pool.Restorable
	if asked.OfDatabase() {
		host, err := h.Ledger.Host(ctx, asked.Database.Host)
		if err != nil {
			return "", fmt.Errorf("read the database host of tenant %s: %w", t.ID, err)
		}
		backed, err = h.Instances.Restorable(ctx, host.Stack.Name)
		switch {
		case errors.Is(err, pool.ErrNotFound), errors.Is(err, pool.ErrRestoreRange):
			return pool.NoBackups, nil
		case err != nil:
			return "", err
		}
	}
	return asked.Range(t, backed, h.Versions, h.Now()).Refused(asked.To), nil
}

// begin records the restoration, and takes its first steps.
func (h *Handler) begin(ctx context.Context, t pool.Tenant, asked pool.Restoration, redelivered bool) (*events.FieldError, error) {
	var names [2]string
	for i := range names {
		var err error
		if names[i], err = h.Name(); err != nil {
			return nil, err
		}
	}
	fresh := false
	// Commit point: the tenant goes back. From here on the restoration is finished by whichever comes next: this invocation,
	// the message's next delivery, or the pool check past the deadline.
	_, r, err := ledger.UpdateRestoration(ctx, h.Ledger, t.ID, func(last pool.Restoration) (pool.Restoration, error) {
		var r pool.Restoration
		var err error
		if r, fresh, err = pool.BeginRestoration(last, asked, t, names[0], names[1], h.instanceName(names[0]), h.Now()); err == nil && !fresh {
			err = ledger.ErrUnchanged
		}
		return r, err
	})
	if errors.Is(err, pool.ErrRestoring) {
		return &events.FieldError{Field: "tenantId", Reason: fmt.Sprintf("is in restoration %s already, to %s: it must end first, or be undone", r.ID(), r.WhereTo())}, nil
	}
	if errors.Is(err, pool.ErrOvertaken) {
		return overtaken(r), nil
	}
	if err != nil {
		return nil, fmt.Errorf("record the restoration of tenant %s: %w", t.ID, err)
	}
	if fresh {
		h.Log.InfoContext(ctx, "restoration begins", "restoration", r.ID(), "to", r.To, "reason", r.Reason, "requestedBy", r.RequestedBy)
	}
	return nil, h.goOn(ctx, r, fresh || redelivered)
}

// overtaken is the answer to who asked for something before a tenant was moved by itself, of which they could not know.
func overtaken(r pool.Restoration) *events.FieldError {
	return &events.FieldError{Field: "tenantId", Reason: fmt.Sprintf(
		"was to be moved off %s by the pool check when this came (%s, which is %s): look at it, and ask again if that is still wanted", r.Database.Host, r.ID(), r.State)}
}

// goOn takes the steps of a restoration that was just begun, or whose beginning may have been cut short.
func (h *Handler) goOn(ctx context.Context, r pool.Restoration, now bool) error {
	if !now || r.State.Ended() {
		return nil
	}
	return h.machine().Go(ctx, string(r.Tenant), r)
}

// instanceName is the identifier of a temporary instance: of no pool, and told apart by a name that was drawn.
func (h *Handler) instanceName(drawn string) string {
	return "headroom-" + h.Stage + "-restore-" + drawn
}

// sent is when a message was sent.
func (h *Handler) sent(d events.Delivery) time.Time {
	if d.SentAt.IsZero() {
		return h.Now().UTC()
	}
	return d.SentAt.UTC()
}

// undo is a restoration that is to be called off, or undone.
func (h *Handler) undo(ctx context.Context, d events.Delivery) error {
	q, err := events.ParseRestoreUndo([]byte(d.Body))
	var bad *events.FieldError
	if err == nil {
		bad, err = h.undone(ctx, d, q)
	} else if errors.As(err, &bad) {
		err = nil
	}
	if err != nil || bad == nil {
		return err
	}
	return h.refuse(ctx, d, events.TypeRestoreUndo, q.TenantID, bad)
}

func (h *Handler) undone(ctx context.Context, d events.Delivery, q events.RestoreUndo) (*events.FieldError, error) {
	sent, changed := h.sent(d), false
	var bad *events.FieldError
	// Commit point: it is undone. Whoever is at work on it still has ended before it is begun (stalled).
	_, r, err := ledger.UpdateRestoration(ctx, h.Ledger, pool.TenantID(q.TenantID), func(r pool.Restoration) (pool.Restoration, error) {
		changed, bad = false, nil
		if r.Number > 0 && sent.Before(r.RequestedAt) && r.Overtook(sent) {
			bad = overtaken(r)
			return r, ledger.ErrUnchanged
		}
		if r.Number > 0 && (sent.Before(r.RequestedAt) || sent.Equal(r.UndoneAt)) {
			return r, ledger.ErrUnchanged // it undid an earlier one, or this
		}
		mark, err := h.heldMark(ctx, r)
		if err != nil {
			return r, err
		}
		if r.State == pool.RestorationWithdrawing || r.State == pool.RestorationUndoing {
			return r, ledger.ErrUnchanged
		}
		why := r.Undoable(mark)
		if why == "" && r.State == pool.RestorationRestored && !h.Now().Add(stalled).Before(r.UndoUntil()) {
			why = "can't have its restoration undone any more: its grace is over" // it may be being dropped already
		}
		if why != "" {
			bad = &events.FieldError{Field: "tenantId", Reason: why}
			return r, ledger.ErrUnchanged
		}
		t, err := h.Ledger.Tenant(ctx, r.Tenant)
		if err != nil {
			return r, fmt.Errorf("read tenant %s, whose restoration is to be undone: %w", r.Tenant, err)
		}
		if !holds(t, r) {
			bad = &events.FieldError{Field: "tenantId", Reason: "is leaving, or has left"}
			return r, ledger.ErrUnchanged
		}
		changed = true
		return r.Undo(d.Who(q.RequestedBy)+": "+q.Reason, sent, h.Now())
	})
	if err != nil {
		return nil, fmt.Errorf("undo the restoration of tenant %s: %w", q.TenantID, err)
	}
	if bad != nil {
		return bad, nil
	}
	return nil, h.goOn(ctx, r, changed || d.Redelivered)
}

// heldMark is what the generation of the slot bears whose database goes back.
func (h *Handler) heldMark(ctx context.Context, r pool.Restoration) (string, error) {
	if !r.OfDatabase() {
		return "", nil
	}
	host, err := h.Ledger.Host(ctx, r.Database.Host)
	if err != nil {
		return "", fmt.Errorf("read the database host of restoration %s: %w", r.ID(), err)
	}
	return host.HeldMark(r.Database), nil
}
