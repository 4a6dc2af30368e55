package objectstest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const (
	partsMax = 10_000
	partMax  = 5 << 30
)

type upload struct {
	key, id string
	begun   time.Time
	age     int
	version *version
	summed  bool // its parts have SHA-256 checksums
	parts   map[int32]part
}

type part struct {
	content []byte
	etag    string
}

func (b *bucket) upload(key, id *string) (*upload, error) {
	for _, u := range b.uploads {
		if u.id == aws.ToString(id) && u.key == aws.ToString(key) {
			return u, nil
		}
	}
	return nil, refuse("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func (b *bucket) drop(u *upload) {
	b.uploads = slices.DeleteFunc(b.uploads, func(other *upload) bool { return other == u })
}

// CreateMultipartUpload is S3's.
func (f *S3) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	return call(ctx, f, "CreateMultipartUpload", in.Bucket, func(b *bucket) (*s3.CreateMultipartUploadOutput, error) {
		if err := checkKey(in.Key); err != nil {
			return nil, err
		}
		key, err := encryption(in.ServerSideEncryption, in.SSEKMSKeyId)
		if err != nil {
			return nil, err
		}
		tags, err := tagsOf(in.Tagging)
		if err != nil {
			return nil, err
		}
		u := &upload{
			key: *in.Key, id: f.draw("upload"), begun: f.second(), age: f.drawn, parts: map[int32]part{},
			summed:  in.ChecksumAlgorithm == types.ChecksumAlgorithmSha256,
			version: &version{contentType: aws.ToString(in.ContentType), metadata: lowered(in.Metadata), kmsKey: key, tags: tags},
		}
		b.uploads = append(b.uploads, u)
		return &s3.CreateMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, UploadId: &u.id}, nil
	})
}

// UploadPart is S3's.
func (f *S3) UploadPart(ctx context.Context, in *s3.UploadPartInput, _ ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	content, err := read(in.Body)
	if err != nil {
		return nil, err
	}
	return call(ctx, f, "UploadPart", in.Bucket, func(b *bucket) (*s3.UploadPartOutput, error) {
		number := aws.ToInt32(in.PartNumber)
		if number < 1 || number > partsMax {
			return nil, refuse("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
		}
		if int64(len(content)) > partMax {
			return nil, refuse("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
		}
		u, err := b.upload(in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		if in.ChecksumSHA256 != nil && *in.ChecksumSHA256 != sum(content) {
			return nil, refuse("BadDigest", "The SHA256 you specified did not match the calculated checksum.")
		}
		p := part{content: content, etag: `"` + f.draw("etag") + `"`}
		u.parts[number] = p
		return &s3.UploadPartOutput{ETag: &p.etag, ChecksumSHA256: in.ChecksumSHA256}, nil
	})
}

// CompleteMultipartUpload is S3's.
func (f *S3) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	return call(ctx, f, "CompleteMultipartUpload", in.Bucket, func(b *bucket) (*s3.CompleteMultipartUploadOutput, error) {
		if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 || len(in.MultipartUpload.Parts) > partsMax {
			return nil, refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		u, err := b.upload(in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		if err := b.isFree(*in.Key, in.IfNoneMatch); err != nil {
			return nil, err
		}
		parts, err := u.chosen(in.MultipartUpload.Parts)
		if err != nil {
			return nil, err
		}
		v := u.version
		v.content, v.etag = bytes.Join(parts, nil), `"`+f.draw("etag")+`"`
		if u.summed {
			v.checksum = sumOfSums(parts...)
		}
		f.add(b, u.key, v)
		b.drop(u)
		out := &s3.CompleteMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, VersionId: &v.id, ETag: &v.etag}
		if u.summed {
			out.ChecksumSHA256 = &v.checksum
		}
		return out, nil
	})
}

// chosen are the parts that are to become the object. What is not named is dropped.
func (u *upload) chosen(wanted []types.CompletedPart) ([][]byte, error) {
	var parts [][]byte
	for i, w := range wanted {
		number := aws.ToInt32(w.PartNumber)
		if i > 0 && number <= aws.ToInt32(wanted[i-1].PartNumber) {
			return nil, refuse("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		if u.summed && w.ChecksumSHA256 == nil {
			return nil, refuse("InvalidRequest", "The upload was created using a sha256 checksum. The complete request must include the checksum for each part.")
		}
		p, there := u.parts[number]
		if !there || p.etag != aws.ToString(w.ETag) || w.ChecksumSHA256 != nil && *w.ChecksumSHA256 != sum(p.content) {
			return nil, refuse("InvalidPart", "One or more of the specified parts could not be found.")
		}
		parts = append(parts, p.content)
	}
	for _, p := range parts[:len(parts)-1] {
		if len(p) < smallestPart {
			return nil, refuse("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
	}
	return parts, nil
}

// AbortMultipartUpload is S3's.
func (f *S3) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, _ ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	return call(ctx, f, "AbortMultipartUpload", in.Bucket, func(b *bucket) (*s3.AbortMultipartUploadOutput, error) {
		u, err := b.upload(in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		b.drop(u)
		return &s3.AbortMultipartUploadOutput{}, nil
	})
}

// ListMultipartUploads is S3's.
func (f *S3) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, _ ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	return call(ctx, f, "ListMultipartUploads", in.Bucket, func(b *bucket) (*s3.ListMultipartUploadsOutput, error) {
		marker, id, name := aws.ToString(in.KeyMarker), aws.ToString(in.UploadIdMarker), named(in.EncodingType)
		out := &s3.ListMultipartUploadsOutput{Bucket: in.Bucket, IsTruncated: aws.Bool(false)}
		open := slices.SortedFunc(slices.Values(b.uploads), func(a, b *upload) int {
			return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.age, b.age))
		})
		left, passed := f.page(in.MaxUploads), id == ""
		for _, u := range open {
			if !strings.HasPrefix(u.key, aws.ToString(in.Prefix)) || u.key < marker {
				continue
			}
			if u.key == marker && marker != "" {
				// Behind the one that is named; behind one that is gone it is not said what comes.
				if was := passed; id == "" || !was {
					passed = was || u.id == id
					continue
				}
			}
			if left == 0 {
				if n := len(out.Uploads); n > 0 {
					last := out.Uploads[n-1]
					out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = aws.Bool(true), last.Key, last.UploadId
				}
				return out, nil
			}
			left--
			out.Uploads = append(out.Uploads, types.MultipartUpload{Key: name(u.key), UploadId: &u.id, Initiated: &u.begun})
		}
		return out, nil
	})
}

// refusal is how DeleteObjects words that of a key.
func refusal(key string, id *string, err error) types.Error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return types.Error{Key: &key, VersionId: id, Code: aws.String("InternalError"), Message: aws.String(err.Error())}
	}
	return types.Error{Key: &key, VersionId: id, Code: aws.String(api.ErrorCode()), Message: aws.String(api.ErrorMessage())}
}
