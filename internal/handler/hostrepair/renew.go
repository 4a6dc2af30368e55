package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/access"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// What a new gateway is made of is there, and the old one is fenced off: it is made as any gateway is, and the host's record is
// moved to it in one write. Until then no client reaches it, for its shares are open to nobody.

const (
	newCacheDevice  = "/dev/sdf"
	stabilizeWait   = 2 * time.Second // between two looks at a gateway that may reboot once it is activated
	stableAnswers   = 6               // good ones in a row, as Terraform's AWS provider has it
	shareWait       = 5 * time.Second // between two looks at shares that are made, or opened
	readmitLooks    = 4               // after so many a share is told once more whom to serve
	repairTag       = "headroom:repair"
	rootOfTag       = "headroom:root-of" // of a disk that is kept: the gateway that it was of
	tenantTag       = "headroom:tenant"
	stateTag        = "headroom:state"
	gatewayIDOption = "GatewayId"
)

// powered waits until the new machine runs, and starts it when it is stopped. ready is false meanwhile; then the record knows the
// machine's root disk.
func (h *Handler) powered(ctx context.Context, r pool.Repair) (wait mending, ready bool, err error) {
	m, err := h.machineOf(ctx, r)
	r = r.SawDisks(m)
	switch {
	case err != nil:
		return mending{}, false, err
	case m.State == "": // it was made a moment ago, and EC2 may not know it everywhere yet
		return mending{Record: r, Wait: diskWait, Because: fmt.Errorf("there is no machine %s", r.Next)}, false, nil
	case gone(m):
		wait, err = h.lost(r, "the new machine is gone")
		return wait, false, err
	case m.State == pool.MachineRunning:
		return mending{Record: r}, true, nil
	case m.State == pool.MachineStopped:
		if err := h.Machines.Start(ctx, r.Next); err != nil {
			wait, err = transit(r, powerWait, err)
			return wait, false, err
		}
	}
	return mending{Record: r, Wait: diskWait}, false, nil
}

// give attaches a disk to the new machine, and reports whether it is there. One that another machine has is nothing to take.
func (h *Handler) give(ctx context.Context, volume, machine, device string) (there bool, err error) {
	at, err := h.Machines.Attachment(ctx, volume)
	if err == nil && at.Machine == "" {
		err = h.Machines.Attach(ctx, volume, machine, device)
	}
	switch {
	case errors.Is(err, pool.ErrInTransit):
		return false, nil
	case err != nil:
		return false, err
	case at.Machine != "" && at.Machine != machine:
		return false, fmt.Errorf("disk %s is at machine %s, and not at %s", volume, at.Machine, machine)
	}
	return at.Machine == machine && at.Done, nil
}

