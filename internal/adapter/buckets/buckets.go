// Package buckets is S3, as far as the buckets of shares are marked there.
package buckets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
)

// markTag is the tag that bears the mark of the slot that a bucket is part of.
const markTag = "headroom:slot"

// What is refused before S3 hears of it.
var (
	errNoBucket = errors.New("it is not the ARN of a bucket")
	errNoMark   = errors.New("the mark is empty")
)

type client interface {
	GetBucketTagging(ctx context.Context, in *s3.GetBucketTaggingInput, opts ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
	PutBucketTagging(ctx context.Context, in *s3.PutBucketTaggingInput, opts ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error)
}

// Buckets are the buckets of shares.
type Buckets struct{ Client client }

// Mark makes a bucket bear a mark, in place of an earlier one. Its other tags stay; one that bears the mark
// is left as it is.
//
// S3 takes the tags of a bucket only as a whole, and without a condition: what another writer tags between
// the read and the write is lost. So a bucket is marked once, before it is in use. CloudFormation's own tags
// ("aws:…") are sent back as they were read: S3 refuses a request that lacks or changes one.
func (b *Buckets) Mark(ctx context.Context, bucketARN, mark string) error {
	name, err := nameOf(bucketARN)
	if err != nil {
		return fmt.Errorf("mark bucket %q: %w", bucketARN, err)
	}
	if mark == "" {
		return fmt.Errorf("mark bucket %s: %w", name, errNoMark)
	}
	tags, err := b.tags(ctx, name)
	if err != nil {
		return err
	}
	tags, changed := marked(tags, mark)
	if !changed {
		return nil
	}
	_, err = b.Client.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &name, Tagging: &types.Tagging{TagSet: tags}})
	if err != nil {
		return fmt.Errorf("mark bucket %s: %w", name, err)
	}
	return nil
}

// MarkOf is the mark that a bucket bears; empty when it bears none.
func (b *Buckets) MarkOf(ctx context.Context, bucketARN string) (string, error) {
	name, err := nameOf(bucketARN)
	if err != nil {
		return "", fmt.Errorf("read the mark of bucket %q: %w", bucketARN, err)
	}
	tags, err := b.tags(ctx, name)
	if err != nil {
		return "", err
	}
	for _, tag := range tags {
		if aws.ToString(tag.Key) == markTag {
			return aws.ToString(tag.Value), nil
		}
	}
	return "", nil
}

func (b *Buckets) tags(ctx context.Context, name string) ([]types.Tag, error) {
	out, err := b.Client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
	if awsclient.IsUntagged(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tags of bucket %s: %w", name, err)
	}
	return out.TagSet, nil
}

// marked is tags with the mark, and whether that changes them.
func marked(tags []types.Tag, mark string) ([]types.Tag, bool) {
	var out []types.Tag
	for _, tag := range tags {
		if aws.ToString(tag.Key) != markTag {
			out = append(out, tag)
			continue
		}
		if aws.ToString(tag.Value) == mark {
			return tags, false
		}
	}
	return append(out, types.Tag{Key: aws.String(markTag), Value: &mark}), true
}

// nameOf is the name of a bucket by its ARN, such as "arn:aws:s3:::name".
func nameOf(bucketARN string) (string, error) {
	parsed, err := arn.Parse(bucketARN)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoBucket, err)
	}
	if parsed.Service != "s3" || parsed.Resource == "" || strings.Contains(parsed.Resource, "/") {
		return "", errNoBucket
	}
	return parsed.Resource, nil
}
