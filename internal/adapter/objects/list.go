package objects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/pool"
)

// errStuck means that a page leads back to where it began.
var errStuck = errors.New("the listing does not go on")

// Versions lists versions and delete markers whose keys have a prefix, up to a thousand of them, behind a cursor: within
// a key what is current first. A bucket without any is proven empty only by a page that is empty and has no More.
func (o *Objects) Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error) {
	in := &s3.ListObjectVersionsInput{Bucket: &bucket, EncodingType: types.EncodingTypeUrl, Prefix: given(prefix), KeyMarker: given(from.Key)}
	if from.Key != "" { // without a key S3 refuses it
		in.VersionIdMarker = given(from.Version)
	}
	out, err := o.Client.ListObjectVersions(ctx, in)
	if err != nil {
		return pool.ObjectPage{}, fmt.Errorf("list the versions in %s: %w", bucket, err)
	}
	page, err := versionsOf(out)
	if err == nil && page.More && page.Next == from {
		err = errStuck
	}
	if err != nil {
		return pool.ObjectPage{}, fmt.Errorf("list the versions in %s: %w", bucket, err)
	}
	return page, nil
}

// Current is Versions without what is not the key's current object: no older versions, no delete markers. S3's other
// listings name no versions.
func (o *Objects) Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error) {
	page, err := o.Versions(ctx, bucket, prefix, from)
	page.Versions = slices.DeleteFunc(page.Versions, func(v pool.ObjectVersion) bool { return v.Marker || !v.Latest })
	return page, err
}

func versionsOf(out *s3.ListObjectVersionsOutput) (pool.ObjectPage, error) {
	var page pool.ObjectPage
	for _, v := range out.Versions {
		page.Versions = append(page.Versions, pool.ObjectVersion{
			Key: aws.ToString(v.Key), Version: aws.ToString(v.VersionId), Size: aws.ToInt64(v.Size),
			Modified: aws.ToTime(v.LastModified), Latest: aws.ToBool(v.IsLatest),
		})
	}
	for _, m := range out.DeleteMarkers {
		page.Versions = append(page.Versions, pool.ObjectVersion{
			Key: aws.ToString(m.Key), Version: aws.ToString(m.VersionId), Modified: aws.ToTime(m.LastModified),
			Latest: aws.ToBool(m.IsLatest), Marker: true,
		})
	}
	for i := range page.Versions {
		key, err := decoded(page.Versions[i].Key)
		if err != nil {
			return pool.ObjectPage{}, err
		}
		page.Versions[i].Key = key
	}
	// An answer has two lists. Within a key the newest comes first, as each of them has it.
	slices.SortStableFunc(page.Versions, func(a, b pool.ObjectVersion) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), latestFirst(a, b), b.Modified.Compare(a.Modified))
	})
	page.More = aws.ToBool(out.IsTruncated)
	if !page.More {
		return page, nil
	}
	key, err := decoded(aws.ToString(out.NextKeyMarker))
	page.Next = pool.ObjectCursor{Key: key, Version: aws.ToString(out.NextVersionIdMarker)}
	return page, err
}

func latestFirst(a, b pool.ObjectVersion) int {
	switch {
	case a.Latest == b.Latest:
		return 0
	case a.Latest:
		return -1
	default:
		return 1
	}
}

// Uploads lists uploads in parts that are open, of keys that have a prefix, up to a thousand of them, behind a cursor.
// Behind an upload that was aborted meanwhile S3 does not say what comes: who aborts begins at the beginning again, until
// nothing is left.
func (o *Objects) Uploads(ctx context.Context, bucket, prefix string, from pool.UploadCursor) (pool.UploadPage, error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &bucket, EncodingType: types.EncodingTypeUrl, Prefix: given(prefix), KeyMarker: given(from.Key)}
	if from.Key != "" { // without a key S3 ignores it
		in.UploadIdMarker = given(from.ID)
	}
	out, err := o.Client.ListMultipartUploads(ctx, in)
	if err != nil {
		return pool.UploadPage{}, fmt.Errorf("list the uploads in %s: %w", bucket, err)
	}
	page, err := uploadsOf(out)
	if err == nil && page.More && page.Next == from {
		err = errStuck
	}
	if err != nil {
		return pool.UploadPage{}, fmt.Errorf("list the uploads in %s: %w", bucket, err)
	}
	return page, nil
}

func uploadsOf(out *s3.ListMultipartUploadsOutput) (pool.UploadPage, error) {
	var page pool.UploadPage
	for _, u := range out.Uploads {
		key, err := decoded(aws.ToString(u.Key))
		if err != nil {
			return pool.UploadPage{}, err
		}
		page.Uploads = append(page.Uploads, pool.OpenUpload{Key: key, ID: aws.ToString(u.UploadId), Begun: aws.ToTime(u.Initiated)})
	}
	page.More = aws.ToBool(out.IsTruncated)
	if !page.More {
		return page, nil
	}
	key, err := decoded(aws.ToString(out.NextKeyMarker))
	page.Next = pool.UploadCursor{Key: key, ID: aws.ToString(out.NextUploadIdMarker)}
	return page, err
}

// decoded is a key of a listing that was asked for URL-encoded, because XML can't hold all that a key can: as forms
// are encoded, with "+" for a space.
func decoded(key string) (string, error) {
	text, err := url.QueryUnescape(key)
	if err != nil {
		return "", fmt.Errorf("decode the key %q: %w", key, err)
	}
	return text, nil
}

// given is a member of a request that is left out when it is empty.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
