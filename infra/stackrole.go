package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
)

// newStackRole makes the role with which CloudFormation creates and deletes hosts: what the two host
// templates take, by the handlers of their resource types, on what bears this stage's name.
func newStackRole(scope constructs.Construct, p HostStacksProps, boundary awsiam.ManagedPolicy) awsiam.Role {
	role := awsiam.NewRole(scope, jsii.String("StackRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("cloudformation.amazonaws.com"), nil),
		Description: jsii.String("Headroom: CloudFormation makes hosts with it"),
	})
	// Apart, because all that stands in a role itself may have 10,240 characters.
	reads := awsiam.NewManagedPolicy(scope, jsii.String("StackRoleReads"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("Headroom: what CloudFormation looks at to make hosts"),
		Roles:       &[]awsiam.IRole{role},
		Statements:  statements(describeGrants(p)...),
	})
	permit(role, securityGroupGrants(p)...)
	permit(role, machineGrants(p)...)
	permit(role, databaseGrants(p)...)
	permit(role, alarmGrant(p))
	permit(role, bucketGrants(p)...)
	permit(role, shareRoleGrants(p, boundary)...)
	permit(role, dnsGrants(p)...)
	suppress(reads, "AwsSolutions-IAM5", "Lists, and Describe calls, know no resources; what does is limited to it.")
	suppress(role, "AwsSolutions-IAM5",
		"Hosts are made while it runs, so their names are not known here: resources are limited to this stage's names or tags, "+
			"and those that have no name before they are made to this account and region.")
	return role
}

// describeGrants are what the handlers of the templates' types read of more than their own: limited where AWS can.
func describeGrants(p HostStacksProps) []Grant {
	return []Grant{
		{
			Actions: []string{
				"ec2:DescribeAccountAttributes", "ec2:DescribeAvailabilityZones", "ec2:DescribeImages",
				"ec2:DescribeInstanceCreditSpecifications", "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypes",
				"ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeLaunchTemplates",
				"ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups",
				"ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVolumeStatus", "ec2:DescribeVolumes",
				"ec2:DescribeVolumesModifications", "ec2:DescribeVpcs",
				"logs:DescribeLogGroups", "rds:DescribeDBEngineVersions", "rds:DescribeEngineDefaultParameters",
				"route53:ListHostedZones", "ssm:ListAssociations",
			},
			Resources: *everything(),
		},
		{Actions: []string{"ec2:DescribeVpcAttribute"}, Resources: []*string{p.Network.vpcARN()}},
		{
			// EC2's handler looks whether Systems Manager is associated with a machine: none is.
			Actions:   []string{"ssm:DescribeAssociation"},
			Resources: []*string{arn("ec2", "instance/*"), arn("ssm", "association/*"), arn("ssm", "document/*")},
		},
	}
}

func securityGroupGrants(p HostStacksProps) []Grant {
	groups := arn("ec2", "security-group/*")
	return []Grant{
		{
			Actions:   []string{"ec2:CreateSecurityGroup"},
			Resources: []*string{groups, p.Network.vpcARN()},
		},
		{
			// Only in the hosts' VPC: other groups of the account stay as they are.
			Actions: []string{
				"ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags",
				"ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
			},
			Resources: []*string{groups, arn("ec2", "security-group-rule/*")},
			When:      Conditions{"ArnEqualsIfExists": {"ec2:Vpc": p.Network.vpcARN()}},
		},
	}
}

func machineGrants(p HostStacksProps) []Grant {
	instances, volumes, interfaces := arn("ec2", "instance/*"), arn("ec2", "volume/*"), arn("ec2", "network-interface/*")
	ours := ofStage(p.Stage, stageOfResource)
	return []Grant{
		// A machine and its interface: EC2 checks both on all that they are made with. Wherever they are
		// made, it is in the hosts' subnets, in groups of the hosts' network.
		{
			Actions:   []string{"ec2:CreateNetworkInterface", "ec2:RunInstances"},
			Resources: p.Network.subnetARNs(),
		},
		{
			// An interface is in no network before it is made: the subnet that it is made in is.
			Actions:   []string{"ec2:CreateNetworkInterface", "ec2:RunInstances"},
			Resources: []*string{interfaces, arn("ec2", "security-group/*")},
			When:      Conditions{"ArnEqualsIfExists": {"ec2:Vpc": p.Network.vpcARN()}},
		},
		{Actions: []string{"ec2:RunInstances"}, Resources: []*string{instances}},
		{
			Actions:   []string{"ec2:RunInstances"},
			Resources: []*string{volumes},
			When:      Conditions{"Bool": {"ec2:Encrypted": jsii.String("true")}},
		},
		{
			// AWS makes the gateways' images.
			Actions:   []string{"ec2:RunInstances"},
			Resources: jsiiStrings("arn:" + *awscdk.Aws_PARTITION() + ":ec2:" + *awscdk.Aws_REGION() + "::image/*"),
			When:      Conditions{"StringEquals": {"ec2:Owner": p.ImageOwner}},
		},
		{
			Actions:   []string{"ec2:CreateVolume"},
			Resources: []*string{volumes},
			When:      Conditions{"Bool": {"ec2:Encrypted": jsii.String("true")}},
		},
		{
			// Tagging what is there already would make it ours: only at birth, or if it is ours.
			Actions:   []string{"ec2:CreateTags"},
			Resources: []*string{instances, volumes, interfaces},
			When: Conditions{"StringEquals": {"ec2:CreateAction": jsii.Strings(
				"RunInstances", "CreateVolume", "CreateNetworkInterface",
			)}},
		},
		{
			Actions: []string{
				"ec2:CreateTags", "ec2:DeleteNetworkInterface", "ec2:DeleteVolume", "ec2:DescribeInstanceAttribute",
				"ec2:DescribeVolumeAttribute", "ec2:ModifyInstanceAttribute", "ec2:ModifyNetworkInterfaceAttribute",
				// A machine gets another size by a stop and a start, and another machine after it was ended.
				"ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances",
			},
			Resources: []*string{instances, volumes, interfaces},
			When:      ours,
		},
		{
			// A machine's volumes are opened by a grant that EC2 takes on the key.
			Actions:   []string{"kms:CreateGrant"},
			Resources: []*string{p.Keys.Hosts.KeyArn()},
			When:      Conditions{"Bool": {"kms:GrantIsForAWSResource": jsii.String("true")}},
		},
		{
			Actions: []string{
				"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
				"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
			},
			Resources: []*string{p.Keys.Hosts.KeyArn()},
		},
	}
}

