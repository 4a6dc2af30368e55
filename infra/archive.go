package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// What becomes of an object of the archive is said by a tag, which it has from its first byte on: whoever dies
// on the way leaves something that goes away by itself.
const (
	archiveTag = "headroom:archive"
	archiveTry = "attempt" // nobody has verified it: it expires
	archiveDue = "deep"    // it is verified and locked: it goes to deep storage
	archiveHot = "kept"    // it is verified and locked: it stays where it can be read
)

const (
	// attemptDays is how long an archive may lie there unverified: longer than all tries together take.
	attemptDays = 30
	// deepDays is how long an archive can still be read at once after it was verified.
	deepDays = 1
)

// Archives is where the data of tenants lies that have left.
type Archives struct {
	Bucket awss3.CfnBucket
	key    awskms.Key
}

// NewArchives makes the bucket. It and its key outlive the stack. It has no default retention: that would lock
// failed attempts too. Each version that is verified gets one of its own.
func NewArchives(scope constructs.Construct, id string, key awskms.Key) Archives {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	bucket := awss3.NewCfnBucket(scope, jsii.String("Bucket"), &awss3.CfnBucketProps{
		ObjectLockEnabled:              jsii.Bool(true),
		VersioningConfiguration:        &awss3.CfnBucket_VersioningConfigurationProperty{Status: jsii.String("Enabled")},
		BucketEncryption:               encryptedWith(key.KeyArn()),
		OwnershipControls:              ownedByTheBucketsOwner(),
		PublicAccessBlockConfiguration: notPublic(),
		LifecycleConfiguration:         archiveLifecycle(),
	})
	bucket.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	bucket.OverrideLogicalId(jsii.String("ArchiveBucket")) // another one would be a new, empty bucket
	suppress(bucket, "AwsSolutions-S1", "Only two functions and one task reach the bucket; CloudTrail's data events say what they did, where that is wanted.")

	policy := awss3.NewCfnBucketPolicy(scope, jsii.String("Policy"), &awss3.CfnBucketPolicyProps{
		Bucket: bucket.Ref(), PolicyDocument: tlsOnly(bucket),
	})
	policy.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	policy.OverrideLogicalId(jsii.String("ArchiveBucketPolicy"))
	return Archives{Bucket: bucket, key: key}
}

// objects are the ARNs of objects whose keys match patterns.
func (a Archives) objects(patterns ...string) []*string {
	var arns []*string
	for _, pattern := range patterns {
		arns = append(arns, jsii.String(*a.Bucket.AttrArn()+"/"+pattern))
	}
	return arns
}

// archiveLifecycle sends what is verified to deep storage, of any size, and ends what nobody verified. No rule can
// end what is locked, and none is for objects without a tag, or with another.
func archiveLifecycle() *awss3.CfnBucket_LifecycleConfigurationProperty {
	rule := func(id string, r awss3.CfnBucket_RuleProperty) *awss3.CfnBucket_RuleProperty {
		r.Id, r.Status = jsii.String(id), jsii.String("Enabled")
		return &r
	}
	tagged := func(value string) []*awss3.CfnBucket_TagFilterProperty {
		return []*awss3.CfnBucket_TagFilterProperty{{Key: jsii.String(archiveTag), Value: jsii.String(value)}}
	}
	return &awss3.CfnBucket_LifecycleConfigurationProperty{
		// Else what is smaller than 128 KB would stay.
		TransitionDefaultMinimumObjectSize: jsii.String("varies_by_storage_class"),
		Rules: []*awss3.CfnBucket_RuleProperty{
			rule("Deep", awss3.CfnBucket_RuleProperty{
				TagFilters: tagged(archiveDue),
				Transitions: []*awss3.CfnBucket_TransitionProperty{{
					StorageClass: jsii.String("DEEP_ARCHIVE"), TransitionInDays: jsii.Number(deepDays),
				}},
			}),
			rule("FailedAttempts", awss3.CfnBucket_RuleProperty{
				TagFilters:       tagged(archiveTry),
				ExpirationInDays: jsii.Number(attemptDays),
				// To expire is to get a delete marker: what it hides goes a day later.
				NoncurrentVersionExpiration: &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: jsii.Number(1)},
			}),
			// Neither may be bound to tags.
			rule("Remainders", awss3.CfnBucket_RuleProperty{
				ExpiredObjectDeleteMarker:      jsii.Bool(true),
				AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: jsii.Number(uploadDays)},
			}),
		},
	}
}
