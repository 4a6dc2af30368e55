package hostrepair

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// What EC2 does when it is asked.

func (c *center) look(id string) (pool.MachineLook, error) {
	look, there := c.told().machines[id]
	if !there {
		return look, fmt.Errorf("look at %s: %w", id, pool.ErrNotFound)
	}
	return look, nil
}

func (c *center) machine(id string) (*instance, error) {
	c.acts()
	m := c.machines[id]
	if m == nil || m.state == pool.MachineTerminated && c.now().Sub(m.ended) > time.Hour {
		return nil, fmt.Errorf("machine %s: %w", id, pool.ErrNotFound)
	}
	return m, nil
}

func (c *center) reboot(id string) error {
	m, err := c.machine(id)
	if err != nil {
		return err
	}
	if m.state != pool.MachineRunning {
		return fmt.Errorf("reboot %s, which is %s: %w", id, m.state, pool.ErrInTransit)
	}
	if m.hangs == "reboot" {
		m.hangs, m.impaired = "", false
	}
	m.up = c.now().Add(bootTime)
	return nil
}

func (c *center) stop(id string) error {
	m, err := c.machine(id)
	if err != nil {
		return err
	}
	switch m.state {
	case pool.MachineStopped, pool.MachineStopping:
		return nil
	case pool.MachineRunning:
		took := stopTime
		if c.ending > 0 {
			took = c.ending
		}
		m.state, m.next, m.due = pool.MachineStopping, pool.MachineStopped, c.now().Add(took)
		return nil
	}
	return fmt.Errorf("stop %s, which is %s: %w", id, m.state, pool.ErrInTransit)
}

func (c *center) start(id string) error {
	m, err := c.machine(id)
	if err != nil {
		return err
	}
	switch {
	case m.state == pool.MachineRunning, m.state == pool.MachinePending:
		return nil
	case m.state != pool.MachineStopped:
		return fmt.Errorf("start %s, which is %s: %w", id, m.state, pool.ErrInTransit)
	case m.disks[rootDevice] == nil:
		return fmt.Errorf("start %s: it has no root", id)
	}
	if m.hangs == "restart" || m.hangs == "reboot" {
		m.hangs, m.impaired = "", false
	}
	m.state, m.next, m.due, m.up = pool.MachinePending, pool.MachineRunning, c.now().Add(startTime), c.now().Add(startTime+bootTime)
	return nil
}

// terminate ends a machine; by whom says if that was for the stack.
func (c *center) terminate(m *instance, ours bool) {
	c.acts()
	if m.state == pool.MachineTerminated || m.state == pool.MachineShuttingDown {
		return
	}
	if ours {
		for device, d := range m.disks {
			if v := c.volumes[d.volume]; device != rootDevice || v == nil || v.serves != "" { // a root that no gateway ever had is nothing
				c.fault("machine %s is ended with volume %s at %s", m.id, d.volume, device)
			}
		}
	}
	m.state, m.next, m.due = pool.MachineShuttingDown, pool.MachineTerminated, c.now().Add(endTime)
}

func (c *center) keep(id string, devices []string) error {
	m, err := c.machine(id)
	if err != nil {
		return err
	}
	if m.state == pool.MachineTerminated || m.state == pool.MachineShuttingDown {
		return fmt.Errorf("keep the disks of %s: %w", id, pool.ErrInTransit)
	}
	for _, device := range devices {
		if m.disks[device] == nil {
			return fmt.Errorf("there is nothing at %s of %s", device, id)
		}
	}
	for _, device := range devices {
		m.disks[device].dies = false
	}
	return nil
}

func (c *center) attachment(id string) (pool.Attachment, error) {
	at, there := c.told().places[id]
	if !there {
		return at, fmt.Errorf("look at volume %s: %w", id, pool.ErrNotFound)
	}
	return at, nil
}

// holder is the machine that has a volume, and where.
func (c *center) holder(id string) (*instance, *disk) {
	for _, m := range inOrder(c.machines) {
		for _, d := range m.disks {
			if d.volume == id {
				return m, d
			}
		}
	}
	return nil, nil
}

func (c *center) attach(id, machine, device string) error {
	m, err := c.machine(machine)
	if err != nil {
		return err
	}
	held, _ := c.holder(id)
	switch {
	case c.volumes[id] == nil:
		return fmt.Errorf("attach %s: %w", id, pool.ErrNotFound)
	case held != nil:
		return fmt.Errorf("attach %s, which is at %s: %w", id, held.id, pool.ErrInTransit)
	case m.state != pool.MachineRunning && m.state != pool.MachineStopped:
		return fmt.Errorf("attach %s to %s, which is %s: %w", id, machine, m.state, pool.ErrInTransit)
	case m.disks[device] != nil:
		return fmt.Errorf("attach %s: %s is in use", id, device)
	}
	m.disks[device] = &disk{volume: id, due: c.now().Add(moveTime)}
	return nil
}

