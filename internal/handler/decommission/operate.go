package decommission

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
)

// operate does what a person wants done about a departure that does not come on by itself. It is known by its own ID:
// somebody else may live under its tenant's name by now.
func (h *Handler) operate(ctx context.Context, d events.Delivery) error {
	request, err := events.ParseDepartureRequest([]byte(d.Body))
	id := pool.DepartureID(request.DepartureID)
	refuse := func(bad *events.FieldError) error {
		return h.refuse(ctx, d, events.TypeDepartureRequest, string(id.Tenant()), bad)
	}
	var bad *events.FieldError
	if errors.As(err, &bad) {
		return refuse(bad)
	}
	if err != nil {
		return err
	}
	request.RequestedBy = d.Who(request.RequestedBy)
	why := pool.Asked(request.Action, request.RequestedBy, request.Reason, d.ID)
	if request.Action == events.DepartureResume {
		if _, _, moved := pool.RestorationID(id).Parse(); moved { // the slot that a tenant moved away from; there is no departure
			err = h.resumeClearance(ctx, clearanceOf(id, pool.Database), why)
		} else {
			err = h.goOn(ctx, id, why)
		}
		if errors.Is(err, pool.ErrNotFound) {
			return refuse(&events.FieldError{Field: "departureId", Reason: "is unknown"})
		}
		return err
	}
	for range rounds {
		bad, err = h.operateSlot(ctx, d, request, why)
		switch {
		case errors.Is(err, pool.ErrConflict):
			continue
		case err == nil && bad != nil:
			return refuse(bad)
		}
		return err
	}
	return fmt.Errorf("do as %s asked about a slot of departure %s: its record keeps changing: %w", request.RequestedBy, id, pool.ErrConflict)
}

// operateSlot does what a person wants done about a slot that is quarantined. pool.ErrConflict when its record has changed.
func (h *Handler) operateSlot(ctx context.Context, d events.Delivery, request events.DepartureRequest, why string) (*events.FieldError, error) {
	c, err := h.Ledger.Clearance(ctx, clearanceOf(pool.DepartureID(request.DepartureID), pool.Kind(request.Slot)))
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return &events.FieldError{Field: "departureId", Reason: "is unknown, or of none whose slots are scrubbed"}, nil
	case err != nil:
		return nil, fmt.Errorf("read the clearance of slot %s of departure %s: %w", request.Slot, request.DepartureID, err)
	case c.Heard(d.ID): // an earlier delivery did it, and may have been cut short
		return nil, h.clearances().Go(ctx, string(c.ID()), c)
	case c.State != pool.ClearanceQuarantined:
		return &events.FieldError{Field: "slot", Reason: "is not quarantined: it is " + string(c.State)}, nil
	case h.sent(d).Before(c.QuarantinedAt()):
		return &events.FieldError{Field: "slot", Reason: "was quarantined anew after this was sent"}, nil
	}
	change, decide := pool.ReleaseSlot, pool.ReleaseClearance
	if request.Action == events.SlotRetire {
		change, decide = pool.RetireSlot, pool.RetireClearance
	}
	after, err := decide(c, h.Now(), why)
	if err != nil {
		return nil, err
	}
	after.History = pool.Attributed(ctx, c.History, after.History)
	// The host's record first: a look that finds its slot quarantined there would quarantine it again. Killed after this, the
	// message's next delivery does the rest.
	if err := h.changeHost(ctx, c.Holding.Host, func(host pool.Host) (pool.Host, bool, error) { return change(host, c, h.Now()) }); err != nil {
		return nil, err
	}
	// Commit point: who asked, and for what, is known, and it is gone on with.
	saved, err := h.Ledger.SaveClearance(ctx, c, after)
	if err != nil {
		return nil, fmt.Errorf("record what %s asked about clearance %s: %w", request.RequestedBy, c.ID(), err)
	}
	h.Log.InfoContext(ctx, "slot is no longer quarantined", "clearance", c.ID(), "action", request.Action, "state", saved.State, "requestedBy", request.RequestedBy)
	return nil, h.clearances().Go(ctx, string(c.ID()), saved)
}
