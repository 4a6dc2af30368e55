package machines

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// Attachment says where a volume is; it may lag behind a change by some seconds. pool.ErrNotFound when
// there is no such volume any more, pool.ErrInTransit when it is being made.
func (m *Machines) Attachment(ctx context.Context, volume string) (pool.Attachment, error) {
	out, err := m.Client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volume}})
	if awsclient.IsNotFound(err) || err == nil && len(out.Volumes) == 0 {
		return pool.Attachment{}, fmt.Errorf("look at volume %s: %w", volume, pool.ErrNotFound)
	}
	if err != nil {
		return pool.Attachment{}, fmt.Errorf("look at volume %s: %w", volume, err)
	}
	found := out.Volumes[0]
	switch found.State {
	case types.VolumeStateAvailable:
		return pool.Attachment{}, nil
	case types.VolumeStateCreating:
		return pool.Attachment{}, fmt.Errorf("look at volume %s: %w", volume, pool.ErrInTransit)
	case types.VolumeStateDeleting, types.VolumeStateDeleted:
		return pool.Attachment{}, fmt.Errorf("look at volume %s, which is %s: %w", volume, found.State, pool.ErrNotFound)
	case types.VolumeStateInUse:
		for _, at := range found.Attachments {
			if at.State != types.VolumeAttachmentStateDetached {
				return pool.Attachment{Machine: aws.ToString(at.InstanceId), Done: at.State == types.VolumeAttachmentStateAttached}, nil
			}
		}
		return pool.Attachment{}, fmt.Errorf("look at volume %s, which is in use by no machine: %w", volume, pool.ErrInTransit)
	default:
		return pool.Attachment{}, fmt.Errorf("look at volume %s: its state is %q", volume, found.State)
	}
}

// Attach asks for a volume's attachment to a machine of its zone, which runs or is stopped; look for when it is
// done. pool.ErrInTransit when one of them is not ready for that now, which a look explains: the volume may
// have been attached a moment ago, by an earlier try too. pool.ErrNotFound when one is not there.
func (m *Machines) Attach(ctx context.Context, volume, machine, device string) error {
	_, err := m.Client.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &machine, Device: &device})
	if err != nil {
		return fmt.Errorf("attach volume %s to %s: %w", volume, machine, meaning(err))
	}
	return nil
}

// Detach asks for a volume to be taken from a machine, which should be stopped: from one that runs the root can't be
// taken, and what its system uses stays busy until it stops. It never forces that. A volume that is not at the machine
// is no error; look for when it is done. pool.ErrInTransit when volume or machine is not ready for that now, which a look
// explains: the volume may be on its way, by an earlier try too, and a root may be that of a machine that runs.
// pool.ErrNotFound when there is no such volume.
func (m *Machines) Detach(ctx context.Context, volume, machine string) error {
	_, err := m.Client.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: &volume, InstanceId: &machine})
	switch awsclient.Code(err) {
	case "InvalidAttachment.NotFound", "InvalidInstanceID.NotFound":
		return nil
	case "OperationNotPermitted": // so EC2 also answers for the root of a machine that runs, or was stopped just now
		return fmt.Errorf("detach volume %s from %s: %w: %w", volume, machine, pool.ErrInTransit, err)
	case "IncorrectState": // also of a volume that is at no machine
		if at, missing := m.Attachment(ctx, volume); missing == nil && at.Machine != machine {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("detach volume %s from %s: %w", volume, machine, meaning(err))
	}
	return nil
}

// Keep has the volumes at these devices of a machine outlive it. pool.ErrNotFound when there is no such machine,
// pool.ErrInTransit when it is ending. A device without a volume is an error, and then nothing is changed.
func (m *Machines) Keep(ctx context.Context, id string, devices []string) error {
	if len(devices) == 0 {
		return nil
	}
	in := &ec2.ModifyInstanceAttributeInput{InstanceId: &id}
	for _, device := range devices {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.InstanceBlockDeviceMappingSpecification{
			DeviceName: &device, Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)},
		})
	}
	if _, err := m.Client.ModifyInstanceAttribute(ctx, in); err != nil {
		return fmt.Errorf("keep the volumes of machine %s: %w", id, meaning(err))
	}
	return nil
}