// attach gives the new machine its cache disk.
func (h *Handler) attach(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	wait, ready, err := h.powered(ctx, r)
	if err != nil || !ready {
		return wait, err
	}
	r = wait.Record
	there, err := h.give(ctx, r.Renewal.Cache, r.Next, newCacheDevice)
	if err != nil {
		return mending{}, err
	}
	if !there {
		return mending{Record: r, Wait: diskWait}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the new machine has cache disk "+r.Renewal.Cache)}, nil
}

// boot waits until the appliance may be activated.
func (h *Handler) boot(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	wait, ready, err := h.powered(ctx, r)
	if err != nil || !ready {
		return wait, err
	}
	r = wait.Record
	if _, err := h.Appliances.Key(ctx, host.Access.Appliance); err != nil {
		return mending{Record: r, Wait: bootWait, Because: err}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the new machine's appliance has booted")}, nil
}

// activate makes a gateway of the appliance. Where that does not come to a clear end it may have been done by this try or an
// earlier one, and is looked for by the repair's mark.
func (h *Handler) activate(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	tags := h.renewalTags(host, r)
	arn, err := h.activateNew(ctx, host, tags)
	if err != nil {
		found, lookedErr := h.Gateways.FindMarked(ctx, host.Stack.Name, map[string]string{"headroom:order": host.Mark, repairTag: r.Renewal.Mark})
		switch {
		case lookedErr == nil:
			arn = found
		case !errors.Is(lookedErr, pool.ErrNotFound):
			return mending{}, errors.Join(err, lookedErr)
		case errors.Is(err, pool.ErrBooting), errors.Is(err, pool.ErrKey), errors.Is(err, pool.ErrUnreachable):
			return mending{Record: r, Wait: bootWait, Because: err}, nil
		default:
			return mending{}, err
		}
	}
	if arn == host.Access.Gateway {
		return mending{}, fmt.Errorf("activate a new gateway for %s: it is the old one, %s", host.ID, arn)
	}
	r = r.Proven(r.After(), h.Now(), "gateway "+pool.Access{Gateway: arn}.GatewayID()+" is activated")
	r.Renewal.Gateway = arn
	return mending{Record: r}, nil
}

func (h *Handler) activateNew(ctx context.Context, host pool.Host, tags map[string]string) (string, error) {
	key, err := h.Appliances.Key(ctx, host.Access.Appliance)
	if err != nil {
		return "", err
	}
	return h.Gateways.Activate(ctx, key, host.Stack.Name, tags)
}

func (h *Handler) renewalTags(host pool.Host, r pool.Repair) map[string]string {
	return map[string]string{
		"headroom:stage": h.Stage, "headroom:host": string(host.ID), "headroom:tier": string(host.Tier), "headroom:order": host.Mark, repairTag: r.Renewal.Mark,
	}
}

// stabilize waits for a number of good answers in a row: an appliance may reboot once it is activated.
func (h *Handler) stabilize(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	wait, ready, err := h.powered(ctx, r)
	if err != nil || !ready {
		return wait, err
	}
	r = wait.Record
	r = r.Clone()
	if err := h.Gateways.Running(ctx, r.Renewal.Gateway); err != nil {
		r.Well = 0
		return mending{Record: r, Wait: stabilizeWait, Because: err}, nil
	}
	if r.Well++; r.Well < stableAnswers {
		return mending{Record: r, Wait: stabilizeWait}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the new gateway runs")}, nil
}

// cache gives the new gateway its cache disk to use.
func (h *Handler) cache(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	err := h.Gateways.AddCache(ctx, r.Renewal.Gateway)
	switch {
	case errors.Is(err, pool.ErrNoDisk), errors.Is(err, pool.ErrUnreachable):
		return mending{Record: r, Wait: diskWait, Because: err}, nil
	case err != nil:
		return mending{}, err
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the new gateway has its cache")}, nil
}

// shares makes the new gateway's shares: each over the bucket of its slot and under the slot's name, as the old one was, open
// to nobody.
func (h *Handler) shares(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	r = r.Clone()
	made := 0
	for i := range r.Renewal.Shares {
		fresh := &r.Renewal.Shares[i]
		slot := host.Slot(fresh.Index)
		if slot == nil || slot.Generation != fresh.Generation {
			return mending{}, fmt.Errorf("make the new share of slot %d of %s: its generation is not %d any more", fresh.Index, host.ID, fresh.Generation)
		}
		if fresh.Share == "" {
			wanted, err := h.wantsShare(ctx, host, *slot)
			if err != nil {
				return mending{}, err
			}
			if !wanted {
				continue
			}
			fresh.Share, err = h.Gateways.CreateShare(ctx, h.newShare(host, *slot, r, fresh.Role))
			if errors.Is(err, pool.ErrUnreachable) {
				return mending{Record: r, Wait: diskWait, Because: err}, nil // with the shares so far
			}
			if err != nil {
				return mending{}, err
			}
		}
		made++
	}
	return mending{Record: r.Proven(r.After(), h.Now(), fmt.Sprintf("%d shares of the new gateway are made over the buckets, and open to nobody", made))}, nil
}

// wantsShare reports whether a slot is to have a share of the new gateway. One that is being scrubbed has none any more once
// that is withdrawn, and gets its next generation's by its clearance.
func (h *Handler) wantsShare(ctx context.Context, host pool.Host, slot pool.Slot) (bool, error) {
	if slot.NeedsShare() || slot.Share == "" {
		return slot.Share != "", nil
	}
	if slot.State == pool.SlotRetired {
		return false, nil
	}
	statuses, err := h.Gateways.Shares(ctx, host.Access.Gateway, []string{slot.Share})
	if errors.Is(err, pool.ErrUnreachable) {
		return true, nil
	}
	_, there := statuses[slot.Share]
	return there, err
}

func (h *Handler) newShare(host pool.Host, slot pool.Slot, r pool.Repair, role string) pool.ShareSpec {
	tags := h.renewalTags(host, r)
	tags["headroom:generation"], tags[stateTag] = strconv.Itoa(slot.Generation), "Available"
	if slot.Tenant != "" && (slot.State == pool.SlotAssigned || slot.State == pool.SlotLeaving) {
		tags[stateTag], tags[tenantTag] = "Assigned", string(slot.Tenant)
	}
	return pool.ShareSpec{
		// Of the gateway, too: what was made on one that was abandoned is not this.
		Token:   fmt.Sprintf("%s-%02d-%d-%s", host.Mark, slot.Index, slot.Generation, pool.Access{Gateway: r.Renewal.Gateway}.GatewayID()),
		Gateway: r.Renewal.Gateway, Bucket: slot.Bucket, Role: role, Name: slot.Name, Key: h.ShareKey, Clients: []string{h.Nobody}, Tags: tags,
	}
}

// available waits for the new shares.
func (h *Handler) available(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	var ids []string
	for _, fresh := range r.Renewal.Shares {
		if fresh.Share != "" {
			ids = append(ids, fresh.Share)
		}
	}
	status, err := h.Gateways.Shares(ctx, r.Renewal.Gateway, ids)
	if err != nil && !errors.Is(err, pool.ErrUnreachable) {
		return mending{}, err
	}
	for _, id := range ids {
		if status[id] != pool.ShareAvailable {
			return mending{Record: r, Wait: shareWait, Because: fmt.Errorf("share %s is %q", id, status[id])}, nil
		}
	}
	return mending{Record: r.Proven(r.After(), h.Now(), fmt.Sprintf("%d shares of the new gateway are available", len(ids)))}, nil
}

// alarms has CloudFormation make the alarms be about the new gateway.
func (h *Handler) alarms(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	id := pool.Access{Gateway: r.Renewal.Gateway}.GatewayID()
	return h.change(ctx, host, r, map[string]string{gatewayIDOption: id}, func(pool.StackStatus) (string, error) {
		return "the alarms are about gateway " + id, nil
	})
}

// errMoved means that the host was moved by an earlier try.
var errMoved = errors.New("it was moved already")

// move moves the host's record to the new gateway: machine, cache disk, and share and role of every slot, in one write. The
// guard stands before it.
func (h *Handler) move(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if host.Access.Gateway != r.Renewal.Gateway {
		wait, ready, err := h.powered(ctx, r)
		if err != nil || !ready {
			return wait, err
		}
		r = wait.Record
		if err := h.Prober.Null(ctx, host.Access.Appliance); err != nil {
			return mending{Record: r, Wait: bootWait, Because: err}, nil
		}
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return mending{}, err
	}
	// Commit point: from here on whoever opens, closes or deletes a share of the host does so with the new gateway's.
	_, _, err = ledger.UpdateHost(ctx, h.Ledger, host.ID, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.Access.Gateway == r.Renewal.Gateway {
			return host, pool.Neutral, errMoved
		}
		moved, against := pool.MoveToGateway(pool.MoveTarget{Host: host, Repair: r, Stops: stops})
		if len(against) > 0 {
			return host, pool.Neutral, fmt.Errorf("move %s to gateway %s: %s", host.ID, r.Renewal.Gateway, strings.Join(against, "; "))
		}
		return moved, pool.Neutral, nil
	})
	if err != nil && !errors.Is(err, errMoved) {
		return mending{}, err
	}
	r = r.Proven(r.After(), h.Now(), fmt.Sprintf("the host's record names gateway %s and its shares", pool.Access{Gateway: r.Renewal.Gateway}.GatewayID()))
	return mending{Record: r.Renewed()}, nil
}

// readmit opens the new shares to whom the tenants' records say, and waits until they serve them.
func (h *Handler) readmit(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	var waits []string
	opened := 0
	for _, slot := range host.Slots {
		if slot.State != pool.SlotAssigned || slot.Share == "" {
			continue
		}
		t, err := h.Ledger.Tenant(ctx, slot.Tenant)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		if err != nil {
			return mending{}, err
		}
		has := pool.Holding{Host: host.ID, Index: slot.Index, Generation: slot.Generation}
		if !t.Share.Same(has) || t.State == pool.TenantLeft {
			continue // its signup opens it, or its departure has closed it
		}
		ref := pool.ShareRef{Gateway: host.Access.Gateway, ID: slot.Share}
		switch err := h.Clients.Served(ctx, ref, t.Clients()); {
		case err == nil:
			opened++
			continue
		case errors.Is(err, pool.ErrUnreachable):
		case !errors.Is(err, access.ErrNotServing):
			return mending{}, err
		case r.Count%readmitLooks == 0: // a list that is set anew each time would never be in force
			if err := h.Clients.Set(ctx, t, ref, host.Access.SecurityGroup); err != nil {
				h.Log.WarnContext(ctx, "share can't be opened now", "repair", r.ID(), "share", ref.ID, "error", err)
			}
		}
		waits = append(waits, fmt.Sprintf("share %s does not serve tenant %s yet", slot.Share, t.ID))
	}
	if len(waits) > 0 {
		slices.Sort(waits)
		return mending{Record: r, Wait: shareWait, Because: errors.New(strings.Join(waits, "; "))}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), fmt.Sprintf("%d shares serve their tenants as before", opened))}, nil
}
