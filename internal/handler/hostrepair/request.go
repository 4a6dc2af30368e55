package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

var (
	imageID      = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)
	instanceType = regexp.MustCompile(`^[a-z0-9-]{2,20}\.(xlarge|[0-9]{1,2}xlarge|metal)$`) // gateways need xlarge or more
)

// begin begins a repair of a host, unless it is in one.
func (h *Handler) begin(ctx context.Context, id pool.HostID, cause string, wanted pool.Wanted) error {
	host, err := h.Ledger.Host(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		h.ignore(ctx, "repair of an unknown host", "host", id)
		return nil
	}
	if err != nil {
		return err
	}
	ill := host.State == pool.HostCordoned || wanted.By != "" && host.State == pool.HostInService
	if host.Kind != pool.Share && !wanted.Update || !ill {
		h.ignore(ctx, "repair of a host that is in no state for it", "host", id, "state", host.State)
		return nil
	}
	// Commit point: the host is in repair.
	_, r, err := ledger.UpdateRepair(ctx, h.Ledger, id, func(last pool.Repair) (pool.Repair, error) {
		r, fresh := pool.BeginRepair(last, host, cause, wanted, h.Now())
		if !fresh {
			return last, ledger.ErrUnchanged
		}
		return r, nil
	})
	if err != nil {
		return fmt.Errorf("begin the repair of %s: %w", id, err)
	}
	if r.State.Ended() || r.Step != pool.StepExamine {
		return nil
	}
	return h.machine().Go(ctx, string(id), r)
}

// request does what a person wants. A request that can't be meant is an error, and comes to the dead letters.
func (h *Handler) request(ctx context.Context, q events.RepairRequest, sentAt time.Time) error {
	id := pool.HostID(q.HostID)
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("do as %s requested about host %s: %s", q.RequestedBy, id, fmt.Sprintf(format, args...))
	}
	if q.RequestedBy == "" || q.Reason == "" {
		return refuse("who wants it and why must be said")
	}
	switch q.Action {
	case events.RepairReplace:
		if !imageID.MatchString(q.Image) {
			return refuse("image %q is no ID of an image", q.Image)
		}
		return h.begin(ctx, id, "replacement wanted: "+q.Reason, pool.Wanted{By: q.RequestedBy, Why: q.Reason, Image: q.Image})
	case events.RepairResize:
		if !instanceType.MatchString(q.Size) {
			return refuse("size %q is no type of instance that a gateway runs on", q.Size)
		}
		return h.begin(ctx, id, "another size wanted: "+q.Reason, pool.Wanted{By: q.RequestedBy, Why: q.Reason, Size: q.Size})
	case events.RepairUpdate:
		return h.begin(ctx, id, "update wanted: "+q.Reason, pool.Wanted{By: q.RequestedBy, Why: q.Reason, Update: true})
	case events.RepairProceed, events.RepairDrop:
	default:
		return refuse("action %q is not known", q.Action)
	}
	wrong := ""
	_, r, err := ledger.UpdateRepair(ctx, h.Ledger, id, func(r pool.Repair) (pool.Repair, error) {
		wrong = ""
		var err error
		switch {
		case q.Action == events.RepairDrop && (r.State == pool.RepairMending || r.State == pool.RepairLooking && r.Number == 0):
			wrong = "its repair is " + string(r.State) + ", and is not ended half done"
		case q.Action == events.RepairDrop && !r.State.Ended():
			r, err = pool.MoveRepair(r, pool.RepairDropped, "", h.Now(), q.RequestedBy+": "+q.Reason)
			return r.Rest(h.Now()), err
		case q.Action == events.RepairProceed && r.State == pool.RepairAsking && q.Way != string(r.Way):
			wrong = fmt.Sprintf("the word is for way %q, and way %q was asked for", q.Way, r.Way)
		case q.Action == events.RepairProceed && r.State == pool.RepairAsking && r.Consent.Way == "":
			r.Consent = pool.Consent{By: q.RequestedBy, Why: q.Reason, Way: r.Way, At: sentAt.UTC()}
			return r, nil
		}
		return r, ledger.ErrUnchanged
	})
	switch {
	case err != nil:
		return fmt.Errorf("do as %s requested about host %s: %w", q.RequestedBy, id, err)
	case wrong != "":
		return refuse("%s", wrong)
	case r.State == pool.RepairDropped:
		return h.dropped(ctx, id, r)
	case r.State == pool.RepairAsking && r.Consent.Way != "":
		return h.machine().Go(ctx, string(id), r)
	}
	return nil
}

// dropped has a host go on whose repair a person ended.
func (h *Handler) dropped(ctx context.Context, id pool.HostID, r pool.Repair) error {
	host, err := h.Ledger.Host(ctx, id)
	if err != nil {
		return err
	}
	if err := h.leave(ctx, host, false); err != nil {
		return err
	}
	return h.letGo(ctx, id, r)
}
