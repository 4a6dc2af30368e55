package bucketstest

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What a bucket of the fake may hold.
const (
	Version = "version"
	Marker  = "delete marker"
	Upload  = "upload"
)

// Hold has a bucket hold one thing; "": nothing.
func (f *S3) Hold(bucket, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held == nil {
		f.held = map[string]string{}
	}
	f.held[bucket] = what
}

// Names are the names of all buckets, sorted.
func (f *S3) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.buckets))
}

// holds is what a bucket holds.
func (f *S3) holds(ctx context.Context, operation string, bucket *string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if _, fault := f.strike(operation); fault != nil {
		return "", fault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.buckets[aws.ToString(bucket)]; !ok {
		return "", refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	return f.held[aws.ToString(bucket)], nil
}

// ListObjectVersions is S3's.
func (f *S3) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	held, err := f.holds(ctx, "ListObjectVersions", in.Bucket)
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(false)}
	switch held {
	case Version:
		out.Versions = []types.ObjectVersion{{Key: aws.String("file"), VersionId: aws.String("1")}}
	case Marker:
		out.DeleteMarkers = []types.DeleteMarkerEntry{{Key: aws.String("file"), VersionId: aws.String("2")}}
	}
	return out, err
}

// ListMultipartUploads is S3's.
func (f *S3) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, _ ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	held, err := f.holds(ctx, "ListMultipartUploads", in.Bucket)
	out := &s3.ListMultipartUploadsOutput{IsTruncated: aws.Bool(false)}
	if held == Upload {
		out.Uploads = []types.MultipartUpload{{Key: aws.String("file"), UploadId: aws.String("1")}}
	}
	return out, err
}

// DeleteBucket is S3's: open uploads are not in its way.
func (f *S3) DeleteBucket(ctx context.Context, in *s3.DeleteBucketInput, _ ...func(*s3.Options)) (*s3.DeleteBucketOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	applied, fault := f.strike("DeleteBucket")
	if fault != nil && !applied {
		return nil, fault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	bucket := aws.ToString(in.Bucket)
	if _, ok := f.buckets[bucket]; !ok {
		return nil, refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	if held := f.held[bucket]; held == Version || held == Marker {
		return nil, refuse("BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	delete(f.buckets, bucket)
	if fault != nil {
		return nil, fault
	}
	return &s3.DeleteBucketOutput{}, nil
}
