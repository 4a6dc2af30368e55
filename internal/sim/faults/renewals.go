package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/events"
	"headroom/internal/adapter/machines/machinestest"
	"headroom/internal/pool"
)

// seat is where a gateway runs, or ran last: a machine is one gateway's, and a gateway is what it is by its disks.
type seat struct {
	host, machine string
	root, cache   string // volumes
}

// reach is a role, by which a gateway reaches a bucket.
type reach struct {
	bucket string
	denied bool // everything
}

// wreck has a gateway's machine be lost: terminated by nobody of Headroom's, with or without its cache disk, or such that nothing
// helps but another one.
func (c *cloud) wreck(h *host) {
	if h.kind == pool.Share && c.seated(h) && c.w.chances[Wrecked].comes() {
		c.lose(h, c.w.chances[Wrecked])
	}
}

// lose loses the machine of a gateway.
func (c *cloud) lose(h *host, wrecked *chance) {
	w, machine := c.w, h.outputs["MachineId"]
	how := wrecked.draw.IntN(4)
	w.trace("%s is a wreck: %s", h.name, []string{"its machine is terminated", "its machine is terminated", "its cache disk is lost, too", "nothing helps it"}[how])
	c.wrecks[h.name] = machine
	if how < 3 {
		c.ec2.Terminate(machine)
		c.settle(machine)
	}
	if how == 2 {
		c.ec2.Lose(c.cacheOf(h))
	}
	for arn, s := range c.seats {
		if s.machine == machine {
			c.gateways.Away(arn, true)
		}
	}
	w.after(wrecked.between(time.Minute, 5*time.Minute), func() {
		if c.wrecks[h.name] != "" && !h.gone {
			c.ring(h, true)
		}
	})
}

// settle looks at a machine until EC2 has done what it was asked for, as CloudFormation does.
func (c *cloud) settle(machine string) {
	for range 2*c.ec2.Late + 4 {
		_, _ = c.ec2.DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{InstanceIds: []string{machine}})
	}
}

// isWreck reports whether a host has no machine that its gateway can run on.
func (c *cloud) isWreck(h *host) bool {
	return h.kind == pool.Share && h.made && (c.wrecks[h.name] != "" && c.wrecks[h.name] == h.outputs["MachineId"] || !c.seated(h))
}

// seated reports whether a gateway runs on the machine that a host has.
func (c *cloud) seated(h *host) bool {
	for _, s := range c.seats {
		if machine := h.outputs["MachineId"]; machine != "" && s.machine == machine {
			return true
		}
	}
	return false
}

// isBare reports whether a machine has nothing of a gateway: no disk, or the root alone of one that never was a gateway. Such a one
// is left by an update that nobody saw the end of, and ends when another machine is made.
func (c *cloud) isBare(machine string, look pool.MachineLook) bool {
	if len(look.Disks) != 1 || !look.Disks[0].Root {
		return len(look.Disks) == 0
	}
	for _, s := range c.seats {
		if s.machine == machine {
			return false
		}
	}
	return true
}

// reseat has a gateway run on a host's machine, which is one like any other from then on.
func (c *cloud) reseat(arn string, h *host) {
	machine := h.outputs["MachineId"]
	c.seats[arn] = seat{host: h.name, machine: machine, root: c.rootOf(machine), cache: c.cacheOf(h)}
	c.gateways.Away(arn, false)
	delete(c.wrecks, h.name)
	c.w.after(5*time.Minute, func() {
		if c.alarms[h.name+"-status"].On && !h.gone && c.wrecks[h.name] == "" {
			c.ring(h, false)
		}
	})
}

func (c *cloud) rootOf(machine string) string {
	look, err := c.machines.next.Look(context.Background(), machine)
	for _, d := range must(c.w, look, err).Disks {
		if d.Root {
			return d.Volume
		}
	}
	return ""
}

