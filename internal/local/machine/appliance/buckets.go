package appliance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Buckets is Objects on S3.
type Buckets struct {
	// Client returns the client that calls as a role, the share's.
	Client func(roleARN string) *s3.Client
}

// Put writes an object, encrypted with the bucket's key if it names one.
func (b Buckets) Put(ctx context.Context, bucket Bucket, key string, body []byte) error {
	input := &s3.PutObjectInput{Bucket: &bucket.Name, Key: &key, Body: bytes.NewReader(body)}
	if bucket.KeyARN != "" {
		input.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		input.SSEKMSKeyId = &bucket.KeyARN
	}
	if _, err := b.Client(bucket.RoleARN).PutObject(ctx, input); err != nil {
		return fmt.Errorf("put into bucket %s: %w", bucket.Name, err)
	}
	return nil
}

// Delete removes an object.
func (b Buckets) Delete(ctx context.Context, bucket Bucket, key string) error {
	_, err := b.Client(bucket.RoleARN).DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket.Name, Key: &key})
	if err != nil {
		return fmt.Errorf("delete from bucket %s: %w", bucket.Name, err)
	}
	return nil
}

// Keys lists all objects below the bucket's prefix.
func (b Buckets) Keys(ctx context.Context, bucket Bucket) ([]string, error) {
	// Names of files may have characters that XML can't hold.
	input := &s3.ListObjectsV2Input{Bucket: &bucket.Name, EncodingType: types.EncodingTypeUrl}
	if bucket.Prefix != "" {
		input.Prefix = &bucket.Prefix
	}
	var keys []string
	pages := s3.NewListObjectsV2Paginator(b.Client(bucket.RoleARN), input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list bucket %s: %w", bucket.Name, err)
		}
		for _, object := range page.Contents {
			key, err := url.QueryUnescape(aws.ToString(object.Key))
			if err != nil {
				return nil, fmt.Errorf("list bucket %s: %w", bucket.Name, err)
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Get reads an object.
func (b Buckets) Get(ctx context.Context, bucket Bucket, key string) ([]byte, error) {
	object, err := b.Client(bucket.RoleARN).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket.Name, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get from bucket %s: %w", bucket.Name, err)
	}
	defer func() { _ = object.Body.Close() }()
	body, err := io.ReadAll(object.Body)
	if err != nil {
		return nil, fmt.Errorf("read object %s of bucket %s: %w", key, bucket.Name, err)
	}
	return body, nil
}
