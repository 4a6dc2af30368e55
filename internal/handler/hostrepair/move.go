package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

// Where the disks are at the new machine, as AWS's guide has them: the old root first, then the cache.
const (
	oldRootDevice = "/dev/sdf"
	cacheDevice   = "/dev/sdg"

	diskWait = 5 * time.Second  // between two looks at a disk that is on its way
	bootWait = 15 * time.Second // between two looks at an appliance that boots, or takes over
)

// detach takes all disks off the machine, which is stopped, having read back that none dies with it.
func (h *Handler) detach(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	m, err := h.machineOf(ctx, r)
	if err != nil {
		return mending{}, err
	}
	if !gone(m) && m.State != pool.MachineStopped {
		return mending{}, fmt.Errorf("detach the disks of machine %s: it is %s", r.Seat(), m.State)
	}
	r = r.Saw(pool.Findings{Machine: m}, h.Now())
	var dying []string
	for _, d := range m.Disks {
		if d.Dies {
			dying = append(dying, d.Device)
		}
	}
	if len(dying) > 0 {
		if err := h.Machines.Keep(ctx, r.Seat(), dying); err != nil {
			return transit(r, diskWait, err)
		}
		return mending{Record: r, Wait: diskWait}, nil // and read back
	}
	if r.Way == pool.WayGateway {
		return h.detachAll(ctx, host, r, m)
	}
	if r.Root == "" {
		if r.Root, err = h.findRoot(ctx, host, r); err != nil {
			return mending{}, err
		}
	}
	free := true
	for _, volume := range []string{r.Root, r.Cache} {
		off, err := h.takeOff(ctx, volume, r.Machine)
		if err != nil {
			return transit(r, diskWait, err)
		}
		free = free && off
	}
	if !free || len(m.Disks) > 0 {
		for _, d := range m.Disks {
			if _, err := h.takeOff(ctx, d.Volume, r.Machine); err != nil {
				return transit(r, diskWait, err)
			}
		}
		return mending{Record: r, Wait: diskWait}, nil
	}
	// By its marks it is deleted one day, and found before.
	err = h.Machines.TagVolume(ctx, r.Root, map[string]string{rootOfTag: host.Access.GatewayID(), repairTag: r.ID()})
	if err != nil {
		return mending{}, err
	}
	return mending{Record: r.Proven(r.After(), h.Now(), fmt.Sprintf("root disk %s and cache disk %s are off machine %s, and outlive it", r.Root, r.Cache, r.Machine))}, nil
}

// detachAll takes every disk off the machine of a gateway that is given up. What may be on them and nowhere else is kept until a
// person says that it may go.
func (h *Handler) detachAll(ctx context.Context, host pool.Host, r pool.Repair, m pool.MachineLook) (mending, error) {
	gateway := host.Access.GatewayID()
	if r.Root == "" { // of a machine that is gone: by its marks, when there is one of them
		if root, err := h.findRoot(ctx, host, r); err == nil {
			r.Root = root
		} else if ctx.Err() != nil {
			return mending{}, err
		}
	}
	volumes := []string{r.Root, r.Cache}
	for _, d := range m.Disks {
		volumes = append(volumes, d.Volume)
	}
	free := len(m.Disks) == 0
	for _, volume := range volumes {
		if volume == "" {
			continue
		}
		off, err := h.takeOff(ctx, volume, r.Seat())
		switch {
		case errors.Is(err, pool.ErrNotFound): // it is lost
			continue
		case err != nil:
			return transit(r, diskWait, err)
		}
		r, free = r.Keep(volume, gateway, true, h.Now()), free && off
	}
	if !free {
		return mending{Record: r, Wait: diskWait}, nil
	}
	for _, kept := range r.KeepsOf(gateway) {
		err := h.Machines.TagVolume(ctx, kept.Volume, map[string]string{rootOfTag: gateway, repairTag: r.ID()})
		if err != nil && !errors.Is(err, pool.ErrNotFound) {
			return mending{}, err
		}
	}
	what := fmt.Sprintf("%d disks of gateway %s are off machine %s, and kept", len(r.KeepsOf(gateway)), gateway, r.Seat())
	return mending{Record: r.Proven(r.After(), h.Now(), what)}, nil
}

// takeOff has a volume taken off a machine, and reports whether it is off.
func (h *Handler) takeOff(ctx context.Context, volume, machine string) (off bool, err error) {
	at, err := h.Machines.Attachment(ctx, volume)
	if err != nil || at.Machine == "" {
		return err == nil, err
	}
	if at.Machine != machine {
		return false, fmt.Errorf("volume %s is at machine %s, and not at %s", volume, at.Machine, machine)
	}
	return false, h.Machines.Detach(ctx, volume, machine)
}

