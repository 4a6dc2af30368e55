package objects

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// deleteMax is how many keys one DeleteObjects takes.
const deleteMax = 1000

// errNoVersion means that something was to be deleted without saying which version: S3 would hide it under a
// delete marker, and keep it.
var errNoVersion = errors.New("it has no version")

// Delete destroys versions and delete markers, which do not come back. Those that are gone are no error. It returns
// which were refused, each with its reason: a batch is no whole, and who stops at the first of them leaves others behind
// that are gone already. An error means that it is not known what was deleted.
//
// Retention is never bypassed: what is locked is refused.
func (o *Objects) Delete(ctx context.Context, bucket string, versions []pool.ObjectVersion) ([]pool.ObjectRefusal, error) {
	var refused []pool.ObjectRefusal
	var many []pool.ObjectVersion
	for _, v := range versions {
		if v.Version == "" || v.Key == "" {
			return nil, fmt.Errorf("delete %q in %s: %w", v.Key, bucket, errNoVersion)
		}
	}
	for _, v := range versions {
		if inXML(v.Key) {
			many = append(many, v)
			continue
		}
		if err := o.deleteOne(ctx, v.Ref(bucket)); awsclient.Code(err) == accessDenied {
			refused = append(refused, pool.ObjectRefusal{Object: v, Code: accessDenied, Message: err.Error()})
		} else if err != nil {
			return nil, err
		}
	}
	for batch := range slices.Chunk(many, deleteMax) {
		some, err := o.deleteMany(ctx, bucket, batch)
		if err != nil {
			return nil, err
		}
		refused = append(refused, some...)
	}
	return refused, nil
}

// accessDenied is what S3 answers of a version that is locked, or that a policy keeps.
const accessDenied = "AccessDenied"

func (o *Objects) deleteOne(ctx context.Context, ref pool.ObjectRef) error {
	_, err := o.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: &ref.Version})
	if err != nil {
		return fmt.Errorf("delete %s: %w", name(ref), err)
	}
	return nil
}

func (o *Objects) deleteMany(ctx context.Context, bucket string, versions []pool.ObjectVersion) ([]pool.ObjectRefusal, error) {
	ids := make([]types.ObjectIdentifier, 0, len(versions))
	byID := make(map[pool.ObjectCursor]pool.ObjectVersion, len(versions))
	for _, v := range versions {
		ids = append(ids, types.ObjectIdentifier{Key: &v.Key, VersionId: &v.Version})
		byID[pool.ObjectCursor{Key: v.Key, Version: v.Version}] = v
	}
	out, err := o.Client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return nil, fmt.Errorf("delete %d versions in %s: %w", len(versions), bucket, err)
	}
	var refused []pool.ObjectRefusal
	for _, e := range out.Errors {
		v, ok := byID[pool.ObjectCursor{Key: aws.ToString(e.Key), Version: aws.ToString(e.VersionId)}]
		if !ok { // it is refused, whatever it is
			v = pool.ObjectVersion{Key: aws.ToString(e.Key), Version: aws.ToString(e.VersionId)}
		}
		refused = append(refused, pool.ObjectRefusal{Object: v, Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)})
	}
	return refused, nil
}

// inXML reports whether XML can hold a key (XML 1.0, section 2.2). DeleteObjects is sent as XML, and the SDK writes
// U+FFFD for what XML can't hold: that would delete another key, and S3 would answer that it did.
func inXML(key string) bool {
	for _, r := range key {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
		default:
			return false
		}
	}
	return utf8.ValidString(key)
}

// AbortUpload ends an upload in parts, and deletes its parts. One that is over is no error. A part that is on its way
// meanwhile may be kept: so who must be sure lists uploads again ("AbortMultipartUpload" in S3's API reference).
func (o *Objects) AbortUpload(ctx context.Context, bucket string, u pool.OpenUpload) error {
	_, err := o.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &u.Key, UploadId: &u.ID})
	if err != nil && awsclient.Code(err) != "NoSuchUpload" {
		return fmt.Errorf("abort an upload of %q to %s: %w", u.Key, bucket, err)
	}
	return nil
}
