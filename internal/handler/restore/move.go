package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A tenant moves to another host by the same steps as it goes back in time, but for these: a slot is taken for it (place),
// it is shut out while its database is copied (shut), and its record and its secret name the other one then (settle). Until
// that is recorded whatever fails has it stay where it is (stayPut).

// move is a tenant that is to move to another host.
func (h *Handler) move(ctx context.Context, d events.Delivery) error {
	q, err := events.ParseMoveRequest([]byte(d.Body))
	var bad *events.FieldError
	if err == nil {
		bad, err = h.moveRequested(ctx, d, q)
	} else if errors.As(err, &bad) {
		err = nil
	}
	if err != nil || bad == nil {
		return err
	}
	return h.refuse(ctx, d, events.TypeMoveRequest, q.TenantID, bad)
}

func (h *Handler) moveRequested(ctx context.Context, d events.Delivery, q events.MoveRequest) (*events.FieldError, error) {
	last, err := h.Ledger.Restoration(ctx, pool.TenantID(q.TenantID))
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return nil, err
	}
	if last.Number > 0 && last.Message == d.ID { // the host may be another's by now
		return nil, h.goOn(ctx, last, d.Redelivered)
	}
	t, bad, err := h.served(ctx, q.TenantID)
	if err != nil || bad != nil {
		return bad, err
	}
	if bad, err := h.lettingIn(ctx, t); err != nil || bad != nil {
		return bad, err
	}
	if bad, err := h.refusedHost(ctx, t, pool.HostID(q.To)); err != nil || bad != nil {
		return bad, err
	}
	grace, bad, err := h.grace(ctx, q.Grace)
	if err != nil || bad != nil {
		return bad, err
	}
	asked := pool.Restoration{
		Move: true, Database: t.Database, Wanted: pool.HostID(q.To), Reason: q.Reason, RequestedBy: d.Who(q.RequestedBy), Message: d.ID, RequestedAt: h.sent(d), Grace: grace,
	}
	if q.Most != "" {
		if asked.Most, err = time.ParseDuration(q.Most); err != nil {
			return nil, fmt.Errorf("read how long it may be shut out, %q: %w", q.Most, err)
		}
	}
	return h.begin(ctx, t, asked, d.Redelivered)
}

// lettingIn refuses a tenant that left and is being let in again: that opens the database which a move shuts.
func (h *Handler) lettingIn(ctx context.Context, t pool.Tenant) (*events.FieldError, error) {
	id, ok := pool.UndoneOf(t)
	if !ok {
		return nil, nil
	}
	d, err := h.Ledger.Departure(ctx, id)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look whether tenant %s is let in again: %w", t.ID, err)
	case d.State == pool.DepartureUndoing:
		return &events.FieldError{Field: "tenantId", Reason: "is being let in again after it left: ask once that is done"}, nil
	}
	return nil, nil
}

// refusedHost says why a tenant can't move to a host that somebody names.
func (h *Handler) refusedHost(ctx context.Context, t pool.Tenant, to pool.HostID) (*events.FieldError, error) {
	if to == "" {
		return nil, nil
	}
	host, err := h.Ledger.Host(ctx, to)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return &events.FieldError{Field: "to", Reason: "is no host"}, nil
	case err != nil:
		return nil, err
	case host.Kind != pool.Database || host.Tier != t.Tier:
		return &events.FieldError{Field: "to", Reason: "is no database host of tier " + string(t.Tier)}, nil
	case host.ID == t.Database.Host:
		return &events.FieldError{Field: "to", Reason: "is where its database is"}, nil
	case host.State != pool.HostInService:
		return &events.FieldError{Field: "to", Reason: "is not in service: it is " + string(host.State)}, nil
	}
	return nil, nil
}

// slotsOf are the two ends of a move: the host of the database, and the one that it moves to, with what their slots bear.
func (h *Handler) slotsOf(ctx context.Context, r pool.Restoration) (from, to pool.Host, source, target pool.MarkedSlot, err error) {
	if from, err = h.host(ctx, r); err != nil {
		return from, to, source, target, err
	}
	if to, err = h.Ledger.Host(ctx, r.Target.Host); err != nil {
		return from, to, source, target, fmt.Errorf("read the host that move %s goes to: %w", r.ID(), err)
	}
	source = pool.MarkedSlot{Name: r.Database.Name, Mark: from.HeldMark(r.Database)}
	target = pool.MarkedSlot{Name: r.Target.Name, Mark: to.HeldMark(r.Target)}
	return from, to, source, target, nil
}
