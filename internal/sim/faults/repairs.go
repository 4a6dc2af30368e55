package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

// ailment is why a host answers nobody, until it is over, or until what helps is done.
type ailment struct {
	until time.Time
	helps string // "reboot", "restart"; else only time does
}

const (
	reboots  = "reboot"
	restarts = "restart"
	// bootTime is how long an appliance takes to be back.
	bootTime = 2 * time.Minute
)

// ail has a host answer nobody for a while.
func (c *cloud) ail(name string) {
	ailing := c.w.chances[Ailing]
	c.down[name] = ailment{
		until: c.w.now.Add(ailing.between(time.Second, 3*time.Hour)), helps: []string{"time", reboots, restarts}[ailing.draw.IntN(3)],
	}
	c.w.trace("%s answers nobody until %s, or a %s", name, c.down[name].until.Sub(c.w.begun), c.down[name].helps)
}

func (c *cloud) isDown(name string) bool {
	return c.w.now.Before(c.down[name].until) || c.off[name] || c.darkHost(name) || c.stacks.live[name] != nil && c.isWreck(c.stacks.live[name])
}

// helped ends what ails a host, if what was done to its machine helps.
func (c *cloud) helped(machine, by string) {
	for _, h := range c.stacks.sorted() {
		if h.outputs["MachineId"] != machine {
			continue
		}
		ill := c.down[h.name]
		c.off[h.name] = by == "stop"
		if by == "stop" {
			return
		}
		if back := c.w.now.Add(bootTime); ill.until.Before(back) || ill.helps == by || ill.helps == reboots {
			c.down[h.name] = ailment{until: back}
		}
	}
}

// Look looks at a machine.
func (m machines) Look(ctx context.Context, id string) (pool.MachineLook, error) {
	return answered(m.w, "Look", func() (pool.MachineLook, error) { return m.next.Look(ctx, id) })
}

// act does something to a machine.
func (m machines) act(operation, id, by string, do func() error) error {
	return m.w.changed(operation, func() error {
		err := do()
		if err == nil {
			m.w.cloud.helped(id, by)
		}
		return err
	})
}

// Reboot reboots a machine.
func (m machines) Reboot(ctx context.Context, id string) error {
	return m.act("Reboot", id, reboots, func() error { return m.next.Reboot(ctx, id) })
}

// Stop stops one.
func (m machines) Stop(ctx context.Context, id string) error {
	return m.act("Stop", id, "stop", func() error { return m.next.Stop(ctx, id) })
}

// Start starts one.
func (m machines) Start(ctx context.Context, id string) error {
	return m.act("Start", id, restarts, func() error {
		for _, h := range m.w.cloud.stacks.live {
			if h.outputs["MachineId"] == id && m.w.cloud.isDark(h.zone) {
				return fmt.Errorf("start machine %s: %w", id, pool.ErrNoCapacity)
			}
		}
		return m.next.Start(ctx, id)
	})
}

// Keep has disks outlive a machine.
func (m machines) Keep(ctx context.Context, id string, devices []string) error {
	return m.w.call("Keep", func() error { return m.next.Keep(ctx, id, devices) })
}

// Size is how large a disk is.
func (m machines) Size(ctx context.Context, volume string) (int, error) {
	return answered(m.w, "Size", func() (int, error) { return m.next.Size(ctx, volume) })
}

// Unuploaded is what was measured of a gateway, which is nothing here.
func (m machines) Unuploaded(context.Context, string, string) (pool.Unuploaded, error) {
	return answered(m.w, "Unuploaded", func() (pool.Unuploaded, error) { return pool.Unuploaded{}, nil })
}

// Detach takes a disk off a machine, for which somebody must have given his word.
func (m machines) Detach(ctx context.Context, volume, machine string) error {
	return m.w.changed("Detach", func() error {
		for _, h := range m.w.cloud.stacks.live {
			if h.outputs["MachineId"] == machine && len(m.w.town.words[h.id]) == 0 {
				m.w.found("no machine is taken apart without a person's word", "disk %s is taken off %s", volume, machine)
			}
		}
		return m.next.Detach(ctx, volume, machine)
	})
}

// TagVolume tags a disk.
func (m machines) TagVolume(ctx context.Context, volume string, tags map[string]string) error {
	return m.w.call("TagVolume", func() error { return m.next.TagVolume(ctx, volume, tags) })
}

// FindVolumes finds disks.
func (m machines) FindVolumes(ctx context.Context, tags map[string]string) ([]pool.Volume, error) {
	return answered(m.w, "FindVolumes", func() ([]pool.Volume, error) { return m.next.FindVolumes(ctx, tags) })
}

// Preview says what a change of a stack would do.
func (f *formation) Preview(ctx context.Context, change pool.StackChange, name string) ([]pool.ResourceChange, error) {
	return answered(f.c.w, "Preview", func() ([]pool.ResourceChange, error) { return f.client.Preview(ctx, change, name) })
}

// Execute carries such a change out, which nobody asks for here.
func (f *formation) Execute(_ context.Context, stack, set, _ string) error {
	return f.c.w.call("Execute", func() error { return fmt.Errorf("stack %s: change set %s is not made", stack, set) })
}

// Discard forgets one.
func (f *formation) Discard(ctx context.Context, stack, set string) error {
	return f.c.w.call("Discard", func() error { return f.client.Discard(ctx, stack, set) })
}

// repairsEnd holds that every repair has ended, or is with people, and that no host is held for one that has.
func (w *world) repairsEnd(a accounts, bad complain) {
	for id, r := range a.Repairs {
		if !r.State.Ended() && !(r.State == pool.RepairAsking && w.town.told[string(id)]) {
			bad("every repair ends", "%s of %s is %s at step %q, due at %s: %s", r.ID(), id, r.State, r.Step, r.Due.Sub(w.begun), r.Error)
		}
	}
	for id, h := range a.Hosts {
		if h.Repair > 0 && (a.Repairs[id].Number != h.Repair || a.Repairs[id].State.Ended()) {
			bad("no host is held for a repair that has ended", "%s is, for %d", id, h.Repair)
		}
	}
	for key, ward := range a.Wards {
		for _, p := range ward.Patients {
			if a.Repairs[p.Host].State.Ended() {
				bad("nobody stays on a ward", "%s is on that of %s", p.Host, key)
			}
		}
	}
}

// answersAt is the host whose appliance or name this is.
func (f *formation) answersAt(at string) *host {
	if h := f.live[strings.TrimSuffix(at, ".internal")]; h != nil {
		return h
	}
	for _, h := range f.live {
		if h.made && h.outputs["ApplianceAddress"] == at {
			return h
		}
	}
	return nil
}

// FindMarked looks for a gateway that bears tags.
func (g gateways) FindMarked(ctx context.Context, name string, tags map[string]string) (string, error) {
	return answered(g.w, "FindMarked", func() (string, error) { return g.next.FindMarked(ctx, name, tags) })
}
