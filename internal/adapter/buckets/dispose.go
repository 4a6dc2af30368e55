package buckets

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

type disposing interface {
	client
	ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, opts ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	DeleteBucket(ctx context.Context, in *s3.DeleteBucketInput, opts ...func(*s3.Options)) (*s3.DeleteBucketOutput, error)
}

// Disposal is S3, as far as buckets that hold nothing are given up.
type Disposal struct{ Client disposing }

// MarkOf is the mark that a bucket bears; empty when it bears none. pool.ErrNotFound when it is gone.
func (d *Disposal) MarkOf(ctx context.Context, bucketARN string) (string, error) {
	mark, err := (&Buckets{Client: d.Client}).MarkOf(ctx, bucketARN)
	return mark, gone(err)
}

// Found names what is in a bucket, the first of it: versions and delete markers, and uploads that are open. Empty: there is
// nothing; S3 is strongly consistent. Names of objects are a tenant's, so it says what there is, and not how that is called.
// pool.ErrNotFound when the bucket is gone.
func (d *Disposal) Found(ctx context.Context, bucketARN string) (string, error) {
	name, err := nameOf(bucketARN)
	if err != nil {
		return "", fmt.Errorf("look into bucket %q: %w", bucketARN, err)
	}
	versions, err := d.Client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &name, MaxKeys: aws.Int32(1)})
	if err != nil {
		return "", fmt.Errorf("list the versions in %s: %w", name, gone(err))
	}
	switch {
	case len(versions.Versions) > 0:
		return "there are versions of objects in it", nil
	case len(versions.DeleteMarkers) > 0:
		return "there are delete markers in it", nil
	case aws.ToBool(versions.IsTruncated):
		return "there is more in it than was listed", nil
	}
	uploads, err := d.Client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &name, MaxUploads: aws.Int32(1)})
	if err != nil {
		return "", fmt.Errorf("list the uploads in %s: %w", name, gone(err))
	}
	if len(uploads.Uploads) > 0 || aws.ToBool(uploads.IsTruncated) {
		return "there are uploads in it that have not ended", nil
	}
	return "", nil
}

// Delete deletes a bucket that holds nothing: S3 refuses any other, whatever was seen before. One that is gone is no error.
func (d *Disposal) Delete(ctx context.Context, bucketARN string) error {
	name, err := nameOf(bucketARN)
	if err != nil {
		return fmt.Errorf("delete bucket %q: %w", bucketARN, err)
	}
	_, err = d.Client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	if err != nil && awsclient.Code(err) != noBucket {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	return nil
}

const noBucket = "NoSuchBucket"

// gone marks an error of a bucket that is not there.
func gone(err error) error {
	if awsclient.Code(err) == noBucket {
		return fmt.Errorf("%w: %w", pool.ErrNotFound, err)
	}
	return err
}
