package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// What a gateway does with the bucket of a share, as Storage Gateway's documentation lists it.
var (
	shareBucketActions = []string{
		"s3:GetAccelerateConfiguration", "s3:GetBucketLocation", "s3:GetBucketVersioning",
		"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions",
	}
	shareObjectActions = []string{
		"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectAcl",
		"s3:GetObjectVersion", "s3:ListMultipartUploadParts", "s3:PutObject", "s3:PutObjectAcl",
	}
	shareKeyActions = []string{
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
)

// shareKeyGrants let a share's role use the hosts' key through S3 only: the key wraps the instances' master
// secrets too, and those are out of its reach. What the key is like may be asked directly.
func shareKeyGrants(key *string) []Grant {
	return []Grant{
		useKeyARN(key, "s3", shareKeyActions...),
		{Actions: []string{"kms:DescribeKey"}, Resources: []*string{key}},
	}
}

type shareSlotProps struct {
	Number      int // from 1
	Condition   awscdk.CfnCondition
	Sides       sides
	Host        hostParams
	BoundaryArn *string
	RestoreDays int
}

// newShareSlot makes what one share needs: a bucket, and a role that reaches that bucket only.
func newShareSlot(stack awscdk.Stack, p shareSlotProps) {
	id := func(what string) *string { return jsii.String(fmt.Sprintf("%s%02d", what, p.Number)) }
	bucket := newShareBucket(stack, p, id)
	output(stack, *id("Bucket"), bucket.AttrArn(), p.Condition)
	for _, side := range p.Sides.each() {
		newShareRole(stack, p, id, side, bucket.AttrArn())
	}
}

// newShareRole makes the role of a share on one side of the stack. While the stack is fenced it denies everything: that is a
// change of its policy, which fails the update if it fails, where the deletion of a role that fails does not.
func newShareRole(stack awscdk.Stack, p shareSlotProps, id func(string) *string, side side, bucket *string) {
	own := func(what string) *string { return jsii.String(*id(what) + side.Suffix) }
	reach := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: statements(append([]Grant{
		{Actions: shareBucketActions, Resources: []*string{bucket}},
		{Actions: shareObjectActions, Resources: jsiiStrings(*bucket + "/*")},
	}, shareKeyGrants(p.Host.KeyArn)...)...)})
	nothing := map[string]any{
		"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Deny", "Action": "*", "Resource": "*"}},
	}
	role := awsiam.NewCfnRole(stack, own("ShareRole"), &awsiam.CfnRoleProps{
		Path:                     awscdk.Fn_Sub(jsii.String("/headroom/${Stage}/share/"), nil),
		Description:              awscdk.Fn_Sub(jsii.String(fmt.Sprintf("Headroom: share %d of ${HostId}, tier ${Tier}", p.Number)), nil),
		PermissionsBoundary:      p.BoundaryArn,
		AssumeRolePolicyDocument: trustGateways(),
		Policies: []*awsiam.CfnRole_PolicyProperty{{
			PolicyName:     jsii.String("Bucket"),
			PolicyDocument: awscdk.Fn_ConditionIf(p.Sides.Fenced.LogicalId(), nothing, reach),
		}},
	})
	there := bothConditions(stack, *own("HasRole"), p.Condition, side.Is)
	role.CfnOptions().SetCondition(there)
	output(stack, *own("Role"), role.AttrArn(), there)
	suppress(role, "AwsSolutions-IAM5", "All objects of its one bucket: a share's files have no names known beforehand.")
}

func newShareBucket(stack awscdk.Stack, p shareSlotProps, id func(string) *string) awss3.CfnBucket {
	bucket := awss3.NewCfnBucket(stack, id("ShareBucket"), &awss3.CfnBucketProps{
		BucketEncryption:               encryptedWith(p.Host.KeyArn),
		OwnershipControls:              ownedByTheBucketsOwner(),
		PublicAccessBlockConfiguration: notPublic(),
		VersioningConfiguration:        &awss3.CfnBucket_VersioningConfigurationProperty{Status: jsii.String("Enabled")},
		LifecycleConfiguration:         forgetOldVersions(p.RestoreDays),
	})
	bucket.CfnOptions().SetCondition(p.Condition)
	keepOnceCreated(bucket)
	suppress(bucket, "AwsSolutions-S1", "Only the share's gateway reaches the bucket; CloudTrail's data events say what it did, where that is wanted.")

	policy := awss3.NewCfnBucketPolicy(stack, id("ShareBucketPolicy"), &awss3.CfnBucketPolicyProps{
		Bucket: bucket.Ref(), PolicyDocument: tlsOnly(bucket),
	})
	policy.CfnOptions().SetCondition(p.Condition)
	keepOnceCreated(policy)
	return bucket
}

// uploadDays is how long an upload may take before what came of it is thrown away: more than any does.
const uploadDays = 7

// forgetOldVersions ends what nobody can want any more. A version that was the current one at some time in
// the last days is kept: the days count from when another took its place, not from when it was written.
func forgetOldVersions(days int) *awss3.CfnBucket_LifecycleConfigurationProperty {
	return &awss3.CfnBucket_LifecycleConfigurationProperty{
		Rules: []*awss3.CfnBucket_RuleProperty{
			{
				Id: jsii.String("OldVersions"), Status: jsii.String("Enabled"),
				NoncurrentVersionExpiration: &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: jsii.Number(days)},
				// The mark of a deleted file goes once its last version has gone.
				ExpiredObjectDeleteMarker: jsii.Bool(true),
			},
			{
				Id: jsii.String("UnfinishedUploads"), Status: jsii.String("Enabled"),
				AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: jsii.Number(uploadDays)},
			},
		},
	}
}

// trustGateways lets Storage Gateway take a role on behalf of this account's gateways only.
func trustGateways() awsiam.PolicyDocument {
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("storagegateway.amazonaws.com"), nil)},
			Actions:    jsii.Strings("sts:AssumeRole"),
			Conditions: &map[string]any{
				"StringEquals": map[string]*string{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()},
				"ArnLike":      map[string]*string{"aws:SourceArn": arn("storagegateway", "gateway/*")},
			},
		}),
	}})
}
