package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

const (
	// disksWait is between two looks at disks that a machine that ends has still, or that are being deleted.
	disksWait = 30 * time.Second
	// dateWait is between two looks at a snapshot that is being made.
	dateWait = time.Minute
)

// disks deletes the disks that outlived a gateway's machine: they bear the host's marks, and nothing of them is needed once
// its shares are gone. It looks until there are none.
func (h *Handler) disks(ctx context.Context, host pool.Host) (progress, error) {
	volumes, err := h.Machines.FindVolumes(ctx, map[string]string{"headroom:host": string(host.ID), orderTag: host.Mark})
	if err != nil {
		return progress{}, err
	}
	if len(volumes) == 0 {
		return h.on(host)
	}
	var waits error
	for _, v := range volumes {
		switch v.State {
		case "deleting":
			continue
		case "available":
		default:
			waits = fmt.Errorf("disk %s is %s", v.ID, v.State)
			continue
		}
		if err := h.allow(ctx, host, condemned{what: "volume", name: v.ID, want: v.ID, mark: v.Tags[orderTag], wantMark: host.Mark}); err != nil {
			return progress{}, err
		}
		if err := h.Machines.DeleteVolume(ctx, v.ID); err != nil && !errors.Is(err, pool.ErrInTransit) {
			return progress{}, err
		}
	}
	return progress{Record: host, Wait: disksWait, Because: waits}, nil
}

// buckets deletes the buckets of a gateway that is gone, each proven empty. That of a slot that a person took out of use may
// hold something: it is left then, and named.
func (h *Handler) buckets(ctx context.Context, host pool.Host) (progress, error) {
	for _, slot := range host.Slots {
		mark, err := h.Empties.MarkOf(ctx, slot.Bucket)
		held := ""
		if err == nil {
			held, err = h.Empties.Found(ctx, slot.Bucket)
		}
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return progress{}, err
		}
		c := condemned{what: "bucket", name: slot.Bucket, want: slot.Bucket, mark: mark, wantMark: host.SlotMark(slot)}
		if held != "" && slot.State == pool.SlotRetired {
			host.Retire = host.Retire.Leave(pool.Remnant{What: pool.RemnantBucket, Name: slot.Bucket})
			continue
		}
		if held != "" {
			c.found = []string{held}
		}
		if err := h.allow(ctx, host, c); err != nil {
			return progress{}, err
		}
		if err := h.Empties.Delete(ctx, slot.Bucket); err != nil {
			return progress{}, err
		}
	}
	return h.on(host)
}

// date gives each snapshot that is left of a retired host's instance its date of deletion, and looks until each says it
// itself.
func (h *Handler) date(ctx context.Context, host pool.Host) (progress, error) {
	snapshots, err := h.Instances.Snapshots(ctx, host.Stack.Name)
	if err != nil {
		return progress{}, err
	}
	var waits error
	for _, s := range snapshots {
		switch {
		case !s.Ours(host):
		case s.Until.IsZero():
			if err := h.Instances.Date(ctx, s, h.Now().Add(h.Backups)); err != nil {
				return progress{}, err
			}
			waits = fmt.Errorf("snapshot %s does not say yet when it is deleted", s.Name)
		default:
			host.Retire = host.Retire.Leave(pool.Remnant{What: pool.RemnantSnapshot, Name: s.Name, Until: s.Until})
		}
	}
	if waits != nil {
		return progress{Record: host, Wait: dateWait, Because: waits}, nil
	}
	return h.on(host)
}

// sweep deletes the snapshots of a retired host whose dates are over. One that is gone already needs nothing.
func (h *Handler) sweep(ctx context.Context, host pool.Host) (progress, error) {
	snapshots, err := h.Instances.Snapshots(ctx, host.Stack.Name)
	if err != nil {
		return progress{}, err
	}
	var gone []string
	var waits error
	for _, left := range host.Retire.Left {
		if left.What != pool.RemnantSnapshot || h.Now().Before(left.Until) {
			continue
		}
		i := slices.IndexFunc(snapshots, func(s pool.Snapshot) bool { return s.Name == left.Name })
		if i < 0 {
			gone = append(gone, left.Name)
			continue
		}
		s := snapshots[i]
		stops, err := h.Ledger.Stops(ctx) // for each, so that it is in force at the next call
		if err != nil {
			return progress{}, err
		}
		if reasons := pool.GuardSnapshot(host, s, stops, h.Now()); len(reasons) > 0 {
			waits = fmt.Errorf("delete snapshot %s: %w: %s", s.Name, errRefused, strings.Join(reasons, "; "))
			continue
		}
		// Commit point: it is on record before it is destroyed.
		if err := h.destroyed(ctx, host, "snapshot", s.Name, "its date of deletion is over"); err != nil {
			return progress{}, err
		}
		if err := h.Instances.DeleteSnapshot(ctx, s, h.Now()); err != nil {
			return progress{}, err
		}
		gone = append(gone, s.Name)
	}
	after := pool.Swept(host, gone, h.Now())
	if waits != nil {
		after.Due = h.Now().Add(pool.Deadline(pool.StepSweep))
		after.Progress = after.Failed(waits)
	}
	return progress{Record: after, Leave: len(gone) == 0 && waits == nil}, nil
}