// findRoot finds the root disk of a machine that is gone by its marks. Those that earlier repairs took off a machine bear the mark of
// that: of several disks the only one without it is the last machine's, also where no repair is on record any more.
func (h *Handler) findRoot(ctx context.Context, host pool.Host, r pool.Repair) (string, error) {
	volumes, err := h.Machines.FindVolumes(ctx, map[string]string{"headroom:host": string(host.ID), "headroom:order": host.Mark})
	if err != nil {
		return "", err
	}
	volumes = slices.DeleteFunc(volumes, func(v pool.Volume) bool { return v.ID == host.Access.Cache || r.Keeps(v.ID) })
	if len(volumes) > 1 {
		volumes = slices.DeleteFunc(volumes, func(v pool.Volume) bool { return v.Tags[rootOfTag] != "" })
	}
	if len(volumes) != 1 {
		return "", fmt.Errorf("find the root disk of the machine of %s by its marks: there are %d", host.ID, len(volumes))
	}
	return volumes[0].ID, nil
}

// unseat has CloudFormation take the machine away, so that its interface is free. The guard stands before it.
func (h *Handler) unseat(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if err := h.guardMachine(ctx, host, r); err != nil {
		return transit(r, diskWait, err)
	}
	return h.change(ctx, host, r, map[string]string{"HasMachine": "false"}, func(pool.StackStatus) (string, error) {
		return "machine " + r.Machine + " is gone, and its interface is free", nil
	})
}

// seat has CloudFormation make the new machine on the old one's interface.
func (h *Handler) seat(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	next := ""
	p, err := h.change(ctx, host, r, map[string]string{"HasMachine": "true", "ImageId": r.To}, func(stack pool.StackStatus) (string, error) {
		if next = stack.Outputs["MachineId"]; next == "" || next == r.Machine {
			return "", fmt.Errorf("look for the new machine of %s: its stack names %q", host.ID, next)
		}
		return "machine " + next + " is made from " + r.To, nil
	})
	if next != "" && err == nil {
		p.Record.Next = next
	}
	return p, err
}

// reunite gives the new machine the old root and the cache. A disk that another machine has is nothing to take.
func (h *Handler) reunite(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	wait, ready, err := h.powered(ctx, r)
	if err != nil || !ready {
		return wait, err
	}
	r = wait.Record
	for _, disk := range []struct{ volume, device string }{{r.Root, oldRootDevice}, {r.Cache, cacheDevice}} {
		there, err := h.give(ctx, disk.volume, r.Next, disk.device)
		if err != nil {
			return mending{}, err
		}
		ready = ready && there
	}
	if !ready {
		return mending{Record: r, Wait: diskWait}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the new machine has the old root and the cache")}, nil
}

// takeIn has the new appliance import the gateway. An earlier try may have been killed before it was recorded: then the
// appliance reboots, gives no page any more, and serves in the end.
func (h *Handler) takeIn(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	err := h.Appliances.Import(ctx, host.Access.Appliance, host.Access.GatewayID())
	if err == nil {
		return mending{Record: r.Proven(r.After(), h.Now(), "the appliance imported gateway "+host.Access.GatewayID()), Wait: bootWait}, nil
	}
	if !errors.Is(err, pool.ErrBooting) && !errors.Is(err, pool.ErrRefused) {
		return mending{}, err
	}
	if h.Gateways.Running(ctx, host.Access.Gateway) == nil && h.Prober.Null(ctx, host.Access.Appliance) == nil {
		return mending{Record: r.Proven(r.After(), h.Now(), "the gateway serves on the new machine")}, nil
	}
	return mending{Record: r, Wait: bootWait, Because: err}, nil
}

// takeOver waits until the gateway runs on the new machine, which is the only one that there is.
func (h *Handler) takeOver(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	err := h.Gateways.Running(ctx, host.Access.Gateway)
	if err == nil {
		err = h.Prober.Null(ctx, host.Access.Appliance)
	}
	r = r.Clone()
	if err != nil {
		r.Well = 0
		return mending{Record: r, Wait: bootWait, Because: err}, nil
	}
	if r.Well++; r.Well < pool.WellLooks {
		return mending{Record: r, Wait: bootWait}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the gateway runs on machine "+r.Next)}, nil
}

// part stops the new machine and takes the old root off it, which is kept.
func (h *Handler) part(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	m, err := h.machineOf(ctx, r)
	switch {
	case err != nil:
		return mending{}, err
	case gone(m):
		return h.lost(r, "the new machine is gone")
	case m.State == pool.MachineRunning:
		at, err := h.Machines.Attachment(ctx, r.Root)
		if err != nil {
			return transit(r, diskWait, err)
		}
		if at.Machine == "" {
			break // it was parted and started by an earlier try
		}
		if err := h.Machines.Stop(ctx, r.Next); err != nil {
			return transit(r, powerWait, err)
		}
		return mending{Record: r, Wait: powerWait}, nil
	case m.State != pool.MachineStopped:
		return mending{Record: r, Wait: powerWait}, nil
	}
	off, err := h.takeOff(ctx, r.Root, r.Next)
	if err != nil {
		return transit(r, diskWait, err)
	}
	if !off {
		return mending{Record: r, Wait: diskWait}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "the old root disk "+r.Root+" is off the new machine, and kept")}, nil
}
