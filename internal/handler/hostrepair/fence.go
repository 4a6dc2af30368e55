package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"headroom/internal/pool"
)

// A new gateway over the same buckets must never write beside the old one. So the old one is fenced off first: its machine is
// stopped, and CloudFormation has the shares' roles do nothing any more and takes the machine away. Only what that came to is
// read back, the stack gets a machine, a cache disk and roles of its other side, which the new gateway is made of. The roles
// of the side that is left are deleted then. One whose deletion fails denies everything still.

// The parameters of a share host's stack by which that is done.
const (
	fenceParameter = "Fence"
	sideParameter  = "Side"
	fenced         = "on"
	open           = "off"
)

// replaces reports whether a way gives the machine up for a new one.
func replaces(w pool.Way) bool { return w == pool.WayMachine || w == pool.WayGateway }

// guardMachine observes all that the guard judges before a machine is taken away, and returns what is against it.
func (h *Handler) guardMachine(ctx context.Context, host pool.Host, r pool.Repair) error {
	t := pool.MachineTarget{Host: host, Repair: r}
	stack, err := h.Stacks.Describe(ctx, host.Stack.ID)
	if err != nil {
		return err
	}
	if t.Machine, err = h.machineOf(ctx, r); err != nil {
		return err
	}
	if t.Stacked = stack.Outputs["MachineId"]; t.Stacked != "" && t.Stacked != r.Seat() {
		if t.Other, err = h.lookAt(ctx, t.Stacked); err != nil {
			return err
		}
	}
	if t.Root, err = h.place(ctx, r, r.Root); err != nil {
		return err
	}
	if t.Cache, err = h.place(ctx, r, r.Cache); err != nil {
		return err
	}
	if t.Stops, err = h.Ledger.Stops(ctx); err != nil {
		return err
	}
	if against := pool.GuardMachine(t); len(against) > 0 {
		return fmt.Errorf("take machine %s away: %s", r.Seat(), strings.Join(against, "; "))
	}
	return nil
}

// place says where a disk is. Where the old gateway is given up, one that is gone is nowhere.
func (h *Handler) place(ctx context.Context, r pool.Repair, volume string) (pool.Attachment, error) {
	losing := r.Way == pool.WayGateway
	if volume == "" && losing {
		return pool.Attachment{}, nil
	}
	at, err := h.Machines.Attachment(ctx, volume)
	if losing && errors.Is(err, pool.ErrNotFound) {
		return pool.Attachment{}, nil
	}
	return at, err
}

// fence has CloudFormation take the machine away and every right of the shares' roles. The guard stands before it.
func (h *Handler) fence(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if err := h.guardMachine(ctx, host, r); err != nil {
		return transit(r, diskWait, err)
	}
	side, done := "", false
	p, err := h.change(ctx, host, r, map[string]string{"HasMachine": "false", fenceParameter: fenced}, func(stack pool.StackStatus) (string, error) {
		if machine := stack.Outputs["MachineId"]; machine != "" {
			return "", fmt.Errorf("look whether %s has a machine: its stack names %s", host.ID, machine)
		}
		side, done = stack.Parameters[sideParameter], true
		return "gateway " + host.Access.GatewayID() + " has no machine any more, and its shares' roles may do nothing", nil
	})
	if done && err == nil {
		p.Record = h.lastLook(ctx, host, p.Record).Fenced(host, side)
	}
	return p, err
}

// refit has CloudFormation make a machine, and a cache disk and roles that no gateway ever had. What the old one had of the
// stack leaves it: the cache disk stays, the roles go.
func (h *Handler) refit(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	stack, err := h.Stacks.Describe(ctx, host.Stack.ID)
	if err != nil {
		return mending{}, err
	}
	if stack.Parameters[sideParameter] != r.Renewal.Side && stack.Parameters[fenceParameter] != fenced {
		return mending{}, fmt.Errorf("give new roles to %s: those of its old gateway are not fenced off", host.ID)
	}
	fresh, done := r.Clone(), false
	p, err := h.change(ctx, host, r, map[string]string{
		"HasMachine": "true", "ImageId": r.To, fenceParameter: open, sideParameter: r.Renewal.Side,
	}, func(stack pool.StackStatus) (what string, err error) {
		done = true
		fresh, what, err = refitted(host, fresh, stack)
		return what, err
	})
	if done && err == nil {
		p.Record.Next, p.Record.Renewal = fresh.Next, fresh.Renewal
	}
	return p, err
}

// refitted is a repair whose stack has what a new gateway is made of, each of which must be new.
func refitted(host pool.Host, r pool.Repair, stack pool.StackStatus) (pool.Repair, string, error) {
	side := r.Renewal.Side
	r.Next, r.Renewal.Cache = stack.Outputs["MachineId"], stack.Outputs[pool.SideOutput("CacheVolumeId", side)]
	if r.Next == "" || r.Next == host.Access.Machine {
		return r, "", fmt.Errorf("look for the new machine of %s: its stack names %q", host.ID, r.Next)
	}
	if c := r.Renewal.Cache; c == "" || c == host.Access.Cache || r.Keeps(c) {
		return r, "", fmt.Errorf("look for the new cache disk of %s: its stack names %q", host.ID, c)
	}
	for i := range r.Renewal.Shares {
		fresh := &r.Renewal.Shares[i]
		slot := host.Slot(fresh.Index)
		bucket, role := stack.Outputs[fmt.Sprintf("Bucket%02d", fresh.Index)], stack.Outputs[pool.SideOutput(fmt.Sprintf("Role%02d", fresh.Index), side)]
		if slot == nil || bucket != slot.Bucket || role == "" || role == slot.Role {
			return r, "", fmt.Errorf("look for the new role of slot %d of %s: its stack names %q, for bucket %q", fresh.Index, host.ID, role, bucket)
		}
		fresh.Role = role
	}
	return r, fmt.Sprintf("machine %s is made from %s, with cache disk %s and %d new roles", r.Next, r.To, r.Renewal.Cache, len(r.Renewal.Shares)), nil
}
