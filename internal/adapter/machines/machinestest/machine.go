package machinestest

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// RootDevice is where an instance's root is.
const RootDevice = "/dev/xvda"

// Spec is what an instance is launched as.
type Spec struct {
	Zone, Type, Image string
	Interface         string            // that it is launched on; empty: one of its own
	Tags              map[string]string // of its root
	Dies              bool              // its root goes with it, which is EC2's default
}

type machine struct {
	Spec
	state     types.InstanceStateName
	held      bool // it stays pending until Run
	looks     int  // until its state is the next
	releasing int  // looks since its end that its interface is still taken for
	health
	before *types.Instance // shown once
}

// Launch makes an instance with a root, which is pending. Its interface must be free: that of an instance which has
// ended is so some looks later.
func (c *Cloud) Launch(spec Spec) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.machines {
		if spec.Interface != "" && m.Interface == spec.Interface && (m.state != types.InstanceStateNameTerminated || m.releasing > 0) {
			return "", fault("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", spec.Interface)
		}
	}
	return c.launch(spec), nil
}

// AddMachine makes an instance, which runs or is pending until Run.
func (c *Cloud) AddMachine(zone string, running bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.launch(Spec{Zone: zone, Type: "m6i.xlarge", Image: "ami-1"})
	if c.machines[id].held = !running; running {
		c.machines[id].run(0)
	}
	return id
}

func (c *Cloud) launch(spec Spec) string {
	if c.machines == nil {
		c.machines = map[string]*machine{}
	}
	if c.volumes == nil {
		c.volumes = map[string]*volume{}
	}
	id, root := c.id("i"), c.id("vol")
	if spec.Interface == "" {
		spec.Interface = c.id("eni")
	}
	c.machines[id] = &machine{Spec: spec, state: types.InstanceStateNamePending, looks: c.Late}
	c.volumes[root] = &volume{zone: spec.Zone, state: types.VolumeStateAvailable, tags: maps.Clone(spec.Tags), made: c.now(), born: true, at: &types.VolumeAttachment{
		VolumeId: &root, InstanceId: &id, Device: aws.String(RootDevice), State: types.VolumeAttachmentStateAttached, DeleteOnTermination: &spec.Dies,
	}}
	return id
}

// Run lets an instance run that is pending.
func (c *Cloud) Run(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[id].run(c.Late)
}

func (m *machine) run(late int) {
	m.held, m.state = false, types.InstanceStateNameRunning
	m.health.begin(late)
}

// Terminate has an instance end: some looks later it has ended, and its volumes are available or gone.
func (c *Cloud) Terminate(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(id, types.InstanceStateNameShuttingDown)
}

// Forget is an hour later: EC2 tells nothing of an instance that has ended.
func (c *Cloud) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(id)
	delete(c.machines, id)
}

// enter begins a change of an instance's state. The caller holds the lock.
func (c *Cloud) enter(id string, state types.InstanceStateName) {
	m := c.machines[id]
	if c.Stale {
		before := c.shown(id)
		m.before = &before
	}
	m.state, m.looks, m.held = state, c.Late, false
}

// advance is what comes of an instance by one look. The caller holds the lock.
func (c *Cloud) advance(id string) {
	m := c.machines[id]
	if m.state == types.InstanceStateNameTerminated {
		m.releasing = max(0, m.releasing-1)
	}
	if m.held {
		return
	}
	switch m.state {
	case types.InstanceStateNamePending, types.InstanceStateNameStopping, types.InstanceStateNameShuttingDown:
		if m.looks--; m.looks >= 0 {
			return
		}
	default:
		return
	}
	switch m.state {
	case types.InstanceStateNamePending:
		m.run(c.Late)
	case types.InstanceStateNameStopping:
		m.state = types.InstanceStateNameStopped
		for _, v := range c.volumes {
			if v.is(id) && v.at.State == types.VolumeAttachmentStateBusy {
				v.at.State, v.looks = types.VolumeAttachmentStateDetaching, c.Late
			}
		}
	case types.InstanceStateNameShuttingDown:
		c.end(id)
	}
}

// end ends an instance: its volumes are available, or gone with it. The caller holds the lock.
func (c *Cloud) end(id string) {
	m := c.machines[id]
	m.state, m.releasing = types.InstanceStateNameTerminated, c.Late
	for volume, v := range c.volumes {
		if !v.is(id) {
			continue
		}
		if aws.ToBool(v.at.DeleteOnTermination) {
			delete(c.volumes, volume)
		}
		v.at = nil
	}
}

// DescribeInstances is EC2's: one instance that is not there refuses all of them.
func (c *Cloud) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &ec2.DescribeInstancesOutput{}
	for _, id := range in.InstanceIds {
		m := c.machines[id]
		if m == nil {
			return nil, noMachine(id)
		}
		var shown types.Instance
		if m.before != nil {
			shown, m.before = *m.before, nil
		} else {
			c.advance(id)
			shown = c.shown(id)
		}
		out.Reservations = append(out.Reservations, types.Reservation{Instances: []types.Instance{shown}})
	}
	return out, nil
}

// shown is an instance as EC2 describes it; its disks come in an order of their own. The caller holds the lock.
func (c *Cloud) shown(id string) types.Instance {
	m := c.machines[id]
	out := types.Instance{
		InstanceId: &id, ImageId: aws.String(m.Image), InstanceType: types.InstanceType(m.Type), State: &types.InstanceState{Name: m.state},
		RootDeviceName: aws.String(RootDevice), Placement: &types.Placement{AvailabilityZone: aws.String(m.Zone)},
	}
	if m.state != types.InstanceStateNameTerminated {
		out.NetworkInterfaces = []types.InstanceNetworkInterface{{
			NetworkInterfaceId: aws.String(m.Interface), Attachment: &types.InstanceNetworkInterfaceAttachment{DeviceIndex: aws.Int32(0)},
		}}
	}
	for _, volume := range slices.Backward(slices.Sorted(maps.Keys(c.volumes))) {
		v := c.volumes[volume]
		if !v.is(id) {
			continue
		}
		status := types.AttachmentStatus(v.at.State)
		if v.at.State == types.VolumeAttachmentStateBusy { // which only the volume tells
			status = types.AttachmentStatusDetaching
		}
		out.BlockDeviceMappings = append(out.BlockDeviceMappings, types.InstanceBlockDeviceMapping{
			DeviceName: aws.String(*v.at.Device),
			Ebs:        &types.EbsInstanceBlockDevice{VolumeId: aws.String(volume), Status: status, DeleteOnTermination: aws.Bool(aws.ToBool(v.at.DeleteOnTermination))},
		})
	}
	return out
}
