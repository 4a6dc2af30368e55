package resources_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// archive is a template of a bucket that has all that a bucket can have here.
const archive = `{"Resources":{
	"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]},
		"Policies":[{"PolicyName":"P","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}}]}},
	"Bucket":{"Type":"AWS::S3::Bucket","Properties":{
		"ObjectLockEnabled":true,
		"BucketEncryption":{"ServerSideEncryptionConfiguration":[{"BucketKeyEnabled":true,"ServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"arn:aws:kms:eu-west-1:123456789012:key/k"}}]},
		"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true},
		"OwnershipControls":{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]},
		"VersioningConfiguration":{"Status":"Enabled"},
		"LifecycleConfiguration":{"TransitionDefaultMinimumObjectSize":"varies_by_storage_class","Rules":[
			{"Id":"Deep","Status":"Enabled","TagFilters":[{"Key":"storage","Value":"deep"}],"Transitions":[{"StorageClass":"DEEP_ARCHIVE","TransitionInDays":0}]},
			{"Id":"Uploads","Status":"Enabled","AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}}},
	"Policy":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"Bucket"},"PolicyDocument":{"Statement":[
		{"Sid":"TlsOnly","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":[{"Fn::GetAtt":["Bucket","Arn"]},{"Fn::Sub":"${Bucket.Arn}/*"}],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:DeleteObjectVersion","Resource":{"Fn::Sub":"${Bucket.Arn}/*"}}]}}}},
	"Outputs":{"Bucket":{"Value":{"Ref":"Bucket"}},"RoleArn":{"Value":{"Fn::GetAtt":["Role","Arn"]}}}}`

func TestABucketIsAsItsTemplateSays(t *testing.T) {
	c := newCloud(t)
	out := c.stack(t, archive)
	b, ctx, client := aws.String(out["Bucket"]), t.Context(), s3.NewFromConfig(c.config("owner"))
	lock, err := client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: b})
	if err != nil || lock.ObjectLockConfiguration.ObjectLockEnabled != s3types.ObjectLockEnabledEnabled || lock.ObjectLockConfiguration.Rule != nil {
		t.Errorf("lock %v: %v", lock, err)
	}
	versioning, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	if err != nil || versioning.Status != s3types.BucketVersioningStatusEnabled {
		t.Errorf("versioning %v: %v", versioning, err)
	}
	encryption, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	rule := encryption.ServerSideEncryptionConfiguration.Rules[0]
	if d := rule.ApplyServerSideEncryptionByDefault; d.SSEAlgorithm != "aws:kms" || !strings.HasSuffix(aws.ToString(d.KMSMasterKeyID), "key/k") || !aws.ToBool(rule.BucketKeyEnabled) {
		t.Errorf("encryption %v", rule)
	}
	lifecycle, err := client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	if err != nil || len(lifecycle.Rules) != 2 || lifecycle.TransitionDefaultMinimumObjectSize != "varies_by_storage_class" {
		t.Fatalf("lifecycle %v: %v", lifecycle, err)
	}
	if r := lifecycle.Rules[0]; *r.ID != "Deep" || *r.Filter.Tag.Key != "storage" || *r.Filter.Tag.Value != "deep" ||
		r.Transitions[0].StorageClass != "DEEP_ARCHIVE" || aws.ToInt32(r.Transitions[0].Days) != 0 {
		t.Errorf("rule %v", r)
	}
	if r := lifecycle.Rules[1]; r.AbortIncompleteMultipartUpload == nil || *r.AbortIncompleteMultipartUpload.DaysAfterInitiation != 7 {
		t.Errorf("rule %v", r)
	}
	public, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	if err != nil || !aws.ToBool(public.PublicAccessBlockConfiguration.RestrictPublicBuckets) {
		t.Errorf("public access %v: %v", public, err)
	}
}

func TestABucketsPolicyIsForEachOfManyKeysToo(t *testing.T) {
	c := newCloud(t)
	out := c.stack(t, archive)
	b := aws.String(out["Bucket"])
	put, err := s3.NewFromConfig(c.config("owner")).PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	c.keys.Issue("worker", out["RoleArn"])
	deleted, err := s3.NewFromConfig(c.config("worker")).DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{
		{Key: aws.String("k"), VersionId: put.VersionId}, {Key: aws.String("other")},
	}}})
	if err != nil || len(deleted.Errors) != 1 || len(deleted.Deleted) != 1 {
		t.Fatalf("deleted %v: %v", deleted, err)
	}
	if e := deleted.Errors[0]; *e.Code != "AccessDenied" || *e.Key != "k" {
		t.Errorf("error %s of %s", *e.Code, *e.Key)
	}
}

func TestABucketIsUpdatedInPlace(t *testing.T) {
	c := newCloud(t)
	out := c.stack(t, archive)
	b, client := aws.String(out["Bucket"]), s3.NewFromConfig(c.config("owner"))
	put, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	c.update(t, strings.NewReplacer("DEEP_ARCHIVE", "GLACIER", "key/k", "key/other").Replace(archive), cloudformationtypes.StackStatusUpdateComplete)
	lifecycle, err := client.GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	if err != nil || lifecycle.Rules[0].Transitions[0].StorageClass != "GLACIER" {
		t.Errorf("lifecycle %v: %v", lifecycle, err)
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("k"), VersionId: put.VersionId})
	if err != nil || !strings.HasSuffix(aws.ToString(head.SSEKMSKeyId), "key/k") {
		t.Errorf("what was there before: %v, %v", head, err)
	}
	again, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil || !strings.HasSuffix(aws.ToString(again.SSEKMSKeyId), "key/other") {
		t.Errorf("what came after: %v, %v", again, err)
	}
	c.update(t, strings.Replace(archive, `"ObjectLockEnabled":true,`, "", 1), cloudformationtypes.StackStatusUpdateRollbackComplete)
}

// update updates the stack and waits for what comes of it.
func (c cloud) update(t *testing.T, template string, want cloudformationtypes.StackStatus) {
	t.Helper()
	client := sdk.NewFromConfig(c.config("owner"))
	if _, err := client.UpdateStack(t.Context(), &sdk.UpdateStackInput{
		StackName: aws.String("s"), TemplateBody: aws.String(template),
		Capabilities: []cloudformationtypes.Capability{cloudformationtypes.CapabilityCapabilityIam},
	}); err != nil {
		t.Fatal(err)
	}
	var last cloudformationtypes.Stack
	for range 1000 {
		out, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		if last = out.Stacks[0]; strings.HasSuffix(string(last.StackStatus), "_COMPLETE") && !strings.Contains(string(last.StackStatus), "CLEANUP") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if last.StackStatus != want {
		t.Fatalf("the stack is %s (%s), want %s", last.StackStatus, aws.ToString(last.StackStatusReason), want)
	}
}
