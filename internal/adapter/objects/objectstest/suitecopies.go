package objectstest

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
)

func codeOf(err error) string { return awsclient.Code(err) }

// sourceOf is how a request names what it copies.
func (b *bench) sourceOf(key, version string) *string {
	source := b.bucket + "/" + url.PathEscape(key)
	if version != "" {
		source += "?versionId=" + url.QueryEscape(version)
	}
	return &source
}

func (b *bench) copy(t *testing.T, key, version, to string, change ...func(*s3.CopyObjectInput)) (*s3.CopyObjectOutput, error) {
	t.Helper()
	in := &s3.CopyObjectInput{Bucket: &b.bucket, Key: &to, CopySource: b.sourceOf(key, version)}
	for _, c := range change {
		c(in)
	}
	return b.Client.CopyObject(t.Context(), in)
}

var copyCases = []testCase{
	{"a version is copied as it was, with what it was sent with", false, func(t *testing.T, b *bench) {
		first := b.put(t, "key", "first", func(in *s3.PutObjectInput) {
			in.Metadata, in.ContentType = map[string]string{"file-owner": "1000"}, aws.String("text/plain")
		})
		b.put(t, "key", "second")
		out, err := b.copy(t, "key", first, "copy")
		wants(t, "copy", err, "")
		if aws.ToString(out.CopySourceVersionId) != first || aws.ToString(out.VersionId) == "" || aws.ToString(out.VersionId) == first {
			t.Errorf("version %q of %q", aws.ToString(out.VersionId), aws.ToString(out.CopySourceVersionId))
		}
		b.holds(t, "copy", aws.ToString(out.VersionId), "first")
		head, err := b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: aws.String("copy")})
		wants(t, "head", err, "")
		if head.Metadata["file-owner"] != "1000" || aws.ToString(head.ContentType) != "text/plain" {
			t.Errorf("metadata %v, type %q", head.Metadata, aws.ToString(head.ContentType))
		}
		// Without a version it is the current one, and the copy goes on without its source.
		_, err = b.copy(t, "key", "", "copy")
		wants(t, "copy the current one", err, "")
		b.remove(t, "key", first, false)
		b.holds(t, "copy", "", "second")
		b.holds(t, "copy", aws.ToString(out.VersionId), "first")
	}},
	{"a copy can have other metadata, and other tags", false, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content", func(in *s3.PutObjectInput) {
			in.Metadata, in.Tagging = map[string]string{"file-owner": "1000"}, aws.String("colour=red")
		})
		tagged := func(key string) int {
			t.Helper()
			out, err := b.Client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &b.bucket, Key: &key})
			wants(t, "tags of "+key, err, "")
			return len(out.TagSet)
		}
		_, err := b.copy(t, "key", version, "as it is")
		wants(t, "copy", err, "")
		_, err = b.copy(t, "key", version, "changed", func(in *s3.CopyObjectInput) {
			in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"other": "one"}
			in.TaggingDirective = types.TaggingDirectiveReplace
		})
		wants(t, "copy with others", err, "")
		if as, changed := tagged("as it is"), tagged("changed"); as != 1 || changed != 0 {
			t.Errorf("%d and %d tags", as, changed)
		}
		head, err := b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: aws.String("changed")})
		wants(t, "head", err, "")
		if len(head.Metadata) != 1 || head.Metadata["other"] != "one" {
			t.Errorf("metadata %v", head.Metadata)
		}
	}},
	{"keys of all kinds are copied", false, func(t *testing.T, b *bench) {
		for _, key := range keys {
			if len(key) > 1000 {
				continue
			}
			version := b.put(t, key, "content of "+key)
			_, err := b.copy(t, key, version, "to/"+key)
			wants(t, "copy "+key, err, "")
			b.holds(t, "to/"+key, "", "content of "+key)
		}
		b.put(t, "short", "")
		_, err := b.copy(t, "short", "", strings.Repeat("k", 1025))
		wants(t, "copy to a key that is too long", err, "KeyTooLongError")
	}},
	{"what can't be copied", false, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content")
		hidden, _ := b.remove(t, "key", "", false)
		_, err := b.copy(t, "key", aws.ToString(hidden.DeleteMarkerVersionId), "copy")
		wants(t, "a delete marker", err, "InvalidRequest")
		_, err = b.copy(t, "key", "", "copy")
		wants(t, "what is deleted", err, "NoSuchKey")
		_, err = b.copy(t, "missing", "", "copy")
		wants(t, "what is not there", err, "NoSuchKey")
		_, err = b.copy(t, "missing", version, "copy")
		wants(t, "a version that is another key's", err, "NoSuchVersion")
		nowhere := *b
		nowhere.bucket = "no-such-bucket-of-headroom"
		_, err = b.copy(t, "key", version, "copy", func(in *s3.CopyObjectInput) { in.CopySource = nowhere.sourceOf("key", version) })
		wants(t, "from no bucket", err, "NoSuchBucket")
		_, err = b.copy(t, "key", version, "copy", func(in *s3.CopyObjectInput) { in.Bucket = &nowhere.bucket })
		wants(t, "to no bucket", err, "NoSuchBucket")
	}},
	{"parts that are copied become an object", false, func(t *testing.T, b *bench) {
		content := bytes.Repeat([]byte("0123456789abcdef"), (smallestPart+100)/16)
		version := b.put(t, "key", string(content))
		begun, err := b.Client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &b.bucket, Key: aws.String("copy"), Metadata: map[string]string{"file-owner": "1000"}})
		wants(t, "begin", err, "")
		part := func(number int32, span string) (*s3.UploadPartCopyOutput, error) {
			return b.Client.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
				Bucket: &b.bucket, Key: aws.String("copy"), UploadId: begun.UploadId, PartNumber: &number, CopySource: b.sourceOf("key", version), CopySourceRange: &span,
			})
		}
		var parts []types.CompletedPart
		for i, span := range []string{"bytes=0-5242879", "bytes=5242880-" + strconv.Itoa(len(content)-1)} {
			number := int32(i + 1)
			out, err := part(number, span)
			wants(t, "copy part "+span, err, "")
			if aws.ToString(out.CopySourceVersionId) != version {
				t.Errorf("part of version %q", aws.ToString(out.CopySourceVersionId))
			}
			parts = append(parts, types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag})
		}
		_, err = part(3, "bytes=0-"+strconv.Itoa(len(content)))
		wants(t, "past the end", err, "InvalidArgument")
		_, err = part(0, "bytes=0-1")
		wants(t, "part 0", err, "InvalidArgument")
		done, err := b.Client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: &b.bucket, Key: aws.String("copy"), UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		wants(t, "complete", err, "")
		b.holds(t, "copy", aws.ToString(done.VersionId), string(content))
		_, err = part(1, "bytes=0-1")
		wants(t, "a part of an upload that is over", err, "NoSuchUpload")
	}},
}
