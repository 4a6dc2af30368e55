package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/copytask"
	"headroom/internal/master"
	"headroom/internal/pool"
)

// swap puts the stand-in into the place of the tenant's database. It takes a moment, in which nobody is let in.
func (h *Handler) swap(ctx context.Context, r pool.Restoration) (restoring, error) {
	if r.Move {
		return h.land(ctx, r)
	}
	if r.Swapping.IsZero() {
		if why, err := h.stopped(ctx, pool.StopRepair); why != nil || err != nil {
			if err != nil {
				return restoring{}, err
			}
			return h.wait(ctx, r, why, copytask.LookWait)
		}
		// Commit point: from here on the databases may have changed places. Whoever calls it off has that undone.
		r.Swapping = h.Now().UTC()
		return restoring{Record: r}, nil
	}
	host, err := h.host(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	slot := pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)}
	standIn, old := r.StandInSlot(slot.Mark), r.OldSlot(slot.Mark)
	err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		return h.Databases.Swap(ctx, login, slot, standIn, old)
	})
	if errors.Is(err, pool.ErrNoDatabase) {
		r.Swapping = time.Time{} // nothing has changed places, and nothing can
		return h.failed(ctx, r, "the database that was filled is not there: "+err.Error())
	}
	if err != nil {
		next, err := h.lockedOut(ctx, r, err)
		next.Record.Due = r.Due // past its deadline it is undone, which lets the tenant in
		return next, err
	}
	now := h.Now()
	r = r.Keep(old, now)
	r.Refused, r.Swapping, r.Swapped = now.Sub(r.Swapping), time.Time{}, now.UTC()
	return restoring{Record: r.Proven(now, fmt.Sprintf("database %s is what it was at %s; what it was until now is kept as %s",
		pool.DatabaseName(slot.Name), r.To.UTC().Format(time.RFC3339), pool.DatabaseName(old.Name)))}, nil
}

// swapBack puts the tenant's database of before into its place again. What was in it since is kept in its turn.
func (h *Handler) swapBack(ctx context.Context, r pool.Restoration) (restoring, error) {
	if left := r.Since().Add(stalled).Sub(h.Now()); left > 0 { // somebody may be at the swap still
		return restoring{Record: r, Wait: left}, nil
	}
	if r.Swapping.IsZero() { // the tenant is in what was restored; else nobody may be let in, and nothing holds it up
		if why, err := h.stopped(ctx, pool.StopRepair); why != nil || err != nil {
			if err != nil {
				return restoring{}, err
			}
			return h.wait(ctx, r, why, copytask.LookWait)
		}
		took, err := h.bays().Take(ctx, bayOf(r))
		if err != nil {
			return restoring{}, err
		}
		if !took { // a copy of it, or of a neighbour's, is being made
			r.Due = h.Now().Add(pool.Deadline(r.Step))
			return restoring{Record: r, Wait: bayWait}, nil
		}
		// Commit point: from here on the tenant may be shut out, until the databases have changed places.
		r.Swapping = h.Now().UTC()
		return restoring{Record: r}, nil
	}
	host, err := h.host(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	slot := pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)}
	standIn, old := r.StandInSlot(slot.Mark), r.OldSlot(slot.Mark)
	err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		return h.Databases.SwapBack(ctx, login, slot, standIn, old)
	})
	if err != nil {
		return h.lockedOut(ctx, r, err)
	}
	now := h.Now()
	r = r.Without(old).Keep(standIn, now)
	r.Refused, r.Swapping, r.Swapped = now.Sub(r.Swapping), time.Time{}, time.Time{}
	return restoring{Record: r.ProvenTo(pool.StepTell, now, fmt.Sprintf("database %s is what it was before restoration %s; what it was since is kept as %s",
		pool.DatabaseName(slot.Name), r.ID(), pool.DatabaseName(standIn.Name)))}, nil
}