// cacheOf is the cache disk that a host's stack has.
func (c *cloud) cacheOf(h *host) string {
	return h.outputs[pool.SideOutput("CacheVolumeId", sideOf(h))]
}

func sideOf(h *host) string {
	if h.side == "" {
		return pool.SideA
	}
	return h.side
}

// give gives a host's stack the cache disk and the roles of its side, as nobody ever had them.
func (c *cloud) give(h *host) {
	side := sideOf(h)
	h.outputs[pool.SideOutput("CacheVolumeId", side)] = c.ec2.AddVolume(h.zone)
	for i := 1; i <= sharesMost; i++ {
		c.given++
		arn := fmt.Sprintf("arn:aws:iam::123456789012:role/%s-%02d-%d", h.name, i, c.given)
		h.outputs[pool.SideOutput(fmt.Sprintf("Role%02d", i), side)] = arn
		c.roles[arn] = &reach{bucket: h.outputs[fmt.Sprintf("Bucket%02d", i)]}
	}
}

// rolesOf are the roles that a host's stack has.
func (c *cloud) rolesOf(h *host) []string {
	var arns []string
	for i := 1; i <= sharesMost; i++ {
		arns = append(arns, h.outputs[pool.SideOutput(fmt.Sprintf("Role%02d", i), sideOf(h))])
	}
	return arns
}

// rebuild has a gateway's stack be as its parameters say. What can't be made is the reason why it is rolled back.
func (c *cloud) rebuild(h *host, p map[string]string) (failure string) {
	machine := h.outputs["MachineId"]
	if h.kind != pool.Share {
		return ""
	}
	if p["Fence"] == "on" {
		if !c.w.town.words[h.id][pool.WayGateway] {
			c.w.found("no gateway is given up without a person's word", "the roles of %s are fenced off", h.name)
		}
		for _, arn := range c.rolesOf(h) {
			c.roles[arn].denied = true
		}
	}
	if p["HasMachine"] == "false" && machine != "" {
		c.settle(machine)
		if look, err := c.machines.next.Look(context.Background(), machine); err == nil && !c.isBare(machine, look) {
			c.w.found("no machine ends with disks on it", "%s of %s does, with %v", machine, h.name, look.Disks)
		}
		c.ec2.Terminate(machine)
		c.settle(machine)
		delete(h.outputs, "MachineId")
	}
	if p["HasMachine"] == "true" && machine == "" {
		if c.isDark(h.zone) {
			return "We currently do not have sufficient capacity in the Availability Zone you requested"
		}
		if failure = c.launch(h, p["ImageId"]); failure != "" {
			return failure
		}
	}
	if side := p["Side"]; side != sideOf(h) {
		for _, arn := range c.rolesOf(h) {
			if c.w.delays.IntN(4) > 0 {
				delete(c.roles, arn)
			} // else its deletion fails, and nobody hears of that
		}
		for name := range h.outputs {
			if name == pool.SideOutput("CacheVolumeId", sideOf(h)) || strings.HasPrefix(name, "Role") {
				delete(h.outputs, name)
			}
		}
		h.side = side
		c.give(h)
	}
	c.oneWriter()
	return ""
}

// launch makes a machine on a host's interface, whose appliance is nobody's yet.
func (c *cloud) launch(h *host, image string) (failure string) {
	machine, err := c.ec2.Launch(machinestest.Spec{
		Zone: h.zone, Type: "m6i.xlarge", Image: image, Interface: "eni-" + h.name + "-" + h.mark, Tags: map[string]string{"headroom:host": string(h.id), "headroom:order": h.mark},
	})
	if err != nil {
		return err.Error()
	}
	c.ec2.Run(machine)
	h.outputs["MachineId"] = machine
	at := h.outputs["ApplianceAddress"]
	delete(c.appliances.boots, at)
	delete(c.appliances.keys, at)
	delete(c.down, h.name)
	c.off[h.name] = false
	return ""
}

