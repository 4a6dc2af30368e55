package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// ailing begins a repair of a host that seems to be ill, unless it is in one. The pool check says so every minute while it is:
// only the first has the repair gone on with, and one that may have been cut short.
func (h *Handler) ailing(ctx context.Context, id pool.HostID, cause string, redelivered bool) error {
	host, err := h.Ledger.Host(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		h.ignore(ctx, "repair of an unknown host", "host", id)
		return nil
	}
	if err != nil {
		return err
	}
	if host.Kind != pool.Share || host.State != pool.HostCordoned {
		h.ignore(ctx, "repair of a host that is in no state for it", "host", id, "state", host.State)
		return nil
	}
	r, fresh, err := h.begin(ctx, host, cause, pool.Wanted{})
	if err != nil || !fresh && !redelivered {
		return err
	}
	return h.machine().Go(ctx, string(id), r)
}

func (h *Handler) begin(ctx context.Context, host pool.Host, cause string, wanted pool.Wanted) (r pool.Repair, fresh bool, err error) {
	// Commit point: the host is in repair.
	_, r, err = ledger.UpdateRepair(ctx, h.Ledger, host.ID, func(last pool.Repair) (pool.Repair, error) {
		var r pool.Repair
		if r, fresh = pool.BeginRepair(last, host, cause, wanted, h.Now()); !fresh {
			return last, ledger.ErrUnchanged
		}
		return r, nil
	})
	if err != nil {
		return r, false, fmt.Errorf("begin the repair of %s: %w", host.ID, err)
	}
	return r, fresh, nil
}

// refusal is why a request can't be meant. It is no failure of what was tried: nothing was done.
type refusal string

func (r refusal) Error() string { return string(r) }

