// Package inventory looks at all that a stage has in AWS. It only reads, and no more than names, states and tags: no
// secret's value, no object, no row.
package inventory

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool/inventory"
)

// The clients, as far as they are used. Deadlines and retries of requests are their own.
type (
	stacks interface {
		cloudformation.ListStacksAPIClient
		cloudformation.DescribeStacksAPIClient
	}
	machines interface {
		ec2.DescribeInstancesAPIClient
		ec2.DescribeVolumesAPIClient
		ec2.DescribeSecurityGroupsAPIClient
		ec2.DescribeSecurityGroupRulesAPIClient
	}
	gateways interface {
		storagegateway.ListGatewaysAPIClient
		storagegateway.ListFileSharesAPIClient
		storagegateway.ListTagsForResourceAPIClient
		DescribeGatewayInformation(context.Context, *storagegateway.DescribeGatewayInformationInput, ...func(*storagegateway.Options)) (*storagegateway.DescribeGatewayInformationOutput, error)
		DescribeNFSFileShares(context.Context, *storagegateway.DescribeNFSFileSharesInput, ...func(*storagegateway.Options)) (*storagegateway.DescribeNFSFileSharesOutput, error)
	}
	buckets interface {
		s3.ListBucketsAPIClient
		GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
	}
)

// Looker looks at what a stage has. All fields are required.
type Looker struct {
	Stage     string
	Stacks    stacks
	Instances rds.DescribeDBInstancesAPIClient
	Machines  machines
	Gateways  gateways // a call about a gateway that is away may be held for as long as an attempt takes
	Buckets   buckets
	Secrets   secretsmanager.ListSecretsAPIClient
	Alarms    cloudwatch.DescribeAlarmsAPIClient
	Now       func() time.Time
}

// New makes a looker of clients of one configuration.
func New(cfg aws.Config, stage string, now func() time.Time) *Looker {
	return &Looker{
		Stage: stage, Now: now,
		Stacks: cloudformation.NewFromConfig(cfg), Instances: rds.NewFromConfig(cfg), Machines: ec2.NewFromConfig(cfg),
		Gateways: storagegateway.NewFromConfig(awsclient.OneWait(cfg, gatewayWait)), Buckets: s3.NewFromConfig(cfg),
		Secrets: secretsmanager.NewFromConfig(cfg), Alarms: cloudwatch.NewFromConfig(cfg),
	}
}

// gatewayWait is how long a call about a gateway may take: one whose appliance is away holds it.
const gatewayWait = 10 * time.Second

func (l *Looker) prefix() string { return "headroom-" + l.Stage + "-" }

// Look looks at everything once. What can't be looked at is among what is Unseen, and keeps nothing else from being looked
// at; only the end of the context's time is an error.
func (l *Looker) Look(ctx context.Context) (inventory.Seen, error) {
	seen := inventory.Seen{At: l.Now()}
	for _, part := range []struct {
		sort inventory.Sort
		look func(context.Context, *inventory.Seen) error
	}{
		{inventory.Stacks, l.stacks},
		{inventory.Instances, l.instances},
		{inventory.Machines, l.machines},
		{inventory.Volumes, l.volumes},
		{inventory.Groups, l.groups},
		{inventory.Gateways, l.gateways},
		{inventory.Shares, l.shares},
		{inventory.Buckets, l.buckets},
		{inventory.Secrets, l.secrets},
		{inventory.Alarms, l.alarms},
	} {
		if err := part.look(ctx, &seen); err != nil {
			seen.Unseen = append(seen.Unseen, unseen(part.sort, "", err))
		}
		if ctx.Err() != nil {
			return seen, ctx.Err()
		}
	}
	return seen, nil
}

// unseen says what could not be looked at, and why.
func unseen(sort inventory.Sort, of string, err error) inventory.Unseen {
	return inventory.Unseen{Sort: sort, Of: of, Why: awsclient.Reason(err), Denied: awsclient.IsDenied(err)}
}
