package decommission

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"headroom/internal/copytask"
	"headroom/internal/pool"
)

// remakeShare makes the share anew over the empty bucket, closed to everybody, under the name of the slot's next
// generation.
func (h *Handler) remakeShare(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	if c.Stranded(host) {
		return clearing{Record: c.Follow(host, h.Now())}, nil
	}
	if ref, has := host.ShareRef(slot.Index); has && host.Gateways > 0 && c.NextShare == "" && slot.Generation == c.Holding.Generation {
		switch status, err := h.Shares.ShareStatus(ctx, ref); {
		case err == nil:
			return h.withdrawAgain(ctx, c, host, slot, status)
		case !errors.Is(err, pool.ErrNotFound):
			return clearing{}, err
		}
	}
	if err := h.Buckets.Mark(ctx, slot.Bucket, host.NextMark(c.Holding)); err != nil {
		return clearing{}, err
	}
	next := c.Holding.Generation + 1
	gateway := host.Access
	id, err := h.Shares.CreateShare(ctx, pool.ShareSpec{
		// Of the gateway, too: what was made at one that was given up since is not this.
		Token:   fmt.Sprintf("%s-%s-%s-%02d-%d-%s", h.Stage, host.ID, host.Mark, slot.Index, next, gateway.GatewayID()),
		Gateway: gateway.Gateway, Bucket: slot.Bucket, Role: slot.Role, Name: c.Next, Key: h.ShareKey, Clients: []string{h.Nobody},
		Tags: map[string]string{
			"headroom:stage": h.Stage, "headroom:host": string(host.ID), "headroom:tier": string(host.Tier), "headroom:order": host.Mark,
			"headroom:state": "Available", "headroom:generation": strconv.Itoa(next),
		},
	})
	if err != nil {
		return clearing{}, err
	}
	c = c.Clone()
	c.NextShare, c.Gateway = id, gateway.Gateway
	status, err := h.Shares.ShareStatus(ctx, pool.ShareRef{Gateway: gateway.Gateway, ID: id})
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return clearing{}, err
	}
	if status != pool.ShareAvailable {
		return clearing{Record: c, Wait: goneWait, Because: fmt.Errorf("share %s is %q", id, status)}, nil
	}
	return clearing{Record: c.Proven(pool.StepProve, h.Now(), fmt.Sprintf("share %s is made over bucket %s, and open to nobody", id, pool.BucketName(slot.Bucket)))}, nil
}

// withdrawAgain deletes the share that a new gateway was given for the generation which was withdrawn at the old one: that
// could not be asked whether it was. Nobody ever had it. The bucket may bear the next generation's mark already, by this
// clearance.
func (h *Handler) withdrawAgain(ctx context.Context, c pool.Clearance, host pool.Host, slot pool.Slot, status string) (clearing, error) {
	if status == pool.ShareDeleting {
		return clearing{Record: c, Wait: goneWait, Because: fmt.Errorf("share %s is being deleted", slot.Share)}, nil
	}
	mark, err := h.Buckets.MarkOf(ctx, slot.Bucket)
	if err != nil {
		return clearing{}, err
	}
	if mark != host.NextMark(c.Holding) {
		mark = host.HeldMark(c.Holding)
	}
	return h.deleteShare(ctx, c, host, slot, mark)
}

// follow goes on at the gateway that has taken the place of the one at which a clearance has made its share. Who looked into
// that is put out.
func (h *Handler) follow(ctx context.Context, c pool.Clearance, host pool.Host) (clearing, error) {
	if err := copytask.Stop(ctx, h.Tasks, c.Task, "the gateway was given up"); err != nil {
		return clearing{}, err
	}
	if c.Address != "" {
		if err := h.Firewall.Evict(ctx, host.Access.SecurityGroup, c.Address); err != nil {
			return clearing{}, err
		}
	}
	return clearing{Record: c.Follow(host, h.Now())}, nil
}