// oneWriter holds that no two gateways may write one bucket.
func (c *cloud) oneWriter() {
	writers := map[string]string{}
	for _, s := range c.gateways.Shares() {
		if r := c.roles[s.Role]; r == nil || r.denied {
			continue
		}
		if other := writers[s.Bucket]; other != "" && other != s.Gateway {
			c.w.found("no two gateways may write one bucket", "%s and %s may, %s", other, s.Gateway, s.Bucket)
		}
		writers[s.Bucket] = s.Gateway
	}
}

// Import has an appliance go on as another gateway: one that is nobody's yet, and has the disks of that and nothing else.
func (a *appliances) Import(ctx context.Context, at, gateway string) error {
	return a.c.w.changed("Import", func() error {
		h := a.c.stacks.answersAt(at)
		if h == nil || h.outputs["MachineId"] == "" || a.c.seated(h) || a.c.off[h.name] || a.c.darkHost(h.name) {
			return fmt.Errorf("import at %s: %w", at, pool.ErrBooting)
		}
		arn := ""
		for other := range a.c.seats {
			if strings.HasSuffix(other, "/"+gateway) {
				arn = other
			}
		}
		was := a.c.seats[arn]
		look, err := a.c.machines.next.Look(ctx, h.outputs["MachineId"])
		var others []string
		for _, d := range look.Disks {
			if !d.Root {
				others = append(others, d.Volume)
			}
		}
		slices.Sort(others)
		if needs := []string{was.root, was.cache}; err != nil || !slices.Equal(others, slices.Sorted(slices.Values(needs))) {
			return fmt.Errorf("import at %s: cache disk count mismatch: %w", at, pool.ErrRefused)
		}
		a.c.reseat(arn, h)
		a.c.down[h.name] = ailment{until: a.c.w.now.Add(bootTime)}
		return nil
	})
}

// word has operators answer a repair that asks: with the word for what it asks, at times for another way, or by dropping it.
func (t *town) word(r pool.Repair) {
	word := t.w.chances[Word]
	if !word.comes() {
		return
	}
	way := r.Way
	switch word.draw.IntN(8) {
	case 0:
		t.repair(r.Host, events.RepairDrop)
		return
	case 1, 2:
		way = pool.WayGateway
	case 3:
		way = pool.WayRestart
	}
	t.proceed(r.Host, way)
}

// proceed gives the word for a way.
func (t *town) proceed(id pool.HostID, way pool.Way) {
	t.w.trace("ops gives the word for way %s of %s", way, id)
	if t.words[id] == nil {
		t.words[id] = map[pool.Way]bool{}
	}
	t.words[id][way] = true
	t.asks(func() {
		t.w.send(t.w.repairRequests, events.RepairRequest{
			Version: events.Version, Type: events.TypeRepairRequest, HostID: string(id), Action: events.RepairProceed, Way: string(way), RequestedBy: "ops", Reason: "go on",
		})
	})
}

// renewed holds what a host has become whose gateway another took the place of: its shares serve whom they served.
func (w *world) renewed(a accounts, r pool.Repair) {
	h := a.Hosts[r.Host]
	for _, share := range w.cloud.gateways.Shares() {
		at, known := a.shares[share.ID]
		t := a.Tenants[a.owners[at]]
		if !known || at.host != r.Host || t.Share.Host != at.host || t.Share.Index != at.index || t.State != pool.TenantReady || t.Step != "" || t.Stuck != "" || w.underWay(`"`+string(t.ID)+`"`) || undoing(a.Books, t.ID) {
			continue // or is let in, or is to be
		}
		if share.Gateway != h.Access.Gateway {
			w.found("a share is its host's gateway's", "%v is of %s, and not of %s", at, share.Gateway, h.Access.Gateway)
		}
		if got := slices.Sorted(slices.Values(share.Clients)); !slices.Equal(got, t.Clients()) {
			w.found("a share that moved serves whom it served", "%v of %s serves %v, and is to serve %v", at, t.ID, got, t.Clients())
		}
	}
}
