package stackcomplete

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// request does what a person wants done about a host. One that is in no state for it is left alone, and so a request that
// comes twice changes nothing.
func (h *Handler) request(ctx context.Context, r events.HostRequest, redelivered bool) error {
	id := pool.HostID(r.HostID)
	// Commit point: the host is on its way again, or out of service, or back. What is to be done follows from its record.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		host, err := h.asked(host, r)
		return host, pool.Neutral, err
	})
	switch {
	case errors.Is(err, pool.ErrNotFound):
		h.ignore(ctx, "request about an unknown host", "host", id)
		return nil
	case err != nil:
		return fmt.Errorf("do as %s requested about host %s: %w", r.RequestedBy, id, err)
	case host.Version == before.Version && !redelivered:
		h.ignore(ctx, "request about a host that is in no state for it", "host", id, "action", r.Action, "state", host.State)
		return nil
	}
	h.logMove(ctx, before, host)
	if r.Action == events.HostCordon {
		// What of it lies on the shelf is taken back by the pool check.
		if err := h.PoolChecks.Send(ctx, events.NewPoolCheck("host "+r.HostID+" is cordoned by hand"), 0); err != nil {
			return fmt.Errorf("take back the slots of host %s: %w", id, err)
		}
	}
	return h.machine().Go(ctx, string(id), host)
}

// asked is a host about which something was asked; ledger.ErrUnchanged if it is in no state for that.
func (h *Handler) asked(host pool.Host, r events.HostRequest) (pool.Host, error) {
	quarantined := host.State == pool.HostQuarantined
	serves := host.State == pool.HostInService || host.State == pool.HostCordoned
	why := fmt.Sprintf("%s by %s: %s", r.Action, r.RequestedBy, r.Reason)
	switch {
	case r.Action == events.HostRelease && quarantined:
		return pool.Release(host, h.Now(), why)
	case r.Action == events.HostDelete && quarantined:
		moved, err := pool.MoveHost(host, pool.HostDeleting, h.Now(), why)
		if err != nil {
			return host, err
		}
		return pool.Begin(moved, pool.StepDelete, h.Now()), nil
	case r.Action == events.HostCordon && serves && host.ByHand == "":
		return pool.CordonByHand(host, r.RequestedBy+": "+r.Reason, h.Now())
	case r.Action == events.HostUncordon && serves && host.ByHand != "":
		return pool.CordonByHand(host, "", h.Now())
	case r.Action == events.HostRelease, r.Action == events.HostDelete, r.Action == events.HostCordon, r.Action == events.HostUncordon:
		return host, ledger.ErrUnchanged
	}
	return host, fmt.Errorf("action %q is not known", r.Action)
}
