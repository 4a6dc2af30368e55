package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/announce"
	"headroom/internal/ledger"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

const (
	// serveWait is the first wait for a share whose client list has changed; it doubles.
	serveWait = time.Second
	// serveWaitMost is the longest wait.
	serveWaitMost = time.Minute
	// looksUnrecorded is how many delayed looks at the share cost the table nothing: their messages carry what
	// they need. Most shares serve by then. A message that is doubled is so looked at twice for some seconds;
	// from then on the record drives, by one message.
	looksUnrecorded = 3
	// looksLast is how long after it is ready a tenant is announced by what a message carries: the last of these looks comes
	// within half of it. A message that comes later says what may be so no more, since a tenant may move meanwhile, leave, or
	// sign up anew.
	looksLast = 15 * time.Second
)

// announcement is what it takes to announce a tenant that is ready.
func (h *Handler) announcement(t pool.Tenant, share pool.ShareRef) events.Announcement {
	return events.Announcement{Gateway: share.Gateway, ShareID: share.ID, Clients: t.Clients(), Ready: announce.StorageReady(t, h.Mount)}
}

// finish announces a tenant that has just been served, or has it announced when its share serves it. try
// counts the looks at the share, from 0. What a message says that comes late, or again, is looked up.
func (h *Handler) finish(ctx context.Context, a events.Announcement, try int) error {
	if try > 0 && h.Now().Sub(a.Ready.ReadyAt.Time) > looksLast {
		return h.finishLate(ctx, a, try)
	}
	if err := h.tellReady(ctx, a, true); err != nil {
		return h.putOff(ctx, a, try, err)
	}
	return nil
}

// finishLate announces a tenant as its record has it by now, if that is of the life that a message speaks of.
func (h *Handler) finishLate(ctx context.Context, a events.Announcement, try int) error {
	id := pool.TenantID(a.Ready.TenantID)
	t, err := h.Ledger.Tenant(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		h.Log.InfoContext(ctx, "announcement of an unknown tenant", "tenant", id)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether tenant %s is to be announced: %w", id, err)
	}
	if t.State != pool.TenantReady || !events.At(t.ReadyAt).Equal(a.Ready.ReadyAt) {
		return nil
	}
	return h.repeat(ctx, t, try)
}

// putOff has a tenant announced later, because it can't be now. That is not an error of the message: its
// deliveries would be used up sooner than the looks.
func (h *Handler) putOff(ctx context.Context, a events.Announcement, try int, why error) error {
	id := a.Ready.TenantID
	h.Log.InfoContext(ctx, "storage ready, and not announced yet", "tenant", id, "try", try, "reason", why.Error())
	if try >= looksUnrecorded {
		return h.recordServe(ctx, pool.TenantID(id), why)
	}
	step := events.NewTenantStep(id, string(pool.StepServe), try+1)
	step.Announce = &a
	if err := h.Steps.Send(ctx, step, serveWait<<try); err != nil {
		return fmt.Errorf("have tenant %s announced later: %w", id, err)
	}
	return nil
}

// recordServe makes the announcement of a tenant a step in its record, with a deadline. The tenant has its
// storage; that it can't be said is the bus's or the gateway's trouble, and may last. While its addresses are being
// changed its share may not be as desired for that reason alone: it is announced afterwards.
func (h *Handler) recordServe(ctx context.Context, id pool.TenantID, why error) error {
	before, t, err := ledger.UpdateTenant(ctx, h.Ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
		now := h.Now().UTC()
		switch {
		case t.State != pool.TenantReady || t.Change.Untold:
			return t, ledger.ErrUnchanged // another copy of the message was here first
		case t.Step == "", t.Step == pool.StepOverlap:
			t.Progress = pool.Started(pool.StepServe, now).Failed(why)
		case t.Step.OfChange(), t.Stuck.OfChange():
			t.Change.Untold = true
		default:
			return t, ledger.ErrUnchanged
		}
		t.History = pool.Append(t.History, pool.Entry{At: now, What: "not announced", Why: why.Error()})
		return t, nil
	})
	if err != nil {
		return fmt.Errorf("put the announcement of tenant %s off: %w", id, err)
	}
	if t.Version == before.Version || t.Step != pool.StepServe {
		return nil
	}
	return h.later(ctx, string(id), lifecycle.After(t.Progress), serveWait<<looksUnrecorded)
}

