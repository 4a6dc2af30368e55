package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// reportDays is how long a report lies there that nobody has deleted.
const reportDays = 1

// Reports is where gateways write which files fail to upload. It is neither a share's bucket, where a report would be
// among the tenant's files, nor the archive's, where a gateway could write anything: it names its reports itself. The role
// is not a share's either: that reaches its share's bucket only, and what is wrong with it may be why files fail.
type Reports struct {
	Bucket awss3.CfnBucket
	Role   awsiam.CfnRole
}

// NewReports makes the bucket and the role. Reports have names of tenants' files, so they are encrypted with the key of the
// archives, are read once and deleted, and expire in any case. There are no versions that could be left.
func NewReports(scope constructs.Construct, id string, key awskms.Key) Reports {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	bucket := awss3.NewCfnBucket(scope, jsii.String("Bucket"), &awss3.CfnBucketProps{
		BucketEncryption:               encryptedWith(key.KeyArn()),
		OwnershipControls:              ownedByTheBucketsOwner(),
		PublicAccessBlockConfiguration: notPublic(),
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{Rules: []*awss3.CfnBucket_RuleProperty{{
			Id: jsii.String("Forgotten"), Status: jsii.String("Enabled"), ExpirationInDays: jsii.Number(reportDays),
			AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: jsii.Number(reportDays)},
		}}},
	})
	bucket.OverrideLogicalId(jsii.String("ReportBucket"))
	suppress(bucket, "AwsSolutions-S1", "Only gateways and one function reach the bucket, and nothing stays in it.")
	awss3.NewCfnBucketPolicy(scope, jsii.String("Policy"), &awss3.CfnBucketPolicyProps{Bucket: bucket.Ref(), PolicyDocument: tlsOnly(bucket)})

	// What Storage Gateway needs to write one, as its documentation lists it.
	role := awsiam.NewCfnRole(scope, jsii.String("Role"), &awsiam.CfnRoleProps{
		Description:              jsii.String("Headroom: gateways write which files fail to upload"),
		AssumeRolePolicyDocument: trustGateways(),
		Policies: []*awsiam.CfnRole_PolicyProperty{{
			PolicyName: jsii.String("Bucket"),
			PolicyDocument: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: statements(
				Grant{Actions: []string{"s3:AbortMultipartUpload", "s3:PutObject"}, Resources: jsiiStrings(*bucket.AttrArn() + "/*")},
				useKey(key, "s3", "kms:Decrypt", "kms:GenerateDataKey"), // an upload in parts decrypts its own
			)}),
		}},
	})
	suppress(role, "AwsSolutions-IAM5", "A gateway names its reports itself.")
	return Reports{Bucket: bucket, Role: role}
}

// reportFailing lets a function have gateways report which files fail to upload, read that, and delete it. It can't have
// such files thrown away, which Storage Gateway has a call for.
func (c *controlPlane) reportFailing() []Grant {
	return []Grant{
		{
			Actions:   []string{"storagegateway:StartCacheReport"},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		// Reports have no tags.
		{
			Actions:   []string{"storagegateway:DeleteCacheReport", "storagegateway:DescribeCacheReport"},
			Resources: []*string{arn("storagegateway", "share/*/cache-report/*")},
		},
		// Storage Gateway does not support iam:PassedToService.
		{Actions: []string{"iam:PassRole"}, Resources: []*string{c.reports.Role.AttrArn()}},
		// To list a bucket is to be told, too, that an object is not there.
		{Actions: []string{"s3:ListBucket", "s3:ListBucketVersions"}, Resources: []*string{c.reports.Bucket.AttrArn()}},
		{Actions: []string{"s3:DeleteObjectVersion", "s3:GetObject"}, Resources: jsiiStrings(*c.reports.Bucket.AttrArn() + "/*")},
	}
}
