package objectstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// PutObject is S3's.
func (f *S3) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	content, err := read(in.Body)
	if err != nil {
		return nil, err
	}
	return call(ctx, f, "PutObject", in.Bucket, func(b *bucket) (*s3.PutObjectOutput, error) {
		if err := checkKey(in.Key); err != nil {
			return nil, err
		}
		if err := b.isFree(*in.Key, in.IfNoneMatch); err != nil {
			return nil, err
		}
		if in.ChecksumSHA256 != nil && *in.ChecksumSHA256 != sum(content) {
			return nil, refuse("BadDigest", "The SHA256 you specified did not match the calculated checksum.")
		}
		v := &version{
			content: content, etag: `"` + f.draw("etag") + `"`, contentType: aws.ToString(in.ContentType), metadata: lowered(in.Metadata),
			checksum: aws.ToString(in.ChecksumSHA256),
		}
		if v.tags, err = tagsOf(in.Tagging); err != nil {
			return nil, err
		}
		if v.kmsKey, err = encryption(in.ServerSideEncryption, in.SSEKMSKeyId); err != nil {
			return nil, err
		}
		if in.ObjectLockMode != "" || in.ObjectLockRetainUntilDate != nil {
			if v.until, err = f.retention(b, types.ObjectLockRetentionMode(in.ObjectLockMode), in.ObjectLockRetainUntilDate); err != nil {
				return nil, err
			}
		}
		f.add(b, *in.Key, v)
		return &s3.PutObjectOutput{VersionId: &v.id, ETag: &v.etag, ChecksumSHA256: in.ChecksumSHA256}, nil
	})
}

// GetObject is S3's.
func (f *S3) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return call(ctx, f, "GetObject", in.Bucket, func(b *bucket) (*s3.GetObjectOutput, error) {
		v, err := b.find(in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		content, contentRange, err := span(v.content, in.Range)
		if err != nil {
			return nil, err
		}
		out := &s3.GetObjectOutput{
			Body: io.NopCloser(bytes.NewReader(content)), ContentLength: aws.Int64(int64(len(content))), ContentRange: contentRange,
			VersionId: &v.id, ETag: &v.etag, LastModified: &v.modified, Metadata: v.metadata,
		}
		out.ServerSideEncryption, out.SSEKMSKeyId = v.encrypted()
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = v.lock()
		if f.Cut != nil {
			if n := f.Cut(*in.Key, aws.ToString(in.Range)); n >= 0 && n < int64(len(content)) {
				out.Body = io.NopCloser(io.MultiReader(bytes.NewReader(content[:n]), broken{}))
			}
		}
		return out, nil
	})
}

// broken is a connection that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// span is a part of an object: "bytes=<first>-<last>" or "bytes=<first>-".
func span(content []byte, wanted *string) (part []byte, contentRange *string, err error) {
	if wanted == nil {
		return content, nil, nil
	}
	from, to, _ := strings.Cut(strings.TrimPrefix(*wanted, "bytes="), "-")
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return nil, nil, refuse("NotImplemented", "this fake knows ranges with a first byte only")
	}
	size := int64(len(content))
	last := size - 1
	if to != "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil || n < first {
			return content, nil, nil // S3 passes over a range that is none
		}
		last = min(n, last)
	}
	if first >= size {
		return nil, nil, refuse("InvalidRange", "The requested range is not satisfiable")
	}
	return content[first : last+1], aws.String(fmt.Sprintf("bytes %d-%d/%d", first, last, size)), nil
}

// HeadObject is S3's. Its refusals have no body, so the SDK makes their code of the status.
func (f *S3) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return call(ctx, f, "HeadObject", in.Bucket, func(b *bucket) (*s3.HeadObjectOutput, error) {
		v, err := b.find(in.Key, in.VersionId)
		if err != nil {
			return nil, bare(err)
		}
		out := &s3.HeadObjectOutput{
			ContentLength: aws.Int64(int64(len(v.content))), VersionId: &v.id, ETag: &v.etag, LastModified: &v.modified,
			Metadata: v.metadata, ContentType: aws.String(v.contentType),
		}
		if v.contentType == "" {
			out.ContentType = aws.String("application/octet-stream")
		}
		if in.ChecksumMode == types.ChecksumModeEnabled && v.checksum != "" {
			out.ChecksumSHA256 = &v.checksum
		}
		out.ServerSideEncryption, out.SSEKMSKeyId = v.encrypted()
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = v.lock()
		return out, nil
	})
}

// read reads a body that may be missing.
func read(body io.Reader) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return io.ReadAll(body)
}
