package machines

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// Look says how a machine is; it may lag behind a change by some seconds. One that has ended is still told of for
// about an hour. pool.ErrNotFound when there is none of the ID, or none any more.
func (m *Machines) Look(ctx context.Context, id string) (pool.MachineLook, error) {
	out, err := m.Client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return pool.MachineLook{}, fmt.Errorf("look at machine %s: %w", id, meaning(err))
	}
	for _, reservation := range out.Reservations {
		for _, found := range reservation.Instances {
			if aws.ToString(found.InstanceId) != id {
				continue
			}
			checks, err := m.checks(ctx, id)
			if err != nil {
				return pool.MachineLook{}, err
			}
			return lookOf(found, checks), nil
		}
	}
	return pool.MachineLook{}, fmt.Errorf("look at machine %s: %w", id, pool.ErrNotFound)
}

// checks reads the status checks of a machine, whatever state it is in.
func (m *Machines) checks(ctx context.Context, id string) (pool.Checks, error) {
	out, err := m.Client.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{
		InstanceIds: []string{id}, IncludeAllInstances: aws.Bool(true),
	})
	if awsclient.IsNotFound(err) {
		return pool.CheckUnknown, nil // of a machine that is so new, or so old, that only the other look has it
	}
	if err != nil {
		return "", fmt.Errorf("look at the status checks of machine %s: %w", id, err)
	}
	for _, status := range out.InstanceStatuses {
		if aws.ToString(status.InstanceId) == id {
			return worse(checkOf(status.InstanceStatus), checkOf(status.SystemStatus)), nil
		}
	}
	return pool.CheckUnknown, nil
}

func checkOf(summary *types.InstanceStatusSummary) pool.Checks {
	switch {
	case summary == nil:
		return pool.CheckUnknown
	case summary.Status == types.SummaryStatusOk:
		return pool.CheckOK
	case summary.Status == types.SummaryStatusImpaired:
		return pool.CheckImpaired
	}
	return pool.CheckUnknown
}

// worse is the worse of two checks: it is enough that one fails, and both must pass.
func worse(a, b pool.Checks) pool.Checks {
	for _, c := range []pool.Checks{pool.CheckImpaired, pool.CheckUnknown} {
		if a == c || b == c {
			return c
		}
	}
	return pool.CheckOK
}

func lookOf(found types.Instance, checks pool.Checks) pool.MachineLook {
	look := pool.MachineLook{Checks: checks, Type: string(found.InstanceType), Image: aws.ToString(found.ImageId)}
	if found.State != nil {
		look.State = pool.MachineState(found.State.Name)
	}
	for _, nic := range found.NetworkInterfaces {
		if nic.Attachment != nil && aws.ToInt32(nic.Attachment.DeviceIndex) == 0 {
			look.Interface = aws.ToString(nic.NetworkInterfaceId)
		}
	}
	for _, mapping := range found.BlockDeviceMappings {
		if mapping.Ebs == nil || mapping.Ebs.Status == types.AttachmentStatusDetached {
			continue
		}
		device := aws.ToString(mapping.DeviceName)
		look.Disks = append(look.Disks, pool.MachineDisk{
			Volume: aws.ToString(mapping.Ebs.VolumeId), Device: device, Root: device == aws.ToString(found.RootDeviceName),
			Dies: aws.ToBool(mapping.Ebs.DeleteOnTermination),
		})
	}
	slices.SortFunc(look.Disks, func(a, b pool.MachineDisk) int {
		if a.Root != b.Root {
			if a.Root {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Device, b.Device)
	})
	return look
}
