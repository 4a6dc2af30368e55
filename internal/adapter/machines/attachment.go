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

// Attach asks for a volume's attachment to a machine of its zone; look for when it is done.
// pool.ErrInTransit when one of them is not ready for that now, which a look explains: the volume may
// have been attached a moment ago, by an earlier try too. pool.ErrNotFound when one is not there.
func (m *Machines) Attach(ctx context.Context, volume, machine, device string) error {
	_, err := m.Client.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &machine, Device: &device})
	switch {
	case err == nil:
		return nil
	case awsclient.IsNotFound(err):
		return fmt.Errorf("attach volume %s to %s: %w: %w", volume, machine, pool.ErrNotFound, err)
	case awsclient.IsInTransit(err):
		return fmt.Errorf("attach volume %s to %s: %w: %w", volume, machine, pool.ErrInTransit, err)
	default:
		return fmt.Errorf("attach volume %s to %s: %w", volume, machine, err)
	}
}
