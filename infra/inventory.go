package main

// lookAtInventory is what looking at all that the stage has in AWS takes: names, states and tags, and no secret's value, no
// object, no row. What lists can't be restricted to a stage's own; what describes one thing is, where its name says whose
// it is, or its tags do.
func (c *controlPlane) lookAtInventory() []Grant {
	return []Grant{
		{
			Actions: []string{
				"cloudformation:ListStacks", "ec2:DescribeInstances", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeVolumes",
				"s3:ListAllMyBuckets", "secretsmanager:ListSecrets", "storagegateway:ListGateways",
			},
			Resources: *everything(),
		},
		{Actions: []string{"cloudformation:DescribeStacks"}, Resources: []*string{arn("cloudformation", "stack/"+c.stackPrefix()+"*/*")}},
		{Actions: []string{"rds:DescribeDBInstances"}, Resources: []*string{arn("rds", "db:*")}},
		// A gateway that lacks our tags, and stands in our place, is to be found too.
		{Actions: []string{"storagegateway:ListTagsForResource"}, Resources: []*string{arn("storagegateway", "gateway/*")}},
		{
			Actions:   []string{"storagegateway:DescribeGatewayInformation", "storagegateway:ListFileShares"},
			Resources: []*string{arn("storagegateway", "gateway/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		{
			Actions:   []string{"storagegateway:DescribeNFSFileShares"},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		{Actions: []string{"s3:GetBucketTagging"}, Resources: jsiiStrings(bucketPattern(c.Stage.Name))},
		{Actions: []string{"cloudwatch:DescribeAlarms"}, Resources: []*string{arn("cloudwatch", "alarm:*")}},
	}
}

// databasesProtected says whether database hosts are to be protected from deletion.
func (c *controlPlane) databasesProtected() string {
	if c.Stage.Databases.DeletionProtection {
		return "true"
	}
	return "false"
}
