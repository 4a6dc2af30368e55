package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// proveWait is the time between two looks at shares that are not available yet.
const proveWait = 15 * time.Second

// sweepWait is the time between two tries to delete an old root disk that may not be deleted now.
const sweepWait = 15 * time.Minute

// prove looks at every share of the host before it takes tenants again.
func (h *Handler) prove(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if host.Kind != pool.Share {
		what := "its stack is as it was to be"
		if r.Refused() != "" {
			what = "its stack is as it was"
		}
		return mending{Record: r.Proven(pool.StepDischarge, h.Now(), what)}, nil
	}
	if r.Unopened() { // it moved to a new gateway, and another way was gone before its tenants were let in there
		r = r.Clone()
		r.Progress = pool.Started(pool.StepReadmit, h.Now())
		return mending{Record: r}, nil
	}
	bad, err := h.unproven(ctx, host)
	if err != nil {
		return mending{}, err
	}
	if len(bad) > 0 {
		return mending{Record: r, Wait: proveWait, Because: errors.New(strings.Join(bad, "; "))}, nil
	}
	next := pool.StepDischarge
	if r.Touched() {
		next = pool.StepProbe
	}
	return mending{Record: r.Proven(next, h.Now(), fmt.Sprintf("all %d shares are available, and NFS answers", len(neededOf(host))))}, nil
}

func sharesOf(host pool.Host) []string {
	var ids []string
	for _, slot := range host.Slots {
		if slot.Share != "" {
			ids = append(ids, slot.Share)
		}
	}
	return ids
}

// neededOf lists the slots that are nothing without a share.
func neededOf(host pool.Host) []pool.Slot {
	return slices.DeleteFunc(slices.Clone(host.Slots), func(s pool.Slot) bool { return s.Share == "" || !s.NeedsShare() })
}

// unproven says what is not as it was of a share host: its shares, or that NFS answers.
func (h *Handler) unproven(ctx context.Context, host pool.Host) ([]string, error) {
	statuses, err := h.Gateways.Shares(ctx, host.Access.Gateway, sharesOf(host))
	if errors.Is(err, pool.ErrUnreachable) {
		return []string{err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	var bad []string
	for _, slot := range host.Slots {
		// A share that is being changed or scrubbed by somebody else is none of this repair's. One that its clearance has
		// withdrawn is waited for in vain: the slot is not renewed before the host is out of repair.
		switch status, there := statuses[slot.Share]; {
		case slot.Share == "", !there && !slot.NeedsShare():
		case !there:
			bad = append(bad, fmt.Sprintf("share %s is not there", slot.Share))
		case status == pool.ShareUnavailable:
			bad = append(bad, fmt.Sprintf("share %s is %s", slot.Share, status))
		}
	}
	if err := h.Prober.Null(ctx, host.Access.Appliance); err != nil {
		bad = append(bad, err.Error())
	}
	return bad, nil
}

// discharge puts the host back into service, says what was done, and ends the repair.
func (h *Handler) discharge(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	// Commit point: the host has its new machine by the books, and is in service again unless an alarm of it is on.
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, host.ID, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.Repair != r.Number {
			return host, pool.Neutral, ledger.ErrUnchanged // an earlier try was here
		}
		host, err := pool.RestProbed(r.Seated(pool.Discharged(host, h.Now())), r, h.Now())
		if err != nil {
			return host, pool.Neutral, err
		}
		host, err = pool.Reconsider(host, h.Now(), fmt.Sprintf("it was repaired by way %s", r.Way))
		return host, pool.Neutral, err
	})
	if err != nil {
		return mending{}, fmt.Errorf("put %s back into service: %w", host.ID, err)
	}
	if err := h.haveTold(ctx, before, after); err != nil {
		return mending{}, err
	}
	if err := h.leave(ctx, host, false); err != nil {
		return mending{}, err
	}
	if host.Kind == pool.Share && r.KnowsRoot() { // else it could be taken for one that was left behind, if its machine ends now
		if r, err = h.keepStrays(ctx, after, r); err != nil {
			return mending{}, err
		}
	}
	unwritable := time.Duration(0)
	if !r.Quiet.IsZero() {
		unwritable = r.WritableAt().Sub(r.Quiet)
	}
	if err := h.Announce.HostRepaired(ctx, after, r, unwritable); err != nil {
		return mending{}, err
	}
	r, err = r.Mended(h.Now())
	return mending{Record: r}, err
}

// there reports whether there is a volume, by its ID: a list by tags may lack one for a while.
func (h *Handler) there(ctx context.Context, volume string) (bool, error) {
	_, err := h.Machines.Attachment(ctx, volume)
	if errors.Is(err, pool.ErrNotFound) {
		return false, nil
	}
	if errors.Is(err, pool.ErrInTransit) {
		err = nil
	}
	return err == nil, err
}

// sweep deletes old disks whose term is over: those that bear the host's marks, and are at no machine.
func (h *Handler) sweep(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if err := h.release(ctx, host, r); err != nil {
		return mending{}, err
	}
	r = r.Clone()
	over := func(k pool.KeptDisk) bool { return k.Doomed() && !h.Now().Before(k.Until) }
	if !slices.ContainsFunc(r.Kept, over) {
		return mending{Leave: true}, nil // its deadline says when to go on
	}
	for _, kept := range slices.Clone(r.Kept) {
		if !over(kept) {
			continue
		}
		if kept.Gateway == "" {
			kept.Gateway = host.Access.GatewayID()
		}
		// By the host's marks alone: one that lacks the others is not deleted, but not forgotten either.
		volumes, err := h.Machines.FindVolumes(ctx, map[string]string{"headroom:host": string(host.ID), "headroom:order": host.Mark})
		if err != nil {
			return mending{}, err
		}
		stops, err := h.Ledger.Stops(ctx) // last, so that it is in force at the call
		if err != nil {
			return mending{}, err
		}
		i := slices.IndexFunc(volumes, func(v pool.Volume) bool { return v.ID == kept.Volume })
		if i >= 0 {
			if against := pool.GuardDisk(host, kept, volumes[i], stops, h.Now()); len(against) > 0 {
				return mending{Record: r, Wait: sweepWait, Because: fmt.Errorf("delete the old disk %s: %s", kept.Volume, strings.Join(against, "; "))}, nil
			}
			// Commit point: it is on record before it is destroyed, and again when that is tried again.
			if err := h.Ledger.Audit(ctx, kept.Destroyed(r, h.Now())); err != nil {
				return mending{}, fmt.Errorf("record that the old disk %s is deleted: %w", kept.Volume, err)
			}
			if err := h.Machines.DeleteVolume(ctx, kept.Volume); err != nil && !errors.Is(err, pool.ErrNotFound) {
				return mending{}, err
			}
		} else if there, err := h.there(ctx, kept.Volume); err != nil || there {
			return mending{Record: r, Wait: sweepWait, Because: fmt.Errorf("delete the old disk %s: it is not listed by the host's marks", kept.Volume)}, err
		}
		r = r.Swept(kept.Volume, h.Now())
	}
	return mending{Record: r}, nil
}