// serve is the step of a tenant that is ready and not announced yet.
func (h *Handler) serve(ctx context.Context, t pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
	share, err := h.shareOf(ctx, t)
	if err != nil {
		return lifecycle.Next[pool.Tenant]{}, err
	}
	if err = h.isIn(ctx, t); err == nil {
		err = h.tellReady(ctx, h.announcement(t, share), true)
	}
	if err != nil {
		wait := min(serveWait<<min(looksUnrecorded+t.Count, 6), serveWaitMost)
		return lifecycle.Next[pool.Tenant]{Record: t, Wait: wait, Because: err}, nil
	}
	return lifecycle.Next[pool.Tenant]{Record: pool.RestTenant(t, h.Now())}, nil
}

// repeat announces a tenant that was served before. One with signup's step has not been announced yet, and that is
// made up for. try counts the looks at the share, from 0: the later ones are for who is not known to have been announced.
func (h *Handler) repeat(ctx context.Context, t pool.Tenant, try int) error {
	share, err := h.shareOf(ctx, t)
	if err != nil {
		return err
	}
	if t.Step != pool.StepServe && t.Stuck != pool.StepServe {
		a := h.announcement(t, share)
		if err := h.isIn(ctx, t); errors.Is(err, errLettingIn) {
			return h.recordServe(ctx, t.ID, err)
		} else if err != nil {
			return err
		}
		if err := h.tellReady(ctx, a, try > 0); err != nil {
			return h.putOff(ctx, a, try, err)
		}
		return nil
	}
	if t.Step != pool.StepServe { // given up, and asked for again: it has all its tries
		if t, err = h.save(ctx, t, pool.ServedAnew(t, h.Now())); err != nil || t.Step != pool.StepServe {
			return err
		}
	}
	return h.machine().Go(ctx, string(t.ID), t)
}

// errLettingIn means that a tenant is let in soon: its departure is being undone, which takes a moment, or its database moves.
var errLettingIn = errors.New("it is being let in")

// isIn looks whether a tenant that is ready is let in by its database: errLettingIn when its departure is being undone, or it
// moves to another host, and it may not be yet. Its share does not say so: that may be open still when the database is closed
// already.
func (h *Handler) isIn(ctx context.Context, t pool.Tenant) error {
	r, err := h.Ledger.Restoration(ctx, t.ID)
	switch {
	case errors.Is(err, pool.ErrNotFound):
	case err != nil:
		return fmt.Errorf("look whether tenant %s moves: %w", t.ID, err)
	case r.Mark == t.Mark && r.ShutsOut():
		return fmt.Errorf("announce tenant %s: %w: move %s is at step %q", t.ID, errLettingIn, r.ID(), r.Step)
	}
	id, undone := pool.UndoneOf(t)
	if !undone {
		return nil
	}
	last, err := h.Ledger.Departure(ctx, id)
	if err != nil {
		return fmt.Errorf("look whether tenant %s is let in again: %w", t.ID, err)
	}
	if last.LettingIn() {
		return fmt.Errorf("announce tenant %s: %w: its departure is being undone", t.ID, errLettingIn)
	}
	return nil
}

// shareOf looks up the share of a tenant that is ready, in the record of its gateway.
func (h *Handler) shareOf(ctx context.Context, t pool.Tenant) (pool.ShareRef, error) {
	host, err := h.Ledger.Host(ctx, t.Share.Host)
	if err != nil {
		return pool.ShareRef{}, fmt.Errorf("read host %s, which has the share of tenant %s: %w", t.Share.Host, t.ID, err)
	}
	share, ok := host.ShareRef(t.Share.Index)
	if !ok {
		return pool.ShareRef{}, fmt.Errorf("look up the share of tenant %s: host %s has none at %d", t.ID, t.Share.Host, t.Share.Index)
	}
	return share, nil
}

// tellReady publishes that a tenant is ready if its share serves it, else access.ErrNotServing. fresh says
// that the tenant was not announced before, and so is measured.
func (h *Handler) tellReady(ctx context.Context, a events.Announcement, fresh bool) error {
	if err := h.Access.Served(ctx, pool.ShareRef{Gateway: a.Gateway, ID: a.ShareID}, a.Clients); err != nil {
		return fmt.Errorf("announce tenant %s: %w", a.Ready.TenantID, err)
	}
	if err := h.Announce.StorageReady(ctx, a.Ready); err != nil {
		return err
	}
	if fresh {
		h.Metrics.Count(telemetry.SignupsReady, 1)
		h.Metrics.Duration(telemetry.TimeToReady, h.Now().Sub(a.Ready.RequestedAt.Time))
	}
	h.Log.InfoContext(ctx, "storage ready", "tenant", a.Ready.TenantID, "database", a.Ready.Database.Host, "share", a.Ready.Share.Host)
	return nil
}
