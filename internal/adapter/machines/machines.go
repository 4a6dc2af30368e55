// Package machines attaches volumes to EC2 instances: what CloudFormation could do too, were it not
// that it would have to detach a volume to replace its machine.
package machines

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

type client interface {
	DescribeVolumes(ctx context.Context, in *ec2.DescribeVolumesInput, opts ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error)
	AttachVolume(ctx context.Context, in *ec2.AttachVolumeInput, opts ...func(*ec2.Options)) (*ec2.AttachVolumeOutput, error)
}

// Machines is EC2's instances and volumes.
type Machines struct{ Client client }
