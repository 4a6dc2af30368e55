package objectstest

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const tagMax = 10

// retention is what a request says of it. This fake knows governance only.
func (f *S3) retention(b *bucket, mode types.ObjectLockRetentionMode, until *time.Time) (time.Time, error) {
	switch {
	case !b.locked:
		return time.Time{}, refuse("InvalidRequest", "Bucket is missing Object Lock Configuration")
	case mode == "" || until == nil:
		return time.Time{}, refuse("InvalidArgument", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	case mode != types.ObjectLockRetentionModeGovernance:
		return time.Time{}, refuse("InvalidArgument", "Unknown wormMode directive.")
	case !until.After(f.Now()):
		return time.Time{}, refuse("InvalidArgument", "The retain until date must be in the future!")
	}
	return until.UTC().Truncate(time.Millisecond), nil
}

// locked reports whether a version may not be deleted, nor its retention be shortened.
func (f *S3) locked(v *version, bypass *bool) bool {
	return v.until.After(f.Now()) && !aws.ToBool(bypass)
}

func errLocked() error {
	return refuse("AccessDenied", "Access Denied because object protected by object lock.")
}

// PutObjectRetention is S3's.
func (f *S3) PutObjectRetention(ctx context.Context, in *s3.PutObjectRetentionInput, _ ...func(*s3.Options)) (*s3.PutObjectRetentionOutput, error) {
	return call(ctx, f, "PutObjectRetention", in.Bucket, func(b *bucket) (*s3.PutObjectRetentionOutput, error) {
		if in.Retention == nil {
			return nil, refuse("MalformedXML", "The XML you provided was not well-formed")
		}
		until, err := f.retention(b, in.Retention.Mode, in.Retention.RetainUntilDate)
		if err != nil {
			return nil, err
		}
		v, err := b.find(in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		if until.Before(v.until) && f.locked(v, in.BypassGovernanceRetention) {
			return nil, errLocked()
		}
		v.until = until
		return &s3.PutObjectRetentionOutput{}, nil
	})
}

// GetObjectRetention is S3's.
func (f *S3) GetObjectRetention(ctx context.Context, in *s3.GetObjectRetentionInput, _ ...func(*s3.Options)) (*s3.GetObjectRetentionOutput, error) {
	return call(ctx, f, "GetObjectRetention", in.Bucket, func(b *bucket) (*s3.GetObjectRetentionOutput, error) {
		if !b.locked {
			return nil, refuse("InvalidRequest", "Bucket is missing Object Lock Configuration")
		}
		v, err := b.find(in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		if v.until.IsZero() {
			return nil, refuse("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
		}
		return &s3.GetObjectRetentionOutput{Retention: &types.ObjectLockRetention{
			Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: aws.Time(v.until),
		}}, nil
	})
}

func checkTags(tags []types.Tag) error {
	if len(tags) > tagMax {
		return refuse("BadRequest", "Object tags cannot be greater than 10")
	}
	seen := map[string]bool{}
	for _, tag := range tags {
		if key := aws.ToString(tag.Key); seen[key] || key == "" {
			return refuse("InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		seen[aws.ToString(tag.Key)] = true
	}
	return nil
}

// tagsOf are the tags that an object is stored with, which a request has as a URL's query has its parameters.
func tagsOf(header *string) ([]types.Tag, error) {
	query, err := url.ParseQuery(aws.ToString(header))
	if err != nil {
		return nil, refuse("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var tags []types.Tag
	for _, key := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[key] {
			tags = append(tags, types.Tag{Key: &key, Value: &value})
		}
	}
	return tags, checkTags(tags)
}

// PutObjectTagging is S3's: all tags are replaced.
func (f *S3) PutObjectTagging(ctx context.Context, in *s3.PutObjectTaggingInput, _ ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error) {
	return call(ctx, f, "PutObjectTagging", in.Bucket, func(b *bucket) (*s3.PutObjectTaggingOutput, error) {
		v, err := b.find(in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		if err := checkTags(in.Tagging.TagSet); err != nil {
			return nil, err
		}
		v.tags = in.Tagging.TagSet
		return &s3.PutObjectTaggingOutput{VersionId: &v.id}, nil
	})
}

// GetObjectTagging is S3's: none are no error.
func (f *S3) GetObjectTagging(ctx context.Context, in *s3.GetObjectTaggingInput, _ ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error) {
	return call(ctx, f, "GetObjectTagging", in.Bucket, func(b *bucket) (*s3.GetObjectTaggingOutput, error) {
		v, err := b.find(in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		return &s3.GetObjectTaggingOutput{TagSet: v.tags, VersionId: &v.id}, nil
	})
}

// bare is a refusal whose words have no body to be in.
func bare(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NoSuchVersion":
		return refuse("NotFound", "Not Found")
	case "MethodNotAllowed":
		return refuse("MethodNotAllowed", "Method Not Allowed")
	default:
		return refuse("BadRequest", "Bad Request")
	}
}
