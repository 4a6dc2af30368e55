// Package machines is EC2, as far as the machines of gateways and their disks are looked at, kept, moved and
// started again: what CloudFormation could do only by replacing a machine, for which it would have to let go of
// its disks.
//
// EC2's reads are eventually consistent, and what it is asked for it does later ("Eventual consistency in the
// Amazon EC2 API" in its developer guide): each verb returns once EC2 has accepted it, may be run again, and is
// looked at until it is done.
package machines

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// client is what is used of EC2. Deadlines and retries of requests are its own.
type client interface {
	DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, opts ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	DescribeInstanceStatus(ctx context.Context, in *ec2.DescribeInstanceStatusInput, opts ...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error)
	RebootInstances(ctx context.Context, in *ec2.RebootInstancesInput, opts ...func(*ec2.Options)) (*ec2.RebootInstancesOutput, error)
	StopInstances(ctx context.Context, in *ec2.StopInstancesInput, opts ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
	StartInstances(ctx context.Context, in *ec2.StartInstancesInput, opts ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
	ModifyInstanceAttribute(ctx context.Context, in *ec2.ModifyInstanceAttributeInput, opts ...func(*ec2.Options)) (*ec2.ModifyInstanceAttributeOutput, error)
	DescribeVolumes(ctx context.Context, in *ec2.DescribeVolumesInput, opts ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error)
	AttachVolume(ctx context.Context, in *ec2.AttachVolumeInput, opts ...func(*ec2.Options)) (*ec2.AttachVolumeOutput, error)
	DetachVolume(ctx context.Context, in *ec2.DetachVolumeInput, opts ...func(*ec2.Options)) (*ec2.DetachVolumeOutput, error)
	DeleteVolume(ctx context.Context, in *ec2.DeleteVolumeInput, opts ...func(*ec2.Options)) (*ec2.DeleteVolumeOutput, error)
	CreateTags(ctx context.Context, in *ec2.CreateTagsInput, opts ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// Machines is EC2's instances and volumes.
type Machines struct{ Client client }

// meaning marks an error of EC2's with what it means to who called: pool.ErrNotFound, pool.ErrInTransit or
// pool.ErrNoCapacity.
func meaning(err error) error {
	switch {
	case awsclient.IsNotFound(err):
		return fmt.Errorf("%w: %w", pool.ErrNotFound, err)
	case awsclient.IsInTransit(err):
		return fmt.Errorf("%w: %w", pool.ErrInTransit, err)
	case awsclient.IsNoCapacity(err):
		return fmt.Errorf("%w: %w", pool.ErrNoCapacity, err)
	}
	return err
}
