package objectstest

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// ListObjectVersions is S3's.
func (f *S3) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	return call(ctx, f, "ListObjectVersions", in.Bucket, func(b *bucket) (*s3.ListObjectVersionsOutput, error) {
		marker, id := aws.ToString(in.KeyMarker), aws.ToString(in.VersionIdMarker)
		if id != "" && marker == "" {
			return nil, refuse("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
		}
		if _, ever := b.age[id]; id != "" && !ever {
			return nil, refuse("InvalidArgument", "Invalid version id specified")
		}
		out := &s3.ListObjectVersionsOutput{Name: in.Bucket, IsTruncated: aws.Bool(false)}
		left, name := f.page(in.MaxKeys), named(in.EncodingType)
		var lastKey, lastID string
		for _, key := range slices.Sorted(maps.Keys(b.keys)) {
			if !strings.HasPrefix(key, aws.ToString(in.Prefix)) || key < marker || key == marker && id == "" {
				continue
			}
			for i, v := range b.keys[key] {
				if key == marker && b.age[v.id] >= b.age[id] {
					continue
				}
				if left == 0 {
					if lastKey != "" { // who asks for nothing gets all of it
						out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = aws.Bool(true), name(lastKey), &lastID
					}
					return out, nil
				}
				left--
				lastKey, lastID = key, v.id
				if v.marker {
					out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
						Key: name(key), VersionId: &v.id, IsLatest: aws.Bool(i == 0), LastModified: &v.modified,
					})
					continue
				}
				out.Versions = append(out.Versions, types.ObjectVersion{
					Key: name(key), VersionId: &v.id, IsLatest: aws.Bool(i == 0), LastModified: &v.modified,
					Size: aws.Int64(int64(len(v.content))), ETag: &v.etag, StorageClass: types.ObjectVersionStorageClassStandard,
				})
			}
		}
		return out, nil
	})
}

// named writes keys as a listing was asked for. Not encoded, what XML can't hold makes an answer that nobody can read.
func named(encoding types.EncodingType) func(string) *string {
	return func(key string) *string {
		if encoding == types.EncodingTypeUrl {
			key = strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
		} else {
			key = xml(key)
		}
		return &key
	}
}

// remove deletes a version for good, or hides the key.
func (f *S3) remove(b *bucket, key string, id *string, bypass *bool) (types.DeletedObject, error) {
	if f.Keep != nil {
		if code := f.Keep(key); code != "" {
			return types.DeletedObject{}, refuse(code, "it is kept")
		}
	}
	if id == nil {
		marker := &version{marker: true}
		f.add(b, key, marker)
		return types.DeletedObject{Key: &key, DeleteMarker: aws.Bool(true), DeleteMarkerVersionId: &marker.id}, nil
	}
	deleted := types.DeletedObject{Key: &key, VersionId: id}
	all := b.keys[key]
	at := slices.IndexFunc(all, func(v *version) bool { return v.id == *id })
	if at < 0 {
		return deleted, nil
	}
	v := all[at]
	if f.locked(v, bypass) {
		return types.DeletedObject{}, errLocked()
	}
	if v.marker {
		deleted.DeleteMarker, deleted.DeleteMarkerVersionId = aws.Bool(true), id
	}
	if b.keys[key] = slices.Concat(all[:at], all[at+1:]); len(b.keys[key]) == 0 {
		delete(b.keys, key)
	}
	return deleted, nil
}

// DeleteObject is S3's.
func (f *S3) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return call(ctx, f, "DeleteObject", in.Bucket, func(b *bucket) (*s3.DeleteObjectOutput, error) {
		if err := checkKey(in.Key); err != nil {
			return nil, err
		}
		deleted, err := f.remove(b, *in.Key, in.VersionId, in.BypassGovernanceRetention)
		if err != nil {
			return nil, err
		}
		out := &s3.DeleteObjectOutput{VersionId: deleted.VersionId, DeleteMarker: deleted.DeleteMarker}
		if out.VersionId == nil {
			out.VersionId = deleted.DeleteMarkerVersionId
		}
		return out, nil
	})
}

// DeleteObjects is S3's: each key is refused by itself.
func (f *S3) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, _ ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	return call(ctx, f, "DeleteObjects", in.Bucket, func(b *bucket) (*s3.DeleteObjectsOutput, error) {
		if n := len(in.Delete.Objects); n == 0 || n > pageMax {
			return nil, refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		out := &s3.DeleteObjectsOutput{}
		for _, o := range in.Delete.Objects {
			key := xml(aws.ToString(o.Key))
			deleted, err := f.remove(b, key, o.VersionId, in.BypassGovernanceRetention)
			switch {
			case err != nil:
				out.Errors = append(out.Errors, refusal(key, o.VersionId, err))
			case !aws.ToBool(in.Delete.Quiet):
				out.Deleted = append(out.Deleted, deleted)
			}
		}
		return out, nil
	})
}
