package hostrepair

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// A disk outlives its machine, and an update that is rolled back leaves the root disks of the machines that it made. Each disk
// of a host is its gateway's, or known to be kept for a term and marked so: else nobody would ever delete it.

// keepDisk marks a disk that is left behind, and notes that it is kept.
func (h *Handler) keepDisk(ctx context.Context, r pool.Repair, volume, gateway, mark string, dirty bool) (pool.Repair, error) {
	err := h.Machines.TagVolume(ctx, volume, map[string]string{rootOfTag: mark, repairTag: r.ID()})
	if errors.Is(err, pool.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("mark disk %s, which is left behind: %w", volume, err)
	}
	return r.Keep(volume, gateway, dirty, h.Now()), nil
}

// keepStrays keeps the disks of a host that bear its marks and are nobody's. One may hold what is nowhere else where the root
// disk of the host's own machine is not known: it may be that.
func (h *Handler) keepStrays(ctx context.Context, host pool.Host, r pool.Repair) (pool.Repair, error) {
	marked, err := h.Machines.FindVolumes(ctx, map[string]string{"headroom:host": string(host.ID), "headroom:order": host.Mark})
	if err != nil {
		return r, fmt.Errorf("look for disks of %s that are left behind: %w", host.ID, err)
	}
	gateway, mark := "", host.Access.GatewayID()
	if r.Renewing() {
		gateway, mark = r.Renewal.Disks(), r.Renewal.Disks()
	}
	for _, volume := range r.Strays(host, marked) {
		if r, err = h.keepDisk(ctx, r, volume, gateway, mark, r.Root == ""); err != nil {
			return r, err
		}
	}
	return r, nil
}

// giveUpNext keeps the disks of a new machine that is gone before the gateway ran there.
func (h *Handler) giveUpNext(ctx context.Context, host pool.Host, r pool.Repair) (pool.Repair, error) {
	r.NextRoot = "" // it is left behind, too
	r, err := h.keepStrays(ctx, host, r)
	if n := r.Renewal; err == nil && r.Renewing() && n.Cache != "" {
		return h.keepDisk(ctx, r, n.Cache, n.Disks(), n.Disks(), false)
	}
	return r, err
}
