package main

import (
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/adapter/instances"
	"headroom/internal/pool"
)

// retireHosts lets a function take hosts down that are empty: only what bears the stage's tag, or, of buckets, its name.
// Nothing here empties a bucket or a share, and S3 deletes no bucket that holds anything.
func (c *controlPlane) retireHosts() []Grant {
	gateways, shares := arn("storagegateway", "gateway/*"), arn("storagegateway", "share/*")
	databases := arn("rds", "db:"+c.stackPrefix()+string(pool.Database)+"-*")
	ours := ofStage(c.Stage, stageOfResource)
	deleteStacks := c.onHostStacks("cloudformation:DeleteStack")
	deleteStacks.When = ours
	return []Grant{
		deleteStacks,
		{Actions: []string{"storagegateway:DeleteGateway", "storagegateway:ListFileShares"}, Resources: []*string{gateways}, When: ours},
		{Actions: []string{"storagegateway:DeleteFileShare"}, Resources: []*string{shares}, When: ours},
		{Actions: []string{"ec2:DeleteVolume"}, Resources: []*string{arn("ec2", "volume/*")}, When: ours},
		{
			Actions:   []string{"s3:DeleteBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"},
			Resources: jsiiStrings(bucketPattern(c.Stage.Name)),
		},
		{Actions: []string{"rds:DescribeDBInstances", "rds:DescribeDBSnapshots"}, Resources: []*string{databases}},
		// To lift the protection from deletion. That alone is no condition that RDS knows.
		{Actions: []string{"rds:ModifyDBInstance"}, Resources: []*string{databases}, When: ours},
		// An instance's last snapshot has its tags. CloudFormation chooses its name.
		{Actions: []string{"rds:AddTagsToResource"}, Resources: []*string{arn("rds", "snapshot:*")}, When: ours},
		{
			// One that bears no date of deletion is nobody's to delete.
			Actions:   []string{"rds:DeleteDBSnapshot"},
			Resources: []*string{arn("rds", "snapshot:*")},
			When: Conditions{
				"StringEquals": {stageOfResource: jsii.String(c.Stage.Name)},
				"StringLike":   {"aws:ResourceTag/" + instances.DeleteAfterTag: jsii.String("2*")},
			},
		},
	}
}