func (c *center) detach(id, machine string) error {
	c.acts()
	if c.volumes[id] == nil {
		return fmt.Errorf("detach %s: %w", id, pool.ErrNotFound)
	}
	m, d := c.holder(id)
	switch {
	case m == nil || m.id != machine:
		return nil
	case m.state == pool.MachineRunning && m.disks[rootDevice] != d:
		c.fault("volume %s is taken off machine %s, which runs", id, machine) // EC2 does that
	case m.state != pool.MachineStopped && m.state != pool.MachineTerminated:
		return fmt.Errorf("detach %s from %s, which is %s: %w", id, machine, m.state, pool.ErrInTransit)
	case d.going:
		return fmt.Errorf("detach %s: it is busy: %w", id, pool.ErrInTransit)
	}
	d.going, d.due = true, c.now().Add(moveTime)
	return nil
}

func (c *center) tagVolume(id string, tags map[string]string) error {
	if c.acts(); c.volumes[id] == nil {
		return fmt.Errorf("tag %s: %w", id, pool.ErrNotFound)
	}
	maps.Copy(c.volumes[id].tags, tags)
	return nil
}

func (c *center) findVolumes(tags map[string]string) []pool.Volume {
	c.tick()
	var found []pool.Volume
	for _, id := range slices.Sorted(maps.Keys(c.volumes)) {
		v := c.volumes[id]
		has := true
		for key, value := range tags {
			has = has && v.tags[key] == value
		}
		if c.unlisted[id] > 0 {
			c.unlisted[id]--
			continue
		}
		if has {
			state := "available"
			if m, _ := c.holder(id); m != nil {
				state = "in-use"
			}
			size := 80
			if v.cache {
				size = 500
			}
			found = append(found, pool.Volume{ID: id, State: state, GiB: size, Tags: maps.Clone(v.tags)})
		}
	}
	return found
}

func (c *center) deleteVolume(id string) error {
	c.acts()
	if c.volumes[id] == nil {
		return fmt.Errorf("delete %s: %w", id, pool.ErrNotFound)
	}
	if m, _ := c.holder(id); m != nil {
		return fmt.Errorf("delete %s, which is at %s", id, m.id)
	}
	c.deleted = append(c.deleted, id)
	c.lose(id)
	return nil
}

// What the appliance at an address does, and what Storage Gateway says. An interface's name is its address, too.

// take has the appliance go on as a gateway: by its old root, its cache, and nothing more than its own root.
func (c *center) take(address, gatewayID string) error {
	c.acts()
	m := c.at(address)
	if m == nil || m.state != pool.MachineRunning || m.up.After(c.now()) || m.hangs != "" {
		return fmt.Errorf("import at %s: %w", address, pool.ErrBooting)
	}
	own := c.volumes[m.disks[rootDevice].volume]
	if own.serves != "" {
		return fmt.Errorf("import at %s: there is no such page: %w", address, pool.ErrBooting)
	}
	var roots, caches int
	for device, d := range m.disks {
		v := c.volumes[d.volume]
		switch {
		case device == rootDevice:
		case d.due.After(c.now()) || d.going || v.serves != gatewayID:
			roots = 9
		case v.cache:
			caches++
		default:
			roots++
		}
	}
	if c.deaf || roots != 1 || caches != 1 {
		return fmt.Errorf("import at %s: cache disk count mismatch: %w", address, pool.ErrRefused)
	}
	own.serves, m.up = gatewayID, c.now().Add(bootTime)
	if c.weak {
		m.hangs = "nothing"
	}
	return nil
}

func (c *center) null(address string) error {
	c.tick()
	if m := c.at(address); m == nil || c.serves(m) == nil {
		return errors.New("nobody answers at " + address)
	}
	return nil
}

// running is by when the gateway was last heard of: for up to an hour it is thought to run.
func (c *center) running(arn string) error {
	c.tick()
	if g := c.gateways[pool.Access{Gateway: arn}.GatewayID()]; g == nil {
		return fmt.Errorf("gateway %q: %w", arn, pool.ErrUnreachable)
	} else if c.now().Sub(g.seen) >= time.Hour {
		return fmt.Errorf("gateway %s: %w", g.id, pool.ErrUnreachable)
	}
	return nil
}

func (c *center) statuses(arn string, ids []string) (map[string]string, error) {
	if err := c.running(arn); err != nil {
		return nil, err
	}
	g, all := c.gateways[pool.Access{Gateway: arn}.GatewayID()], map[string]string{}
	for _, id := range ids {
		switch {
		case !slices.Contains(g.shares, id):
		case g.unavailable[id]:
			all[id] = pool.ShareUnavailable
		case c.shares[id].ready.After(c.now()):
			all[id] = "CREATING"
		default:
			all[id] = "AVAILABLE"
		}
	}
	return all, nil
}

// volumesOf lists the volumes that bear a host's mark, and how: for failures.
func (c *center) String() string {
	var b strings.Builder
	for _, m := range inOrder(c.machines) {
		fmt.Fprintf(&b, "%s %s of %s hangs %q:", m.id, m.state, m.image, m.hangs)
		for device, d := range m.disks {
			fmt.Fprintf(&b, " %s=%s", device, d.volume)
		}
		b.WriteString("; ")
	}
	for _, id := range slices.Sorted(maps.Keys(c.volumes)) {
		v := c.volumes[id]
		fmt.Fprintf(&b, "%s serves %q cache %v dirty %v; ", id, v.serves, v.cache, v.dirty)
	}
	for _, s := range inOrder(c.stacks) {
		fmt.Fprintf(&b, "%s %s %v", s.id, s.status, s.parameters)
	}
	return b.String()
}
