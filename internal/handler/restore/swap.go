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

const (
	// shutMost is for how long a tenant is shut out at once by a change of places that does not come about: longer than a host
	// takes to fail over to its other zone.
	shutMost = 3 * time.Minute
	// letInWait is for how long it is let in then, before the next try.
	letInWait = 10 * time.Minute
)

// swap puts the stand-in into the place of the tenant's database. It takes a moment, in which nobody is let in.
func (h *Handler) swap(ctx context.Context, r pool.Restoration) (restoring, error) {
	if r.Move {
		return h.land(ctx, r)
	}
	p, err := h.placeOf(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	if r.Swapping.IsZero() {
		if why, err := h.stopped(ctx, pool.StopRepair); why != nil || err != nil {
			if err != nil {
				return restoring{}, err
			}
			return h.wait(ctx, r, why, copytask.LookWait)
		}
		if err := h.asMaster(ctx, p.master, func(login pool.Login) error {
			return h.Databases.HandOver(ctx, login, p.slot, p.standIn)
		}); err != nil {
			return restoring{}, err
		}
		// Commit point: from here on the databases may have changed places. Whoever calls it off has that undone.
		r.Swapping = h.Now().UTC()
		r.Shut = r.Swapping
		return restoring{Record: r}, nil
	}
	if next, ours, err := h.bout(ctx, r, p); ours || err != nil {
		if next.Record.Step != "" {
			next.Record.Due = r.Due // past its deadline it is tried again, and undone in the end
		}
		return next, err
	}
	err = h.asMaster(ctx, p.master, func(login pool.Login) error {
		return h.Databases.Swap(ctx, login, p.slot, p.standIn, p.old)
	})
	if errors.Is(err, pool.ErrNoDatabase) {
		r.Swapping, r.Shut = time.Time{}, time.Time{} // nothing has changed places, and nothing can
		return h.failed(ctx, r, "the database that was filled is not there: "+err.Error())
	}
	if err != nil {
		next, err := h.lockedOut(ctx, r, err)
		next.Record.Due = r.Due
		return next, err
	}
	now := h.Now()
	r = h.exchanged(r.Keep(p.old, now))
	r.Swapped = now.UTC()
	return restoring{Record: r.Proven(now, fmt.Sprintf("database %s is what it was at %s; what it was until now is kept as %s",
		pool.DatabaseName(p.slot.Name), r.To.UTC().Format(time.RFC3339), pool.DatabaseName(p.old.Name)))}, nil
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
		r.Shut = r.Swapping
		return restoring{Record: r}, nil
	}
	p, err := h.placeOf(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	if next, ours, err := h.bout(ctx, r, p); ours || err != nil {
		return next, err
	}
	err = h.asMaster(ctx, p.master, func(login pool.Login) error {
		return h.Databases.SwapBack(ctx, login, p.slot, p.standIn, p.old)
	})
	if err != nil {
		return h.lockedOut(ctx, r, err)
	}
	now := h.Now()
	r = h.exchanged(r.Without(p.old).Keep(p.standIn, now))
	r.Swapped = time.Time{}
	return restoring{Record: r.ProvenTo(pool.StepTell, now, fmt.Sprintf("database %s is what it was before restoration %s; what it was since is kept as %s",
		pool.DatabaseName(p.slot.Name), r.ID(), pool.DatabaseName(p.standIn.Name)))}, nil
}

// place is where databases change places: the tenant's slot, and the names of what comes and goes.
type place struct {
	master             master.Instance
	slot, standIn, old pool.MarkedSlot
}

func (h *Handler) placeOf(ctx context.Context, r pool.Restoration) (place, error) {
	host, err := h.host(ctx, r)
	if err != nil {
		return place{}, err
	}
	slot := pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)}
	return place{master: master.Of(host), slot: slot, standIn: r.StandInSlot(slot.Mark), old: r.OldSlot(slot.Mark)}, nil
}

// bout bounds for how long a tenant is shut out at once. One who was for long enough is let in to the database that is in the
// place, whichever that is, and the change is tried again later; ours says that this look did one or the other.
func (h *Handler) bout(ctx context.Context, r pool.Restoration, p place) (next restoring, ours bool, err error) {
	if r.Shut.IsZero() {
		// Commit point: from here on the tenant may be shut out again.
		r.Shut = h.Now().UTC()
		return restoring{Record: r}, true, nil
	}
	if h.Now().Sub(r.Shut) < shutMost {
		return restoring{}, false, nil
	}
	if err := h.asMaster(ctx, p.master, func(login pool.Login) error { return h.Databases.LetIn(ctx, login, p.slot) }); err != nil {
		next, err = h.lockedOut(ctx, r, err)
		return next, true, err
	}
	now := h.Now()
	r = r.Clone()
	r.Refused, r.Shut, r.Due = r.Refused+now.Sub(r.Shut), time.Time{}, now.Add(pool.Deadline(r.Step))
	return restoring{Record: r, Wait: letInWait, Because: fmt.Errorf("the tenant is let in again, and the change of databases is tried later: %s", r.Error)}, true, nil
}

// exchanged is a restoration whose databases have changed places, and whose tenant is let in.
func (h *Handler) exchanged(r pool.Restoration) pool.Restoration {
	if !r.Shut.IsZero() {
		r.Refused += h.Now().Sub(r.Shut)
	}
	r.Swapping, r.Shut = time.Time{}, time.Time{}
	return r
}
