// Package objects is S3, as far as objects are listed, read, stored, copied, locked and deleted: those of tenants' shares,
// and archives.
//
// Every verb may be run again and comes to the same. S3 is strongly consistent: what was stored, deleted or
// locked is seen by every read and listing that begins afterwards ("Amazon S3 data consistency model" in its user guide).
package objects

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// client is what is used of S3. Deadlines and retries of requests are its own.
type client interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	UploadPartCopy(context.Context, *s3.UploadPartCopyInput, ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	PutObjectRetention(context.Context, *s3.PutObjectRetentionInput, ...func(*s3.Options)) (*s3.PutObjectRetentionOutput, error)
	PutObjectTagging(context.Context, *s3.PutObjectTaggingInput, ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error)
}

// Config is what Objects are built from. Client, Sleep and Jitter are required.
type Config struct {
	Client client                                     // of awsclient.Bulk where objects are read or uploaded
	Sleep  func(context.Context, time.Duration) error // between two tries; ends early with its context
	Jitter func() float64                             // in [0, 1), spreads out tries that failed together
	// Start runs a function beside its caller. With it a part is uploaded while the next is filled; without it,
	// one after the other.
	Start func(func())
	// Span is how many bytes one request reads at most; 0: 64 MiB.
	Span int64
	// Whole is how many bytes one request copies at most, 5 MiB or more; 0: 1 GiB.
	Whole int64
}

// Objects are the objects of all buckets.
type Objects struct{ Config }

// New validates the configuration.
func New(config Config) (*Objects, error) {
	if config.Client == nil || config.Sleep == nil || config.Jitter == nil {
		return nil, errors.New("objects adapter: Client, Sleep and Jitter are required")
	}
	if config.Span <= 0 {
		config.Span = 64 << 20
	}
	if config.Whole <= 0 {
		config.Whole = wholeMost
	}
	if config.Start == nil {
		config.Start = func(run func()) { run() }
	}
	return &Objects{config}, nil
}

// Head looks at a version. pool.ErrNoObject when it is not there, or the bucket is not: S3 answers both by the
// same status, without a word. The checksum is told to those alone who may decrypt the object.
func (o *Objects) Head(ctx context.Context, ref pool.ObjectRef) (pool.StoredObject, error) {
	out, err := o.head(ctx, ref)
	if err != nil {
		return pool.StoredObject{}, err
	}
	return pool.StoredObject{
		Version: aws.ToString(out.VersionId), Size: aws.ToInt64(out.ContentLength), SHA256: hexOf(aws.ToString(out.ChecksumSHA256)),
		Modified: aws.ToTime(out.LastModified), Metadata: out.Metadata, Class: class(out.StorageClass), Until: aws.ToTime(out.ObjectLockRetainUntilDate),
	}, nil
}

func (o *Objects) head(ctx context.Context, ref pool.ObjectRef) (*s3.HeadObjectOutput, error) {
	out, err := o.Client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", name(ref), missing(err))
	}
	return out, nil
}

// missing marks an error as pool.ErrNoObject when it says so. That of a missing bucket is another: who looks for
// what is left in a bucket must not take the lack of the bucket for proof.
func missing(err error) error {
	if slices.Contains([]string{"NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed"}, awsclient.Code(err)) {
		return fmt.Errorf("%w: %w", pool.ErrNoObject, err)
	}
	return err
}

func name(ref pool.ObjectRef) string {
	if ref.Version == "" {
		return fmt.Sprintf("object %q in %s", ref.Key, ref.Bucket)
	}
	return fmt.Sprintf("version %s of object %q in %s", ref.Version, ref.Key, ref.Bucket)
}

// version is the version of a request; nil for the current one.
func version(ref pool.ObjectRef) *string {
	if ref.Version == "" {
		return nil
	}
	return &ref.Version
}

// class is a storage class; S3 leaves out the usual one.
func class(c types.StorageClass) string {
	if c == "" {
		c = types.StorageClassStandard
	}
	return string(c)
}

// hexOf is a checksum of a whole object in hexadecimal. That of an upload in parts, "<base64>-<parts>", is a
// checksum of checksums and says nothing about the bytes to who did not send them: "".
func hexOf(checksum string) string {
	raw, err := base64.StdEncoding.DecodeString(checksum)
	if err != nil || strings.Contains(checksum, "-") {
		return ""
	}
	return hex.EncodeToString(raw)
}
