package machinestest

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// SizeGiB is how large each volume is.
const SizeGiB = 150

type volume struct {
	zone   string
	state  types.VolumeState // unless it is attached
	tags   map[string]string
	made   time.Time
	born   bool // with an instance, at which it is still
	at     *types.VolumeAttachment
	looks  int           // until what is under way is done
	before *types.Volume // shown once
}

// is reports whether a volume is at an instance, or on its way there or away.
func (v *volume) is(machine string) bool {
	return v.at != nil && aws.ToString(v.at.InstanceId) == machine
}

// AddVolume makes a volume that is available.
func (c *Cloud) AddVolume(zone string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.volumes == nil {
		c.volumes = map[string]*volume{}
	}
	id := c.id("vol")
	c.volumes[id] = &volume{zone: zone, state: types.VolumeStateAvailable, made: c.now()}
	return id
}

// Put puts a volume that is not attached into a state, in which it stays.
func (c *Cloud) Put(id string, state types.VolumeState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.volumes[id].state, c.volumes[id].looks = state, -1
}

// Lose ends a volume that is not attached, at once.
func (c *Cloud) Lose(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.volumes, id)
}

// change lets the next look at a volume show what is so now. The caller holds the lock.
func (c *Cloud) change(id string) {
	if v := c.volumes[id]; c.Stale && v.before == nil {
		before := v.shown(id)
		v.before = &before
	}
}

// atDevice is the volume at a device of an instance. The caller holds the lock.
func (c *Cloud) atDevice(machine, device string) *volume {
	for _, v := range c.volumes {
		if v.is(machine) && aws.ToString(v.at.Device) == device {
			return v
		}
	}
	return nil
}

func (v *volume) shown(id string) types.Volume {
	shown := types.Volume{VolumeId: &id, AvailabilityZone: &v.zone, State: v.state, Tags: tagList(v.tags), CreateTime: &v.made, Size: aws.Int32(SizeGiB)}
	if v.at != nil {
		shown.State, shown.Attachments = types.VolumeStateInUse, []types.VolumeAttachment{*v.at}
	}
	return shown
}

// tick is what comes of a volume by one look, and of the instance that it is at. The caller holds the lock.
func (c *Cloud) tick(id string) {
	v := c.volumes[id]
	if v.at != nil {
		c.advance(*v.at.InstanceId)
	}
	switch v = c.volumes[id]; {
	case v == nil: // it went with its instance
	case v.at == nil && v.state == types.VolumeStateDeleting && v.looks >= 0:
		if v.looks--; v.looks < 0 {
			delete(c.volumes, id)
		}
	case v.at == nil:
	case v.at.State == types.VolumeAttachmentStateAttaching:
		if v.looks--; v.looks < 0 {
			v.at.State = types.VolumeAttachmentStateAttached
		}
	case v.at.State == types.VolumeAttachmentStateDetaching:
		if v.looks--; v.looks >= 0 {
			return
		}
		if m := c.machines[*v.at.InstanceId]; m.state == types.InstanceStateNameRunning {
			v.at.State = types.VolumeAttachmentStateBusy // its system uses it
			return
		}
		v.at, v.born = nil, false
	}
}

