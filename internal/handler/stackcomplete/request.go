package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// request does what a person wants done about a host. One that is in no state for it is left alone, and so a request that
// comes twice changes nothing. That it is so, and not by the request itself, is remembered for who waits.
func (h *Handler) request(ctx context.Context, r events.HostRequest, d events.Delivery) error {
	id := pool.HostID(r.HostID)
	// Commit point: the host is on its way again, or out of service, or back. What is to be done follows from its record.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		host, err := h.asked(host, r)
		return host, pool.Neutral, err
	})
	switch {
	case errors.Is(err, pool.ErrNotFound):
		h.ignore(ctx, "request about an unknown host", "host", id)
		return h.refuse(ctx, r, d, "it is unknown")
	case err != nil:
		return fmt.Errorf("do as %s requested about host %s: %w", r.RequestedBy, id, err)
	case host.Version == before.Version && !done(host, r):
		h.ignore(ctx, "request about a host that is in no state for it", "host", id, "action", r.Action, "state", host.State)
		return h.refuse(ctx, r, d, unfit(host))
	case host.Version == before.Version && !d.Redelivered:
		h.ignore(ctx, "request about a host of which that is done", "host", id, "action", r.Action, "state", host.State)
		return nil
	}
	h.logMove(ctx, before, host)
	if slices.Contains([]string{events.HostCordon, events.HostDrain, events.HostRetire}, r.Action) {
		// What of it lies on the shelf is taken back by the pool check, which also goes on with one that is to be retired.
		if err := h.PoolChecks.Send(ctx, events.NewPoolCheck(fmt.Sprintf("a person wants host %s to %s", r.HostID, r.Action)), 0); err != nil {
			return fmt.Errorf("take back the slots of host %s: %w", id, err)
		}
	}
	return h.machine().Go(ctx, string(id), host)
}

// refuse remembers that what was asked about a host is not done.
func (h *Handler) refuse(ctx context.Context, r events.HostRequest, d events.Delivery, why string) error {
	reason := fmt.Sprintf("%s can't be done about host %s: %s", r.Action, r.HostID, why)
	return h.Ledger.Reject(ctx, pool.Rejection{Message: d.ID, Field: "action", Reason: reason, At: h.Now()})
}

// unfit says what keeps a host from what was asked about it.
func unfit(host pool.Host) string {
	why := "it is " + string(host.State)
	for _, also := range []struct{ what, says string }{
		{host.ByHand, "cordoned by hand"}, {host.Drained, "drained"}, {host.Protected, "protected"},
	} {
		if also.what != "" {
			why += ", " + also.says + " by " + also.what
		}
	}
	if host.Repair > 0 {
		why += ", in repair"
	}
	if taken := host.NotEmpty(pool.NewShelf(host.Tier)); taken != "" {
		why += ", not empty: " + taken
	}
	return why
}

// done reports whether a host is as was asked, by this request or a copy of it.
func done(host pool.Host, r events.HostRequest) bool {
	who := said(r)
	switch r.Action {
	case events.HostRelease:
		return host.State != pool.HostQuarantined && host.State != pool.HostLost
	case events.HostDelete:
		return host.State == pool.HostDeleting || host.State == pool.HostDeleted
	case events.HostCordon:
		return host.ByHand == who
	case events.HostUncordon:
		return host.ByHand == ""
	case events.HostProtect:
		return host.Protected == who
	case events.HostUnprotect:
		return host.Protected == ""
	case events.HostDrain:
		return host.Drained == who
	case events.HostUndrain:
		return host.Drained == ""
	}
	return host.Retire.By == who
}

// said is who asks for something, and why, as hosts keep it.
func said(r events.HostRequest) string { return r.RequestedBy + ": " + r.Reason }

// actions are all that may be asked.
var actions = []string{
	events.HostRelease, events.HostDelete, events.HostCordon, events.HostUncordon,
	events.HostProtect, events.HostUnprotect, events.HostDrain, events.HostUndrain, events.HostRetire,
}

// asked is a host about which something was asked; ledger.ErrUnchanged if it is in no state for that.
func (h *Handler) asked(host pool.Host, r events.HostRequest) (pool.Host, error) {
	quarantined := host.State == pool.HostQuarantined
	serves := host.State == pool.HostInService || host.State == pool.HostCordoned
	who, why := said(r), fmt.Sprintf("%s by %s: %s", r.Action, r.RequestedBy, r.Reason)
	switch {
	case r.Action == events.HostRelease && quarantined:
		return pool.Release(host, h.Now(), why)
	case r.Action == events.HostDelete && quarantined && !host.Stuck.OfRetirement(): // such a one is released, and goes on under its guard
		moved, err := pool.MoveHost(host, pool.HostDeleting, h.Now(), why)
		if err != nil {
			return host, err
		}
		return pool.Begin(moved, pool.StepDelete, h.Now()), nil
	case r.Action == events.HostCordon && serves && host.ByHand == "":
		return pool.CordonByHand(host, who, h.Now())
	case (r.Action == events.HostUncordon || r.Action == events.HostRetire) && host.HeldByRecovery():
		return host, ledger.ErrUnchanged // what it has may not be known: another recovery lets it out
	case r.Action == events.HostUncordon && serves && host.ByHand != "":
		return pool.Uncordon(host, who, h.Now())
	case r.Action == events.HostProtect && host.Protected == "" && (serves || host.State.Provisioning() || host.State == pool.HostRetiring):
		return pool.Protect(host, who, h.Now())
	case r.Action == events.HostUnprotect && host.Protected != "":
		return pool.Protect(host, "", h.Now())
	case r.Action == events.HostDrain && serves && (host.Drained == "" || host.DrainedByItself()):
		return pool.Drain(host, who, h.Now())
	case r.Action == events.HostUndrain && serves && host.Drained != "":
		return pool.Drain(host, "", h.Now())
	case r.Action == events.HostRetire && serves && host.Protected == "" && host.Repair == 0 && host.Gateways == 0 && host.NotEmpty(pool.NewShelf(host.Tier)) == "":
		return pool.Retire(host, who, why, h.Now())
	case slices.Contains(actions, r.Action):
		return host, ledger.ErrUnchanged
	}
	return host, fmt.Errorf("action %q is not known", r.Action)
}
