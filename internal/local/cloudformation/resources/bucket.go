package resources

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

type bucket struct{ *Resources }

// bucketProperties are the properties of a bucket that make a difference here.
type bucketProperties struct {
	BucketEncryption struct {
		ServerSideEncryptionConfiguration []struct {
			ServerSideEncryptionByDefault struct {
				KMSMasterKeyID string
			}
		}
	}
	Tags []weakjson.Tag
}

// Create makes a bucket, with the tags of its stack, its own and CloudFormation's. Ref returns its name.
func (b bucket) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	var p bucketProperties
	if err := weakjson.Decode(r.Properties, &p); err != nil {
		return resource.Created{}, err
	}
	name := strings.ToLower(r.Name("BucketName"))
	_, err := b.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)})
	if err != nil && errorCode(err) != "BucketAlreadyOwnedByYou" {
		return resource.Created{}, fmt.Errorf("create bucket %s: %w", name, err)
	}
	b.Tags.Set(name, tagsOf(r, p.Tags))
	arn := "arn:aws:s3:::" + name
	for _, rule := range p.BucketEncryption.ServerSideEncryptionConfiguration {
		b.Policies.PutKeyOf(arn, rule.ServerSideEncryptionByDefault.KMSMasterKeyID)
	}
	return resource.Created{PhysicalID: name, Attributes: map[string]any{
		"Arn": arn, "DomainName": name + ".s3.amazonaws.com", "RegionalDomainName": name + ".s3." + b.Region + ".amazonaws.com",
	}}, nil
}

// Delete deletes a bucket. One that is not empty stays, as it does in AWS.
func (b bucket) Delete(ctx context.Context, r resource.Resource) error {
	_, err := b.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(r.PhysicalID)})
	if err != nil && errorCode(err) != "NoSuchBucket" {
		return fmt.Errorf("delete bucket %s: %w", r.PhysicalID, err)
	}
	b.Policies.DeleteResource("arn:aws:s3:::" + r.PhysicalID)
	b.Tags.Forget(r.PhysicalID)
	return nil
}

// tagsOf are the tags that CloudFormation gives a resource.
func tagsOf(r resource.Resource, own []weakjson.Tag) map[string]string {
	tags := weakjson.Tags(r.Tags, own)
	tags["aws:cloudformation:stack-name"] = r.StackName
	tags["aws:cloudformation:stack-id"] = r.StackID
	tags["aws:cloudformation:logical-id"] = r.LogicalID
	return tags
}

func errorCode(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

type bucketPolicy struct{ *Resources }

// Create gives a bucket its policy.
func (b bucketPolicy) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	document, err := iam.ParseDocument(r.Properties["PolicyDocument"])
	if err != nil {
		return resource.Created{}, err
	}
	name := text(r.Properties, "Bucket")
	b.Policies.PutResourcePolicy("arn:aws:s3:::"+name, document)
	return resource.Created{PhysicalID: name}, nil
}

// Delete takes a bucket's policy away.
func (b bucketPolicy) Delete(_ context.Context, r resource.Resource) error {
	b.Policies.DeleteResourcePolicy("arn:aws:s3:::" + text(r.Properties, "Bucket"))
	return nil
}
