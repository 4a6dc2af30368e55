// Package machinestest is an in-memory EC2 that attaches volumes to instances, and the cases that it and
// any other EC2 have to pass.
package machinestest

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// Cloud holds instances and volumes.
type Cloud struct {
	// Late is how many looks an attachment takes.
	Late int
	// Stale has the first look after a change show what was before: EC2 is eventually consistent.
	Stale bool

	mu       sync.Mutex
	made     int
	machines map[string]*machine
	volumes  map[string]*volume
	attached int
}

type machine struct {
	zone    string
	running bool
}

type volume struct {
	zone   string
	state  types.VolumeState // unless it is attached
	at     *types.VolumeAttachment
	looks  int           // until what is under way is done
	before *types.Volume // shown once
}

// AddMachine makes an instance, which runs or is pending.
func (c *Cloud) AddMachine(zone string, running bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.machines == nil {
		c.machines = map[string]*machine{}
	}
	c.made++
	id := fmt.Sprintf("i-%017x", c.made)
	c.machines[id] = &machine{zone: zone, running: running}
	return id
}

// AddVolume makes a volume that is available.
func (c *Cloud) AddVolume(zone string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.volumes == nil {
		c.volumes = map[string]*volume{}
	}
	c.made++
	id := fmt.Sprintf("vol-%017x", c.made)
	c.volumes[id] = &volume{zone: zone, state: types.VolumeStateAvailable}
	return id
}

// Put puts a volume that is not attached into a state.
func (c *Cloud) Put(id string, state types.VolumeState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.volumes[id].state = state
}

// Run lets a pending instance run.
func (c *Cloud) Run(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[id].running = true
}

// Terminate ends an instance; its volumes are available then.
func (c *Cloud) Terminate(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.machines, id)
	for _, v := range c.volumes {
		if v.at != nil && aws.ToString(v.at.InstanceId) == id {
			v.at = nil
		}
	}
}

// DeleteVolume deletes a volume.
func (c *Cloud) DeleteVolume(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.volumes, id)
}

// Attachments says which instance each volume is attached to, and how often one was attached.
func (c *Cloud) Attachments() (at map[string]string, times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at = map[string]string{}
	for id, v := range c.volumes {
		if v.at != nil {
			at[id] = fmt.Sprintf("%s %s %s", aws.ToString(v.at.InstanceId), aws.ToString(v.at.Device), v.at.State)
		}
	}
	return at, c.attached
}

func fault(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// DescribeVolumes is EC2's: one volume that is not there refuses all of them.
func (c *Cloud) DescribeVolumes(ctx context.Context, in *ec2.DescribeVolumesInput, _ ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &ec2.DescribeVolumesOutput{}
	for _, id := range in.VolumeIds {
		v := c.volumes[id]
		if v == nil {
			return nil, fault("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
		}
		if v.before != nil {
			out.Volumes = append(out.Volumes, *v.before)
			v.before = nil
			continue
		}
		if v.at != nil && v.at.State == types.VolumeAttachmentStateAttaching {
			if v.looks--; v.looks < 0 {
				v.at.State = types.VolumeAttachmentStateAttached
			}
		}
		out.Volumes = append(out.Volumes, v.shown(id))
	}
	return out, nil
}

func (v *volume) shown(id string) types.Volume {
	shown := types.Volume{VolumeId: &id, AvailabilityZone: &v.zone, State: v.state}
	if v.at != nil {
		shown.State, shown.Attachments = types.VolumeStateInUse, []types.VolumeAttachment{*v.at}
	}
	return shown
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
		return nil, fault("InvalidVolume.NotFound", "The volume '%s' does not exist.", volumeID)
	case m == nil:
		return nil, fault("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", machineID)
	case device == "":
		return nil, fault("MissingParameter", "The request must contain the parameter device")
	case v.at != nil:
		return nil, fault("VolumeInUse", "%s is already attached to an instance", volumeID)
	case v.state != types.VolumeStateAvailable:
		return nil, fault("IncorrectState", "Volume '%s' is not 'available'.", volumeID)
	case v.zone != m.zone:
		return nil, fault("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", volumeID, machineID)
	case !m.running:
		return nil, fault("IncorrectState", "Instance '%s' is not 'running'.", machineID)
	}
	for _, other := range c.volumes {
		if other.at != nil && aws.ToString(other.at.InstanceId) == machineID && aws.ToString(other.at.Device) == device {
			return nil, fault("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	if c.Stale {
		before := v.shown(volumeID)
		v.before = &before
	}
	c.attached++
	v.looks = c.Late
	v.at = &types.VolumeAttachment{VolumeId: &volumeID, InstanceId: &machineID, Device: &device, State: types.VolumeAttachmentStateAttaching}
	return &ec2.AttachVolumeOutput{VolumeId: &volumeID, InstanceId: &machineID, Device: &device, State: v.at.State}, nil
}
