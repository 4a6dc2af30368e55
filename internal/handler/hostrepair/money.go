package hostrepair

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// holdMoney holds, under the stage's cap, what a way makes for a time: another machine takes the place of the one there is, or a
// gateway that of another, and the old one's disks are kept. It says why that can't be had; nil: it is held. It is held by the repair's name, so once, and
// the pool check takes it back when the repair has ended and no disk is kept.
func (h *Handler) holdMoney(ctx context.Context, host pool.Host, r pool.Repair, way pool.Way) (why, err error) {
	if r.KeptPrice(way, nil) == 0 {
		return nil, nil
	}
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the policies, for the cap on money: %w", err)
	}
	if doc.Cap() == 0 {
		return nil, nil
	}
	volumes, err := h.Machines.FindVolumes(ctx, map[string]string{"headroom:host": string(host.ID), "headroom:order": host.Mark})
	if err != nil {
		return nil, fmt.Errorf("look what the disks of %s cost: %w", host.ID, err)
	}
	price := r.KeptPrice(way, volumes)
	err = h.Ledger.HoldMoney(ctx, r.MoneyName(), price, doc.Cap())
	if !errors.Is(err, pool.ErrCapped) {
		return nil, err
	}
	return pool.Capped(doc.Cap(), "what is kept of its disks", price), nil
}

// waitForMoney has a repair wait until the cap allows what it makes. People are told once.
func (h *Handler) waitForMoney(ctx context.Context, host pool.Host, r pool.Repair, why error) (mending, error) {
	r = r.Clone()
	if r.Told != why.Error() {
		if err := h.Announce.RepairWaits(ctx, host, r, why.Error(), false); err != nil {
			return mending{}, err
		}
		r.Told = why.Error()
	}
	r.Due = h.Now().Add(pool.Deadline(r.Step))
	return mending{Record: r, Wait: enterWait, Because: why}, nil
}
