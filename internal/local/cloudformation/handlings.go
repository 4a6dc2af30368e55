package cloudformation

// handling is what a resource type's handler does, as far as it is checked: the calls that make and
// unmake the resource, on which ARNs. %N stands for the resource's name: its physical id once it has
// one, else the property that names it, else the generated name.
type handling struct {
	name                   string // property that names it
	create, update, delete []action
	tag                    tagging // on the resource that the last action of delete is about
}

// tagging are the permissions that it takes to tag a resource, and to take tags away.
type tagging struct{ set, remove string }

var (
	ec2Tagging        = tagging{"ec2:CreateTags", "ec2:DeleteTags"}
	rdsTagging        = tagging{"rds:AddTagsToResource", "rds:RemoveTagsFromResource"}
	cloudwatchTagging = tagging{"cloudwatch:TagResource", "cloudwatch:UntagResource"}
)

// action is one permission. {Property} in its resource stands for a property's value; with when, it
// is needed only if the resource has that property, or, of an update, if the property changes.
type action struct{ name, resource, when string }

// handlings are the types of the host templates. Types that are not here are made without a check.
var handlings = map[string]handling{
	"AWS::S3::Bucket": {
		name: "BucketName",
		tag:  tagging{"s3:PutBucketTagging", "s3:PutBucketTagging"},
		update: []action{
			{"s3:PutEncryptionConfiguration", "arn:aws:s3:::%N", "BucketEncryption"},
			{"s3:PutBucketVersioning", "arn:aws:s3:::%N", "VersioningConfiguration"},
			{"s3:PutBucketPublicAccessBlock", "arn:aws:s3:::%N", "PublicAccessBlockConfiguration"},
			{"s3:PutBucketOwnershipControls", "arn:aws:s3:::%N", "OwnershipControls"},
			{"s3:PutLifecycleConfiguration", "arn:aws:s3:::%N", "LifecycleConfiguration"},
			{"s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::%N", "ObjectLockEnabled"},
			{"s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::%N", "ObjectLockConfiguration"},
		},
		create: []action{
			{"s3:CreateBucket", "arn:aws:s3:::%N", ""},
			{"s3:PutEncryptionConfiguration", "arn:aws:s3:::%N", "BucketEncryption"},
			{"s3:PutBucketVersioning", "arn:aws:s3:::%N", "VersioningConfiguration"},
			{"s3:PutBucketPublicAccessBlock", "arn:aws:s3:::%N", "PublicAccessBlockConfiguration"},
			{"s3:PutBucketOwnershipControls", "arn:aws:s3:::%N", "OwnershipControls"},
			{"s3:PutLifecycleConfiguration", "arn:aws:s3:::%N", "LifecycleConfiguration"},
			{"s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::%N", "ObjectLockEnabled"},
			{"s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::%N", "ObjectLockConfiguration"},
		},
		delete: []action{{"s3:DeleteBucket", "arn:aws:s3:::%N", ""}},
	},
	"AWS::S3::BucketPolicy": {
		create: []action{{"s3:PutBucketPolicy", "arn:aws:s3:::{Bucket}", ""}},
		update: []action{{"s3:PutBucketPolicy", "arn:aws:s3:::{Bucket}", ""}},
		delete: []action{{"s3:DeleteBucketPolicy", "arn:aws:s3:::{Bucket}", ""}},
	},
	"AWS::IAM::Role": {
		name: "RoleName",
		tag:  tagging{"iam:TagRole", "iam:UntagRole"},
		update: []action{
			{"iam:UpdateRole", "arn:aws:iam::%A:role{Path}%N", "Description"},
			{"iam:UpdateRole", "arn:aws:iam::%A:role{Path}%N", "MaxSessionDuration"},
			{"iam:UpdateAssumeRolePolicy", "arn:aws:iam::%A:role{Path}%N", "AssumeRolePolicyDocument"},
			{"iam:PutRolePermissionsBoundary", "arn:aws:iam::%A:role{Path}%N", "PermissionsBoundary"},
			{"iam:PutRolePolicy", "arn:aws:iam::%A:role{Path}%N", "Policies"},
		},
		create: []action{
			{"iam:CreateRole", "arn:aws:iam::%A:role{Path}%N", ""},
			{"iam:PutRolePolicy", "arn:aws:iam::%A:role{Path}%N", "Policies"},
		},
		delete: []action{
			{"iam:DeleteRolePolicy", "arn:aws:iam::%A:role{Path}%N", "Policies"},
			{"iam:DeleteRole", "arn:aws:iam::%A:role{Path}%N", ""},
		},
	},
	"AWS::EC2::SecurityGroup": {
		tag: ec2Tagging,
		update: []action{
			{"ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupIngress"},
			{"ec2:RevokeSecurityGroupIngress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupIngress"},
			{"ec2:AuthorizeSecurityGroupEgress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupEgress"},
			{"ec2:RevokeSecurityGroupEgress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupEgress"},
		},
		create: []action{
			{"ec2:CreateSecurityGroup", "arn:aws:ec2:%R:%A:vpc/{VpcId}", ""},
			{"ec2:CreateSecurityGroup", "arn:aws:ec2:%R:%A:security-group/%N", ""},
			{"ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupIngress"},
			{"ec2:AuthorizeSecurityGroupEgress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupEgress"},
		},
		delete: []action{{"ec2:DeleteSecurityGroup", "arn:aws:ec2:%R:%A:security-group/%N", ""}},
	},
	"AWS::EC2::NetworkInterface": {
		tag: ec2Tagging,
		update: []action{
			{"ec2:DescribeNetworkInterfaces", "*", ""},
			{"ec2:ModifyNetworkInterfaceAttribute", "arn:aws:ec2:%R:%A:network-interface/%N", "GroupSet"},
			{"ec2:ModifyNetworkInterfaceAttribute", "arn:aws:ec2:%R:%A:network-interface/%N", "Description"},
		},
		create: []action{
			{"ec2:CreateNetworkInterface", "arn:aws:ec2:%R:%A:network-interface/%N", ""},
			{"ec2:CreateNetworkInterface", "arn:aws:ec2:%R:%A:subnet/{SubnetId}", ""},
			{"ec2:CreateNetworkInterface", "arn:aws:ec2:%R:%A:security-group/*", "GroupSet"},
			{"ec2:DescribeNetworkInterfaces", "*", ""},
		},
		delete: []action{
			{"ec2:DescribeNetworkInterfaces", "*", ""},
			{"ec2:DeleteNetworkInterface", "arn:aws:ec2:%R:%A:network-interface/%N", ""},
		},
	},
	"AWS::EC2::Instance": {
		tag: ec2Tagging,
		update: []action{
			{"ec2:ModifyInstanceAttribute", "arn:aws:ec2:%R:%A:instance/%N", "SecurityGroupIds"},
			{"ec2:ModifyInstanceAttribute", "arn:aws:ec2:%R:%A:instance/%N", "DisableApiTermination"},
			{"ec2:ModifyInstanceAttribute", "arn:aws:ec2:%R:%A:instance/%N", "InstanceType"},
			{"ec2:StopInstances", "arn:aws:ec2:%R:%A:instance/%N", "InstanceType"},
			{"ec2:StartInstances", "arn:aws:ec2:%R:%A:instance/%N", "InstanceType"},
			{"ec2:ModifyInstanceMetadataOptions", "arn:aws:ec2:%R:%A:instance/%N", "MetadataOptions"},
		},
		create: []action{
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:instance/%N", ""},
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:volume/%N", ""},
			{"ec2:RunInstances", "arn:aws:ec2:%R::image/{ImageId}", ""},
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:subnet/{SubnetId}", "SubnetId"},
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:network-interface/*", "NetworkInterfaces"},
		},
		delete: []action{{"ec2:TerminateInstances", "arn:aws:ec2:%R:%A:instance/%N", ""}},
	},
	"AWS::EC2::Volume": {
		tag: ec2Tagging,
		update: []action{
			{"ec2:ModifyVolume", "arn:aws:ec2:%R:%A:volume/%N", "Size"},
			{"ec2:ModifyVolume", "arn:aws:ec2:%R:%A:volume/%N", "VolumeType"},
			{"ec2:ModifyVolume", "arn:aws:ec2:%R:%A:volume/%N", "Iops"},
			{"ec2:ModifyVolume", "arn:aws:ec2:%R:%A:volume/%N", "Throughput"},
		},
		create: []action{{"ec2:CreateVolume", "arn:aws:ec2:%R:%A:volume/%N", ""}},
		delete: []action{{"ec2:DeleteVolume", "arn:aws:ec2:%R:%A:volume/%N", ""}},
	},
	"AWS::Logs::LogGroup": {
		name:   "LogGroupName",
		tag:    tagging{"logs:TagResource", "logs:UntagResource"},
		update: []action{{"logs:PutRetentionPolicy", "arn:aws:logs:%R:%A:log-group:%N", "RetentionInDays"}},
		create: []action{
			{"logs:CreateLogGroup", "arn:aws:logs:%R:%A:log-group:%N", ""},
			{"logs:PutRetentionPolicy", "arn:aws:logs:%R:%A:log-group:%N", "RetentionInDays"},
		},
		delete: []action{{"logs:DeleteLogGroup", "arn:aws:logs:%R:%A:log-group:%N", ""}},
	},
	"AWS::RDS::DBInstance": {
		name:   "DBInstanceIdentifier",
		tag:    rdsTagging,
		update: []action{{"rds:ModifyDBInstance", "arn:aws:rds:%R:%A:db:%N", ""}},
		create: []action{{"rds:CreateDBInstance", "arn:aws:rds:%R:%A:db:%N", ""}},
		delete: []action{{"rds:DeleteDBInstance", "arn:aws:rds:%R:%A:db:%N", ""}},
	},
	"AWS::RDS::DBSubnetGroup": {
		name:   "DBSubnetGroupName",
		tag:    rdsTagging,
		update: []action{{"rds:ModifyDBSubnetGroup", "arn:aws:rds:%R:%A:subgrp:%N", ""}},
		create: []action{{"rds:CreateDBSubnetGroup", "arn:aws:rds:%R:%A:subgrp:%N", ""}},
		delete: []action{{"rds:DeleteDBSubnetGroup", "arn:aws:rds:%R:%A:subgrp:%N", ""}},
	},
	"AWS::RDS::DBParameterGroup": {
		name:   "DBParameterGroupName",
		tag:    rdsTagging,
		update: []action{{"rds:ModifyDBParameterGroup", "arn:aws:rds:%R:%A:pg:%N", "Parameters"}},
		create: []action{{"rds:CreateDBParameterGroup", "arn:aws:rds:%R:%A:pg:%N", ""}},
		delete: []action{{"rds:DeleteDBParameterGroup", "arn:aws:rds:%R:%A:pg:%N", ""}},
	},
	"AWS::CloudWatch::Alarm": {
		name:   "AlarmName",
		tag:    cloudwatchTagging,
		update: []action{{"cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
		create: []action{{"cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
		delete: []action{{"cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
	},
	"AWS::CloudWatch::CompositeAlarm": {
		name:   "AlarmName",
		tag:    cloudwatchTagging,
		update: []action{{"cloudwatch:PutCompositeAlarm", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
		create: []action{{"cloudwatch:PutCompositeAlarm", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
		delete: []action{{"cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
	},
	"AWS::Route53::RecordSet": {
		update: []action{{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/{HostedZoneId}", ""}},
		create: []action{{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/{HostedZoneId}", ""}},
		delete: []action{{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/{HostedZoneId}", ""}},
	},
}