func refused(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// answer does what a person wants. Where that can't be meant, it is remembered for who waits, and stays so when the message comes
// again, on its way to the dead letters: who was told that it was refused is not surprised by it later.
func (h *Handler) answer(ctx context.Context, q events.RepairRequest, d events.Delivery) error {
	told, err := h.Ledger.Rejection(ctx, d.ID)
	if err == nil {
		return fmt.Errorf("the request about host %s was refused before: %s %s", q.HostID, told.Field, told.Reason)
	}
	if !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	err = h.request(ctx, q, d.SentAt, d.Redelivered)
	var why refusal
	if errors.As(err, &why) {
		reason := fmt.Sprintf("%s can't be done about host %s: %s", q.Action, q.HostID, why)
		err = errors.Join(err, h.Ledger.Reject(ctx, pool.Rejection{Message: d.ID, Field: "action", Reason: reason, At: h.Now()}))
	}
	return err
}

// request does what a person wants. A request that can't be meant is an error, and comes to the dead letters; one that was
// done already is none.
//
// The first delivery of a message may have been killed with the repair anywhere: a redelivered one goes on with it from there.
func (h *Handler) request(ctx context.Context, q events.RepairRequest, sentAt time.Time, redelivered bool) error {
	err := h.requested(ctx, q, sentAt, redelivered)
	if err != nil {
		return fmt.Errorf("do as %s requested about host %s: %w", q.RequestedBy, q.HostID, err)
	}
	return nil
}

func (h *Handler) requested(ctx context.Context, q events.RepairRequest, sentAt time.Time, redelivered bool) error {
	if q.RequestedBy == "" || q.Reason == "" {
		return refused("who wants it and why must be said")
	}
	switch q.Action {
	case events.RepairReplace:
		if !pool.IsImageID(q.Image) {
			return refused("image %q is no ID of an image", q.Image)
		}
		return h.wish(ctx, q, "replacement wanted: "+q.Reason, pool.Wanted{By: q.RequestedBy, Why: q.Reason, Image: q.Image}, sentAt, redelivered)
	case events.RepairResize:
		if !pool.IsGatewayType(q.Size) {
			return refused("size %q is no type of instance that a gateway runs on", q.Size)
		}
		return h.wish(ctx, q, "another size wanted: "+q.Reason, pool.Wanted{By: q.RequestedBy, Why: q.Reason, Size: q.Size}, sentAt, redelivered)
	case events.RepairUpdate:
		return h.wish(ctx, q, "update wanted: "+q.Reason, pool.Wanted{By: q.RequestedBy, Why: q.Reason, Update: true}, sentAt, redelivered)
	case events.RepairProceed:
		return h.proceed(ctx, q, sentAt, redelivered)
	case events.RepairDrop:
		return h.drop(ctx, q, sentAt)
	case events.RepairDiscard:
		return h.discard(ctx, q, sentAt)
	}
	return refused("action %q is not known", q.Action)
}

// wish begins what a person wants of a host. A copy of a message whose wish was begun already, or is over, begins nothing.
func (h *Handler) wish(ctx context.Context, q events.RepairRequest, cause string, wanted pool.Wanted, sentAt time.Time, redelivered bool) error {
	id := pool.HostID(q.HostID)
	host, err := h.Ledger.Host(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		return refused("there is no such record")
	}
	if err != nil {
		return err
	}
	if host.Kind != pool.Share && !wanted.Update || host.State != pool.HostInService && host.State != pool.HostCordoned {
		return refused("it is a %s host, and %s", host.Kind, host.State)
	}
	last, err := h.Ledger.Repair(ctx, id)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	r, fresh := last, false
	if last.Wanted != wanted || last.Began.Before(sentAt) {
		if wanted.Image != "" {
			undated, err := h.checkImage(ctx, host, wanted.Image)
			if err != nil {
				return err
			}
			if undated != "" {
				cause += "; " + undated
			}
		}
		if r, fresh, err = h.begin(ctx, host, cause, wanted); err != nil {
			return err
		}
		if !fresh {
			return refused("it is in repair %s already, which is %s", r.ID(), r.State)
		}
	}
	if r.Step != pool.StepExamine && !redelivered {
		return nil
	}
	return h.machine().Go(ctx, string(id), r)
}

// proceed gives a repair the word that it asks for.
func (h *Handler) proceed(ctx context.Context, q events.RepairRequest, sentAt time.Time, redelivered bool) error {
	wrong, given := "", false
	_, r, err := ledger.UpdateRepair(ctx, h.Ledger, pool.HostID(q.HostID), func(r pool.Repair) (pool.Repair, error) {
		wrong, given = "", r.Consent.By == q.RequestedBy && r.Consent.At.Equal(sentAt)
		switch asked := r.AskedAt(); {
		case given: // by another copy of the message
		case r.State != pool.RepairAsking:
			wrong = "its repair asks for nothing"
		case !r.Takes(pool.Way(q.Way)):
			wrong = fmt.Sprintf("the word is for way %q, and way %q was asked for", q.Way, r.Way)
		case !sentAt.IsZero() && sentAt.Before(asked):
			wrong = "the word was given before it was asked for, at " + asked.Format(time.RFC3339)
		case r.Consent.Way == "":
			r.Consent = pool.Consent{By: q.RequestedBy, Why: q.Reason, Way: pool.Way(q.Way), At: sentAt.UTC()}
			return r, nil
		}
		return r, ledger.ErrUnchanged
	})
	switch {
	case err != nil:
		return err
	case wrong != "":
		return refusal(wrong)
	case r.State == pool.RepairAsking, given && redelivered:
		return h.machine().Go(ctx, q.HostID, r)
	}
	return nil
}

// drop ends a repair that looks, waits or asks. One that began after that was said is not meant.
func (h *Handler) drop(ctx context.Context, q events.RepairRequest, sentAt time.Time) error {
	wrong := ""
	_, r, err := ledger.UpdateRepair(ctx, h.Ledger, pool.HostID(q.HostID), func(r pool.Repair) (pool.Repair, error) {
		wrong = ""
		switch {
		case r.Number == 0:
			wrong = "it is in no repair"
		case r.Began.After(sentAt):
			wrong = "its repair began after that was said"
		case r.State == pool.RepairMending:
			wrong = "its repair is under way, and is not ended half done"
		case r.Renewing():
			wrong = "its old gateway is fenced off from the buckets, and it is not left so"
		case !r.State.Ended() && r.Unopened():
			wrong = "the shares of its new gateway are not opened to their tenants again, and it is not left so"
		case !r.State.Ended():
			r, err := pool.MoveRepair(r, pool.RepairDropped, "", h.Now(), q.RequestedBy+": "+q.Reason)
			return r.Rest(h.Now()), err
		}
		return r, ledger.ErrUnchanged
	})
	switch {
	case err != nil:
		return err
	case wrong != "":
		return refusal(wrong)
	}
	return h.dropped(ctx, pool.HostID(q.HostID), r)
}

// discard gives the word that what a gateway which was given up left may go once its term is over.
func (h *Handler) discard(ctx context.Context, q events.RepairRequest, sentAt time.Time) error {
	none := false
	_, r, err := ledger.UpdateRepair(ctx, h.Ledger, pool.HostID(q.HostID), func(r pool.Repair) (pool.Repair, error) {
		out, changed := r.Discard(q.RequestedBy+": "+q.Reason, sentAt, h.Now())
		if none = !changed && len(r.Kept) == 0; !changed {
			return r, ledger.ErrUnchanged
		}
		return out, nil
	})
	if err == nil && none {
		err = refused("nothing of host %s is kept until somebody says that it may go", r.Host)
	}
	return err
}

// dropped has a host go on whose repair a person ended.
func (h *Handler) dropped(ctx context.Context, id pool.HostID, r pool.Repair) error {
	host, err := h.Ledger.Host(ctx, id)
	if err != nil {
		return err
	}
	return h.release(ctx, host, r)
}
