package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"headroom/internal/pool"
)

// How long to wait between two looks.
const (
	bootWait      = 3 * time.Second // at an appliance that boots
	stabilizeWait = time.Second     // at a gateway that may reboot
	diskWait      = 3 * time.Second // at a gateway without a disk, or out of reach
	shareWait     = 2 * time.Second // at shares that are being created
)

// goodAnswers is how many good answers in a row make a gateway stable, as Terraform's AWS provider has it.
const goodAnswers = 6

// boot waits until the appliance gives an activation key: from then on it may be activated.
func (h *Handler) boot(ctx context.Context, host pool.Host) (progress, error) {
	if _, err := h.Appliances.Key(ctx, host.Access.Appliance); err != nil {
		return progress{Record: host, Wait: bootWait, Because: err}, nil
	}
	return progress{Record: pool.Begin(host, pool.StepActivate, h.Now())}, nil
}

// activate makes a gateway of the appliance. When that does not come to a clear end, it may have been done: by this
// try, or by an earlier one that was killed before it recorded the ARN. Then it is looked for, and only then,
// because that lists all gateways of the account. One of the name that bears the order's mark is ours; one
// without it is foreign, and left alone.
func (h *Handler) activate(ctx context.Context, host pool.Host) (progress, error) {
	arn, err := h.activateNew(ctx, host)
	if err != nil {
		found, lookedErr := h.Gateways.Find(ctx, host.Stack.Name, host.Mark)
		switch {
		case lookedErr == nil:
			arn = found
		case !errors.Is(lookedErr, pool.ErrNotFound):
			return progress{}, errors.Join(err, lookedErr)
		case errors.Is(err, pool.ErrBooting), errors.Is(err, pool.ErrKey), errors.Is(err, pool.ErrUnreachable):
			return progress{Record: host, Wait: bootWait, Because: err}, nil
		default:
			return progress{}, err
		}
	}
	host = host.Clone()
	host.Access.Gateway = arn
	return progress{Record: pool.Begin(host, pool.StepStabilize, h.Now())}, nil
}

func (h *Handler) activateNew(ctx context.Context, host pool.Host) (string, error) {
	key, err := h.Appliances.Key(ctx, host.Access.Appliance)
	if err != nil {
		return "", err
	}
	return h.Gateways.Activate(ctx, key, host.Stack.Name, h.tags(host))
}

func (h *Handler) tags(host pool.Host) map[string]string {
	return map[string]string{
		"headroom:stage": h.Stage, "headroom:host": string(host.ID), "headroom:tier": string(host.Tier), "headroom:order": host.Mark,
	}
}

// stabilize waits for a number of good answers in a row: an appliance may reboot once it is activated.
// Count moves with every answer, and its remainder counts the good ones in a row.
func (h *Handler) stabilize(ctx context.Context, host pool.Host) (progress, error) {
	err := h.Gateways.Running(ctx, host.Access.Gateway)
	host = host.Clone()
	if err != nil {
		host.Count = (host.Count/goodAnswers + 1) * goodAnswers
		return progress{Record: host, Wait: stabilizeWait, Because: err}, nil
	}
	if host.Count++; host.Count%goodAnswers != 0 {
		return progress{Record: host, Wait: stabilizeWait}, nil
	}
	return progress{Record: pool.Begin(host, pool.StepAlarms, h.Now())}, nil
}

// cache gives the gateway its cache disk.
func (h *Handler) cache(ctx context.Context, host pool.Host) (progress, error) {
	err := h.Gateways.AddCache(ctx, host.Access.Gateway)
	switch {
	case errors.Is(err, pool.ErrNoDisk), errors.Is(err, pool.ErrUnreachable):
		return progress{Record: host, Wait: diskWait, Because: err}, nil
	case err != nil:
		return progress{}, err
	}
	return progress{Record: pool.Begin(host, pool.StepShares, h.Now())}, nil
}

// shares marks the buckets and creates the shares, closed to everyone. The token of each follows from its order, slot and
// generation, so that one which was created and not recorded is not created again, and none is taken for
// ours that another order or an earlier generation made.
func (h *Handler) shares(ctx context.Context, host pool.Host) (progress, error) {
	host = host.Clone()
	for i := range host.Slots {
		slot := &host.Slots[i]
		if slot.Share != "" {
			continue
		}
		// Before the share: an operator who finds a bucket can see whose it is.
		if err := h.Buckets.Mark(ctx, slot.Bucket, host.SlotMark(*slot)); err != nil {
			return progress{}, fmt.Errorf("mark the bucket of slot %d: %w", slot.Index, err)
		}
		tags := h.tags(host)
		tags["headroom:state"], tags["headroom:generation"] = "Available", strconv.Itoa(slot.Generation)
		id, err := h.Gateways.CreateShare(ctx, pool.ShareSpec{
			Token:   fmt.Sprintf("%s-%s-%s-%02d-%d", h.Stage, host.ID, host.Mark, slot.Index, slot.Generation),
			Gateway: host.Access.Gateway, Bucket: slot.Bucket, Role: slot.Role,
			Name: slot.Name, Key: h.ShareKey, Clients: []string{h.Nobody}, Tags: tags,
		})
		if errors.Is(err, pool.ErrUnreachable) {
			return progress{Record: host, Wait: diskWait, Because: err}, nil // with the shares so far
		}
		if err != nil {
			return progress{}, err
		}
		slot.Share = id
	}
	return progress{Record: pool.Begin(host, pool.StepAvailable, h.Now())}, nil
}

// available waits for every share, then puts the host into service.
func (h *Handler) available(ctx context.Context, host pool.Host) (progress, error) {
	var ids []string
	for _, slot := range host.Slots {
		ids = append(ids, slot.Share)
	}
	status, err := h.Gateways.Shares(ctx, host.Access.Gateway, ids)
	if err != nil && !errors.Is(err, pool.ErrUnreachable) {
		return progress{}, err
	}
	for _, slot := range host.Slots {
		if status[slot.Share] != pool.ShareAvailable {
			return progress{Record: host, Wait: shareWait, Because: notAvailable(slot, status[slot.Share])}, nil
		}
	}
	return h.putIntoService(host)
}

// notAvailable says why a host waits for a share. Storage Gateway makes a share whose role or bucket is not
// there, or that the role may not reach, and says no more of it than that it is unavailable.
func notAvailable(slot pool.Slot, status string) error {
	if status == pool.ShareUnavailable {
		return fmt.Errorf("share %s of slot %d is %q: can its gateway, as role %s, reach bucket %s?", slot.Share, slot.Index, status, slot.Role, slot.Bucket)
	}
	return fmt.Errorf("share %s is %q", slot.Share, status)
}