func databaseGrants(p HostStacksProps) []Grant {
	prefix := "headroom-" + p.Stage.Name + "-database-*"
	return []Grant{
		{
			Actions: []string{
				"rds:AddTagsToResource", "rds:CreateDBInstance", "rds:CreateDBParameterGroup", "rds:CreateDBSnapshot",
				"rds:CreateDBSubnetGroup", "rds:DeleteDBInstance", "rds:DeleteDBParameterGroup", "rds:DeleteDBSubnetGroup",
				"rds:DescribeDBInstances", "rds:DescribeDBParameterGroups", "rds:DescribeDBParameters",
				"rds:DescribeDBSnapshots", "rds:DescribeDBSubnetGroups", "rds:ListTagsForResource",
				"rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "rds:ModifyDBSubnetGroup",
				"rds:RemoveTagsFromResource", "rds:ResetDBParameterGroup",
			},
			Resources: []*string{
				arn("rds", "db:"+prefix), arn("rds", "pg:"+prefix), arn("rds", "subgrp:"+prefix), arn("rds", "snapshot:"+prefix),
				arn("rds", "og:default:*"), // RDS's own option groups
			},
		},
		{
			Actions: []string{
				"logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:ListTagsForResource", "logs:PutRetentionPolicy",
				"logs:TagResource",
			},
			Resources: []*string{arn("logs", "log-group:/aws/rds/instance/"+prefix)},
		},
		{
			// RDS makes the master secret with the rights of the caller that asks for it.
			Actions:   []string{"secretsmanager:CreateSecret", "secretsmanager:TagResource"},
			Resources: []*string{arn("secretsmanager", "secret:rds!db-*")},
		},
		{
			// The first RDS instance of an account brings RDS's own role.
			Actions:   []string{"iam:CreateServiceLinkedRole"},
			Resources: []*string{roleARN("/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS")},
			When:      Conditions{"StringEquals": {"iam:AWSServiceName": jsii.String("rds.amazonaws.com")}},
		},
	}
}

func alarmGrant(p HostStacksProps) Grant {
	g := Grant{Actions: []string{
		"cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource",
		"cloudwatch:PutMetricAlarm", "cloudwatch:TagResource",
	}}
	for _, kind := range pool.Kinds {
		g.Resources = append(g.Resources, arn("cloudwatch", "alarm:headroom-"+p.Stage.Name+"-"+string(kind)+"-*"))
	}
	return g
}

func bucketGrants(p HostStacksProps) []Grant {
	return []Grant{{
		Actions: []string{
			"s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:GetBucketOwnershipControls",
			"s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketTagging", "s3:GetBucketVersioning",
			"s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:ListBucket", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
			"s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
			"s3:PutLifecycleConfiguration", "s3:TagResource",
		},
		Resources: jsiiStrings(bucketPattern(p.Stage.Name)),
	}}
}

func shareRoleGrants(p HostStacksProps, boundary awsiam.ManagedPolicy) []Grant {
	roles := roleARN(shareRolePath(p.Stage.Name) + "*")
	return []Grant{
		{
			Actions:   []string{"iam:CreateRole", "iam:PutRolePolicy"},
			Resources: []*string{roles},
			When:      Conditions{"StringEquals": {"iam:PermissionsBoundary": boundary.ManagedPolicyArn()}},
		},
		{
			Actions: []string{
				"iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
				"iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:TagRole",
			},
			Resources: []*string{roles},
		},
	}
}

func dnsGrants(p HostStacksProps) []Grant {
	prefix := "arn:" + *awscdk.Aws_PARTITION() + ":route53:::"
	return []Grant{
		{
			Actions:   []string{"route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets"},
			Resources: jsiiStrings(prefix + "hostedzone/" + *p.Network.Zone.Ref()),
		},
		{Actions: []string{"route53:GetChange"}, Resources: jsiiStrings(prefix + "change/*")},
	}
}
