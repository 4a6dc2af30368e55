package stackcomplete

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// request does what a person wants done about a host that is quarantined. One that is not is left alone, and so a
// request that comes twice changes nothing.
func (h *Handler) request(ctx context.Context, r events.HostRequest, redelivered bool) error {
	if r.Action != events.HostRelease && r.Action != events.HostDelete {
		return fmt.Errorf("do as %s requested about host %s: action %q is neither %s nor %s", r.RequestedBy, r.HostID, r.Action, events.HostRelease, events.HostDelete)
	}
	id := pool.HostID(r.HostID)
	// Commit point: the host is on its way again. What is to be done follows from its record.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.State != pool.HostQuarantined {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		why := fmt.Sprintf("%s by %s: %s", r.Action, r.RequestedBy, r.Reason)
		var err error
		if r.Action == events.HostRelease {
			host, err = pool.Release(host, h.Now(), why)
		} else if host, err = pool.MoveHost(host, pool.HostDeleting, h.Now(), why); err == nil {
			host = pool.Begin(host, pool.StepDelete, h.Now())
		}
		return host, pool.Neutral, err
	})
	switch {
	case errors.Is(err, pool.ErrNotFound):
		h.ignore(ctx, "request about an unknown host", "host", id)
		return nil
	case err != nil:
		return fmt.Errorf("do as %s requested about host %s: %w", r.RequestedBy, id, err)
	case host.Version == before.Version && !redelivered:
		h.ignore(ctx, "request about a host that is not quarantined", "host", id, "action", r.Action, "state", host.State)
		return nil
	}
	h.logMove(ctx, before, host)
	return h.machine().Go(ctx, string(id), host)
}