// AttachVolume is EC2's: what it is asked for is done some looks later.
func (c *Cloud) AttachVolume(ctx context.Context, in *ec2.AttachVolumeInput, _ ...func(*ec2.Options)) (*ec2.AttachVolumeOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	volumeID, machineID, device := aws.ToString(in.VolumeId), aws.ToString(in.InstanceId), aws.ToString(in.Device)
	v, m := c.volumes[volumeID], c.machines[machineID]
	switch {
	case v == nil:
		return nil, noVolume(volumeID)
	case m == nil:
		return nil, noMachine(machineID)
	case device == "":
		return nil, fault("MissingParameter", "The request must contain the parameter device")
	case v.at != nil:
		return nil, fault("VolumeInUse", "%s is already attached to an instance", volumeID)
	case v.state != types.VolumeStateAvailable:
		return nil, fault("IncorrectState", "Volume '%s' is not 'available'.", volumeID)
	case v.zone != m.Zone:
		return nil, fault("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", volumeID, machineID)
	case m.state != types.InstanceStateNameRunning && m.state != types.InstanceStateNameStopped:
		return nil, fault("IncorrectState", "Instance '%s' is not 'running'.", machineID)
	case c.atDevice(machineID, device) != nil:
		return nil, fault("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
	}
	c.change(volumeID)
	c.attached++
	v.looks = c.Late
	v.at = &types.VolumeAttachment{
		VolumeId: &volumeID, InstanceId: &machineID, Device: &device, State: types.VolumeAttachmentStateAttaching, DeleteOnTermination: aws.Bool(false),
	}
	c.did("attach %s to %s %s", volumeID, machineID, device)
	return &ec2.AttachVolumeOutput{VolumeId: &volumeID, InstanceId: &machineID, Device: &device, State: v.at.State}, nil
}

// DetachVolume is EC2's: what it is asked for is done some looks later, and from an instance that runs not before its
// system lets go of the volume, which here it does when it stops. By force it is logged as such.
func (c *Cloud) DetachVolume(ctx context.Context, in *ec2.DetachVolumeInput, _ ...func(*ec2.Options)) (*ec2.DetachVolumeOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	volumeID, machineID := aws.ToString(in.VolumeId), aws.ToString(in.InstanceId)
	v := c.volumes[volumeID]
	switch {
	case v == nil:
		return nil, noVolume(volumeID)
	case machineID != "" && c.machines[machineID] == nil:
		return nil, noMachine(machineID)
	case v.at == nil:
		return nil, fault("IncorrectState", "Volume '%s' is in the 'available' state.", volumeID)
	case machineID != "" && !v.is(machineID):
		return nil, fault("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s'.", volumeID, machineID)
	}
	switch m := c.machines[*v.at.InstanceId]; {
	case *v.at.Device == RootDevice && m.state != types.InstanceStateNameStopped:
		return nil, fault("IncorrectState", "Unable to detach root volume '%s' from instance '%s'", volumeID, *v.at.InstanceId)
	case m.state != types.InstanceStateNameRunning && m.state != types.InstanceStateNameStopped:
		return nil, fault("IncorrectState", "Instance '%s' is not 'running' or 'stopped'.", *v.at.InstanceId)
	case v.at.State != types.VolumeAttachmentStateAttached && !aws.ToBool(in.Force):
		return nil, fault("IncorrectState", "Volume '%s' is in the '%s' state.", volumeID, v.at.State)
	}
	c.change(volumeID)
	v.at.State, v.looks = types.VolumeAttachmentStateDetaching, c.Late
	if aws.ToBool(in.Force) {
		c.did("detach %s from %s by force", volumeID, *v.at.InstanceId)
	} else {
		c.did("detach %s from %s", volumeID, *v.at.InstanceId)
	}
	return &ec2.DetachVolumeOutput{VolumeId: &volumeID, InstanceId: v.at.InstanceId, Device: v.at.Device, State: v.at.State}, nil
}

// DeleteVolume is EC2's: what it is asked for is done some looks later.
func (c *Cloud) DeleteVolume(ctx context.Context, in *ec2.DeleteVolumeInput, _ ...func(*ec2.Options)) (*ec2.DeleteVolumeOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := aws.ToString(in.VolumeId)
	v := c.volumes[id]
	switch {
	case v == nil:
		return nil, noVolume(id)
	case v.at != nil:
		return nil, fault("VolumeInUse", "Volume %s is currently attached to %s", id, *v.at.InstanceId)
	case v.state == types.VolumeStateCreating || v.state == types.VolumeStateDeleting:
		return nil, fault("IncorrectState", "Volume '%s' is in the '%s' state.", id, v.state)
	}
	c.change(id)
	v.state, v.looks = types.VolumeStateDeleting, c.Late
	c.did("delete %s", id)
	return &ec2.DeleteVolumeOutput{}, nil
}
