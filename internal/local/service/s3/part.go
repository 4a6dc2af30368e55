package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// In makes a function that looks for buckets in the part that stands for S3.
func In(client *s3.Client) func(ctx context.Context, bucket string) (bool, error) {
	return func(ctx context.Context, bucket string) (bool, error) {
		_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
		var missing *types.NotFound
		if errors.As(err, &missing) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for bucket %s: %w", bucket, err)
		}
		return true, nil
	}
}
