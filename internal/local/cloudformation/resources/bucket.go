package resources

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
	locals3 "headroom/internal/local/service/s3"
	"headroom/internal/local/weakjson"
)

type bucket struct{ *Resources }

// Create makes a bucket, with the tags of its stack, its own and CloudFormation's. Ref returns its name.
func (b bucket) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	settings, err := bucketSettings(r)
	if err != nil {
		return resource.Created{}, err
	}
	name := strings.ToLower(r.Name("BucketName"))
	if err := b.Buckets.Create(name, settings); err != nil && !isCode(err, "BucketAlreadyOwnedByYou") {
		return resource.Created{}, fmt.Errorf("create bucket %s: %w", name, err)
	}
	return b.made(name, settings), nil
}

// Update changes what a bucket is like, and its tags to those of the template.
func (b bucket) Update(_ context.Context, _, after resource.Resource) (resource.Created, error) {
	settings, err := bucketSettings(after)
	if err != nil {
		return resource.Created{}, err
	}
	if err := b.Buckets.Change(after.PhysicalID, settings); err != nil {
		return resource.Created{}, fmt.Errorf("update bucket %s: %w", after.PhysicalID, err)
	}
	return b.made(after.PhysicalID, settings), nil
}

func (b bucket) made(name string, settings locals3.Settings) resource.Created {
	arn := "arn:aws:s3:::" + name
	b.Policies.PutKeyOf(arn, settings.KMSKey)
	return resource.Created{PhysicalID: name, Attributes: map[string]any{
		"Arn": arn, "DomainName": name + ".s3.amazonaws.com", "RegionalDomainName": name + ".s3." + b.Region + ".amazonaws.com",
	}}
}

// Delete deletes a bucket. One that is not empty stays, as it does in AWS.
func (b bucket) Delete(_ context.Context, r resource.Resource) error {
	if err := b.Buckets.Delete(r.PhysicalID); err != nil && !isCode(err, "NoSuchBucket") {
		return fmt.Errorf("delete bucket %s: %w", r.PhysicalID, err)
	}
	b.Policies.DeleteResource("arn:aws:s3:::" + r.PhysicalID)
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

func isCode(err error, code string) bool {
	var e *endpoint.Error
	return errors.As(err, &e) && e.Code == code
}

// bucketProperties are the properties of a bucket that make a difference here.
type bucketProperties struct {
	BucketEncryption struct {
		ServerSideEncryptionConfiguration []struct {
			BucketKeyEnabled              weakjson.Bool
			ServerSideEncryptionByDefault struct{ KMSMasterKeyID string }
		}
	}
	VersioningConfiguration struct{ Status string }
	ObjectLockEnabled       weakjson.Bool
	ObjectLockConfiguration struct {
		Rule struct {
			DefaultRetention struct {
				Mode        string
				Days, Years weakjson.Int
			}
		}
	}
	LifecycleConfiguration struct {
		TransitionDefaultMinimumObjectSize string
		Rules                              []bucketRule
	}
	PublicAccessBlockConfiguration *struct {
		BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets weakjson.Bool
	}
	Tags []weakjson.Tag
}

type bucketRule struct {
	ID                                        string `json:"Id"`
	Status, Prefix                            string
	TagFilters                                []weakjson.Tag
	ObjectSizeGreaterThan, ObjectSizeLessThan weakjson.Int
	Transitions                               []bucketTransition
	NoncurrentVersionTransitions              []bucketTransition
	ExpirationInDays                          weakjson.Int
	ExpiredObjectDeleteMarker                 weakjson.Bool
	NoncurrentVersionExpiration               struct{ NoncurrentDays weakjson.Int }
	AbortIncompleteMultipartUpload            struct{ DaysAfterInitiation weakjson.Int }
}

type bucketTransition struct {
	TransitionInDays weakjson.Int
	StorageClass     string
}

func bucketSettings(r resource.Resource) (locals3.Settings, error) {
	var p bucketProperties
	if err := weakjson.Decode(r.Properties, &p); err != nil {
		return locals3.Settings{}, err
	}
	s := locals3.Settings{
		Tags:       tagsOf(r, p.Tags),
		Versioning: p.VersioningConfiguration.Status, ObjectLock: bool(p.ObjectLockEnabled),
		PublicAccess: locals3.BlockPublic{Acls: true, Policy: true, IgnoreAcls: true, RestrictBuckets: true},
		Lifecycle:    locals3.Lifecycle{MinimumSize: p.LifecycleConfiguration.TransitionDefaultMinimumObjectSize},
	}
	retention := p.ObjectLockConfiguration.Rule.DefaultRetention
	s.Retention = locals3.Default{Mode: retention.Mode, Days: int(retention.Days), Years: int(retention.Years)}
	for _, rule := range p.BucketEncryption.ServerSideEncryptionConfiguration {
		s.KMSKey, s.BucketKey = rule.ServerSideEncryptionByDefault.KMSMasterKeyID, bool(rule.BucketKeyEnabled)
	}
	if public := p.PublicAccessBlockConfiguration; public != nil {
		s.PublicAccess = locals3.BlockPublic{
			Acls: bool(public.BlockPublicAcls), Policy: bool(public.BlockPublicPolicy),
			IgnoreAcls: bool(public.IgnorePublicAcls), RestrictBuckets: bool(public.RestrictPublicBuckets),
		}
	}
	for _, rule := range p.LifecycleConfiguration.Rules {
		s.Lifecycle.Rules = append(s.Lifecycle.Rules, locals3.LifecycleRule{
			ID: rule.ID, Status: rule.Status, Prefix: rule.Prefix, Tags: weakjson.Tags(nil, rule.TagFilters),
			LargerThan: int64(rule.ObjectSizeGreaterThan), SmallerThan: int64(rule.ObjectSizeLessThan),
			Transitions: transitionsOf(rule.Transitions), NoncurrentTransitions: transitionsOf(rule.NoncurrentVersionTransitions),
			ExpirationDays: int(rule.ExpirationInDays), ExpireDeleteMarkers: bool(rule.ExpiredObjectDeleteMarker),
			NoncurrentDays:   int(rule.NoncurrentVersionExpiration.NoncurrentDays),
			AbortUploadsDays: int(rule.AbortIncompleteMultipartUpload.DaysAfterInitiation),
		})
	}
	return s, nil
}

func transitionsOf(given []bucketTransition) []locals3.Transition {
	var transitions []locals3.Transition
	for _, t := range given {
		transitions = append(transitions, locals3.Transition{Days: int(t.TransitionInDays), StorageClass: t.StorageClass})
	}
	return transitions
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
