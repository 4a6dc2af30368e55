package objects

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/pool"
)

// Retain keeps a version from being deleted until a time, in governance mode. It may be called again with the same
// time or a later one; S3 refuses a sooner one. pool.ErrNoObject when the version is not there.
func (o *Objects) Retain(ctx context.Context, ref pool.ObjectRef, until time.Time) error {
	if ref.Version == "" {
		return fmt.Errorf("retain %s: %w", name(ref), errNoVersion)
	}
	_, err := o.Client.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{
		Bucket: &ref.Bucket, Key: &ref.Key, VersionId: &ref.Version,
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: &until},
	})
	if err != nil {
		return fmt.Errorf("retain %s: %w", name(ref), missing(err))
	}
	return nil
}

// Tag gives a version these tags, and takes all others from it. pool.ErrNoObject when the version is not there.
func (o *Objects) Tag(ctx context.Context, ref pool.ObjectRef, tags map[string]string) error {
	if ref.Version == "" {
		return fmt.Errorf("tag %s: %w", name(ref), errNoVersion)
	}
	set := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, types.Tag{Key: &key, Value: aws.String(tags[key])})
	}
	_, err := o.Client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: &ref.Bucket, Key: &ref.Key, VersionId: &ref.Version, Tagging: &types.Tagging{TagSet: set},
	})
	if err != nil {
		return fmt.Errorf("tag %s: %w", name(ref), missing(err))
	}
	return nil
}
