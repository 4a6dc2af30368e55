package objectstest

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// source finds what a request copies: "bucket/key?versionId=id", escaped as a URL is. The caller holds the lock.
func (f *S3) source(named *string) (*version, error) {
	path, query, _ := strings.Cut(aws.ToString(named), "?")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	name, key, ok := strings.Cut(path, "/")
	values, malformed := url.ParseQuery(query)
	if err != nil || malformed != nil || !ok {
		return nil, refuse("InvalidArgument", "Invalid copy source object key")
	}
	b := f.buckets[name]
	if b == nil {
		return nil, refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	var id *string
	if values.Has("versionId") {
		id = aws.String(values.Get("versionId"))
	}
	v, err := b.find(&key, id)
	if err != nil && codeOf(err) == "MethodNotAllowed" {
		return nil, refuse("InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	return v, err
}

// CopyObject is S3's.
func (f *S3) CopyObject(ctx context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	return call(ctx, f, "CopyObject", in.Bucket, func(b *bucket) (*s3.CopyObjectOutput, error) {
		if err := checkKey(in.Key); err != nil {
			return nil, err
		}
		if err := b.isFree(*in.Key, in.IfNoneMatch); err != nil {
			return nil, err
		}
		from, err := f.source(in.CopySource)
		if err != nil {
			return nil, err
		}
		if int64(len(from.content)) > partMax {
			return nil, refuse("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
		}
		v := &version{content: from.content, etag: `"` + f.draw("etag") + `"`, checksum: from.checksum, contentType: from.contentType, metadata: from.metadata, tags: from.tags}
		if in.MetadataDirective == types.MetadataDirectiveReplace {
			v.contentType, v.metadata = aws.ToString(in.ContentType), lowered(in.Metadata)
		}
		if in.TaggingDirective == types.TaggingDirectiveReplace {
			if v.tags, err = tagsOf(in.Tagging); err != nil {
				return nil, err
			}
		}
		if v.kmsKey, err = encryption(in.ServerSideEncryption, in.SSEKMSKeyId); err != nil {
			return nil, err
		}
		f.add(b, *in.Key, v)
		return &s3.CopyObjectOutput{
			VersionId: &v.id, CopySourceVersionId: &from.id, CopyObjectResult: &types.CopyObjectResult{ETag: &v.etag, LastModified: &v.modified},
		}, nil
	})
}

// UploadPartCopy is S3's.
func (f *S3) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput, _ ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error) {
	return call(ctx, f, "UploadPartCopy", in.Bucket, func(b *bucket) (*s3.UploadPartCopyOutput, error) {
		number := aws.ToInt32(in.PartNumber)
		if number < 1 || number > partsMax {
			return nil, refuse("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
		}
		u, err := b.upload(in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		from, err := f.source(in.CopySource)
		if err != nil {
			return nil, err
		}
		content := from.content
		if in.CopySourceRange != nil {
			first, last, _ := strings.Cut(strings.TrimPrefix(*in.CopySourceRange, "bytes="), "-")
			at, err1 := strconv.Atoi(first)
			end, err2 := strconv.Atoi(last)
			if err1 != nil || err2 != nil || end < at || end >= len(content) {
				return nil, refuse("InvalidArgument", "Range specified is not valid for source object of size: "+strconv.Itoa(len(content)))
			}
			content = content[at : end+1]
		}
		p := part{content: content, etag: `"` + f.draw("etag") + `"`}
		u.parts[number] = p
		now := f.second()
		return &s3.UploadPartCopyOutput{CopySourceVersionId: &from.id, CopyPartResult: &types.CopyPartResult{ETag: &p.etag, LastModified: &now}}, nil
	})
}
