package objects

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// wholeMost is up to which size an object is copied by one request, and how large its parts are above: S3 would take
// 5 GiB, but then a request lasts for long.
const wholeMost = 1 << 30

// Copy makes an object of the same bucket of a version, in S3: none of its bytes passes here. What it is stored with comes
// along, the owner, mode and times that a gateway keeps there too, and a note which version it was (pool.CopiedFrom); tags
// do not. It is encrypted as the bucket encrypts. Where a copy may be there already, that is looked for first, and none is
// made anew: pool.ErrOtherObject when the key has anything else, be it a copy of another version. pool.ErrNoObject when the version is not there.
// An error may leave an upload open: who follows finds it by Uploads.
func (o *Objects) Copy(ctx context.Context, bucket string, c pool.ObjectCopy) error {
	from := c.From.Ref(bucket)
	if from.Version == "" {
		return fmt.Errorf("copy %s: %w", name(from), errNoVersion)
	}
	if c.There {
		there, err := o.there(ctx, bucket, c)
		if there || err != nil {
			return err
		}
	}
	was, err := o.head(ctx, from)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if got := aws.ToInt64(was.ContentLength); got != c.From.Size {
		return fmt.Errorf("copy %s: %w: %d bytes, and should have %d", name(from), errOther, got, c.From.Size)
	}
	metadata := maps.Clone(was.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata[pool.CopiedFrom] = from.Version
	if c.From.Size <= o.Whole {
		err = o.copyWhole(ctx, from, was, metadata, c.To)
	} else {
		err = o.copyParts(ctx, from, was, metadata, c.To)
	}
	if err != nil {
		return fmt.Errorf("copy %s to %q: %w", name(from), c.To, missing(err))
	}
	return nil
}

// there reports whether a copy has been made.
func (o *Objects) there(ctx context.Context, bucket string, c pool.ObjectCopy) (bool, error) {
	found, err := o.Head(ctx, pool.ObjectRef{Bucket: bucket, Key: c.To})
	if errors.Is(err, pool.ErrNoObject) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if found.Metadata[pool.CopiedFrom] != c.From.Version || found.Size != c.From.Size {
		return false, fmt.Errorf("copy to %q in %s: %w", c.To, bucket, pool.ErrOtherObject)
	}
	return true, nil
}

func (o *Objects) copyWhole(ctx context.Context, from pool.ObjectRef, was *s3.HeadObjectOutput, metadata map[string]string, to string) error {
	// Commit point: there is an object. Once more makes another version of the same.
	_, err := o.Client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &from.Bucket, Key: &to, CopySource: source(from),
		// Said anew although it stays: there is no other way to add to it.
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: metadata, ContentType: was.ContentType, ContentEncoding: was.ContentEncoding,
		ContentDisposition: was.ContentDisposition, ContentLanguage: was.ContentLanguage, CacheControl: was.CacheControl,
		TaggingDirective: types.TaggingDirectiveReplace, // by none
	})
	return err
}

// copyParts copies what is large in parts. Metadata do not come along with parts.
func (o *Objects) copyParts(ctx context.Context, from pool.ObjectRef, was *s3.HeadObjectOutput, metadata map[string]string, to string) error {
	begun, err := o.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &from.Bucket, Key: &to, Metadata: metadata, ContentType: was.ContentType, ContentEncoding: was.ContentEncoding,
		ContentDisposition: was.ContentDisposition, ContentLanguage: was.ContentLanguage, CacheControl: was.CacheControl,
	})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	size := aws.ToInt64(was.ContentLength)
	step := max(o.Whole, (size+partsMax-1)/partsMax)
	var parts []types.CompletedPart
	for at := int64(0); at < size; at += step {
		number := int32(len(parts) + 1)
		out, err := o.Client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &from.Bucket, Key: &to, UploadId: begun.UploadId, PartNumber: &number, CopySource: source(from),
			CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", at, min(at+step, size)-1)),
		})
		if err != nil {
			return fmt.Errorf("copy part %d: %w", number, err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag})
	}
	// Commit point: there is an object.
	_, err = o.Client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &from.Bucket, Key: &to, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err == nil {
		return nil
	}
	// It may be complete all the same, when the reply was lost: sent again, it finds no upload.
	if awsclient.Code(err) == "NoSuchUpload" {
		if found, looked := o.Head(ctx, pool.ObjectRef{Bucket: from.Bucket, Key: to}); looked == nil && found.Metadata[pool.CopiedFrom] == from.Version && found.Size == size {
			return nil
		}
	}
	return fmt.Errorf("complete: %w", err)
}

// source is how a request names what it copies: as in a URL.
func source(ref pool.ObjectRef) *string {
	return aws.String(ref.Bucket + "/" + url.PathEscape(ref.Key) + "?versionId=" + url.QueryEscape(ref.Version))
}
