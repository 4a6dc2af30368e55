package objectstest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// keys are of all kinds: what XML can't hold and URLs must escape, scripts of all kinds, parts as long as NFS
// has them, and all of the 1,024 bytes that a key may have.
var keys = []string{
	"plain.txt", "folder/", "folder/file", "folder//empty part", "a/../b", "a/./b", "-+=&?#%41 ~'\"<>|*:;,", "back\\slash", "/leading",
	"control\x01\x1f\x7f", "tab\tline\nreturn\r", " lead and trail ", "dots...", "ünï", "u\u0308", "日本語/ファイル", "العربية", "עברית", "हिन्दी", "🙂/🏳️‍🌈",
	strings.Repeat("ä", 127) + "x", strings.Repeat("k", 1024), strings.Repeat("語", 341) + "k",
}

var objectCases = []testCase{
	{"an object comes back as it was sent, with what it was sent with", false, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content", func(in *s3.PutObjectInput) {
			in.Metadata = map[string]string{"file-owner": "1000", "file-permissions": "0644", "File-Mtime": "1700000000000000000ns"}
			in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled = types.ServerSideEncryptionAwsKms, &b.Key, aws.Bool(true)
			in.ContentType = aws.String("application/json")
		})
		b.holds(t, "key", "", "content")
		b.holds(t, "key", version, "content")
		head, err := b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: aws.String("key")})
		wants(t, "head", err, "")
		if aws.ToString(head.VersionId) != version || aws.ToInt64(head.ContentLength) != 7 || aws.ToString(head.ContentType) != "application/json" {
			t.Errorf("version %q, %d bytes, type %q", aws.ToString(head.VersionId), aws.ToInt64(head.ContentLength), aws.ToString(head.ContentType))
		}
		// Names of user metadata come back in small letters.
		if m := head.Metadata; len(m) != 3 || m["file-owner"] != "1000" || m["file-permissions"] != "0644" || m["file-mtime"] != "1700000000000000000ns" {
			t.Errorf("metadata %v", m)
		}
		if head.ServerSideEncryption != types.ServerSideEncryptionAwsKms || aws.ToString(head.SSEKMSKeyId) != b.Key {
			t.Errorf("encrypted by %s, %q", head.ServerSideEncryption, aws.ToString(head.SSEKMSKeyId))
		}
		if age := b.Now().Sub(aws.ToTime(head.LastModified)); age < -5*1e9 || age > 600*1e9 {
			t.Errorf("modified %s ago", age)
		}
	}},
	{"an empty object", false, func(t *testing.T, b *bench) {
		b.put(t, "empty", "")
		b.holds(t, "empty", "", "")
		_, _, err := b.get(t, "empty", "", "bytes=0-9")
		wants(t, "a range of it", err, "InvalidRange")
	}},
	{"parts of an object", false, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "0123456789")
		b.put(t, "key", "another version")
		for span, want := range map[string]string{
			"bytes=0-0": "0", "bytes=2-5": "2345", "bytes=0-9": "0123456789", "bytes=8-99": "89", "bytes=9-9": "9", "bytes=4-": "456789",
		} {
			got, out, err := b.get(t, "key", version, span)
			wants(t, span, err, "")
			if got != want || !strings.HasSuffix(aws.ToString(out.ContentRange), "/10") || aws.ToInt64(out.ContentLength) != int64(len(want)) {
				t.Errorf("%s: %q, range %q, length %d", span, got, aws.ToString(out.ContentRange), aws.ToInt64(out.ContentLength))
			}
		}
		_, _, err := b.get(t, "key", version, "bytes=10-")
		wants(t, "past the end", err, "InvalidRange")
	}},
	{"keys of all kinds", false, func(t *testing.T, b *bench) {
		for _, key := range keys {
			b.put(t, key, "content of "+key)
		}
		for _, key := range keys {
			b.holds(t, key, "", "content of "+key)
		}
		out, err := b.Client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &b.bucket, EncodingType: types.EncodingTypeUrl})
		wants(t, "list", err, "")
		var got []string
		for _, v := range out.Versions {
			got = append(got, decoded(t, v.Key))
		}
		// The order is that of the keys' bytes.
		if want := slices.Sorted(slices.Values(keys)); !slices.Equal(got, want) {
			t.Errorf("listed\n%q, want\n%q", got, want)
		}
		// Each is deleted by its own name. XML can't hold all of them, a URL can.
		for _, v := range out.Versions {
			_, err := b.Client.DeleteObject(t.Context(), &s3.DeleteObjectInput{
				Bucket: &b.bucket, Key: aws.String(decoded(t, v.Key)), VersionId: v.VersionId,
			})
			wants(t, "delete "+aws.ToString(v.Key), err, "")
		}
		if got := b.list(t, 1000); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	}},
	{"a key that is too long", false, func(t *testing.T, b *bench) {
		_, err := b.tryPut(t, strings.Repeat("k", 1025), "")
		wants(t, "put", err, "KeyTooLongError")
	}},
	{"what is not there", false, func(t *testing.T, b *bench) {
		_, _, err := b.get(t, "missing", "", "")
		wants(t, "get", err, "NoSuchKey")
		// HEAD has no body to bear a code: the SDK makes one of the status.
		_, err = b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: aws.String("missing")})
		wants(t, "head", err, "NotFound")
		nowhere := *b
		nowhere.bucket = "no-such-bucket-of-headroom"
		_, _, err = nowhere.get(t, "missing", "", "")
		wants(t, "get from no bucket", err, "NoSuchBucket")
		_, err = nowhere.tryPut(t, "key", "")
		wants(t, "put into no bucket", err, "NoSuchBucket")
		_, err = b.Client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &nowhere.bucket})
		wants(t, "list no bucket", err, "NoSuchBucket")
	}},
	{"only where there is none yet", false, func(t *testing.T, b *bench) {
		once := func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
		first := b.put(t, "key", "first", once)
		_, err := b.tryPut(t, "key", "second", once)
		wants(t, "a second", err, "PreconditionFailed")
		b.holds(t, "key", "", "first")
		b.put(t, "other", "first", once)
		// What is deleted is not there: a delete marker does not match.
		b.remove(t, "key", "", false)
		second := b.put(t, "key", "second", once)
		b.holds(t, "key", first, "first")
		b.holds(t, "key", second, "second")
	}},
	{"a checksum that does not match", false, func(t *testing.T, b *bench) {
		claim := func(content string) func(*s3.PutObjectInput) {
			return func(in *s3.PutObjectInput) { in.ChecksumSHA256 = aws.String(sum([]byte(content))) }
		}
		_, err := b.tryPut(t, "key", "content", claim("another content"))
		wants(t, "put", err, "BadDigest")
		_, _, err = b.get(t, "key", "", "")
		wants(t, "get", err, "NoSuchKey")
		b.put(t, "key", "content", claim("content"))
		head, err := b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{
			Bucket: &b.bucket, Key: aws.String("key"), ChecksumMode: types.ChecksumModeEnabled,
		})
		wants(t, "head", err, "")
		if got := aws.ToString(head.ChecksumSHA256); got != sum([]byte("content")) {
			t.Errorf("its checksum is %q", got)
		}
	}},
	{"tags that an object is stored with", false, func(t *testing.T, b *bench) {
		want := map[string]string{"storage:class": "a=b + c/d@e", "é": ""}
		tagging := aws.String("storage%3Aclass=a%3Db+%2B+c%2Fd%40e&%C3%A9=")
		version := b.put(t, "key", "content", func(in *s3.PutObjectInput) { in.Tagging = tagging })
		if got := b.tags(t, "key", version); !maps.Equal(got, want) {
			t.Errorf("put with the tags %v", got)
		}
		upload := b.begin(t, "other", func(in *s3.CreateMultipartUploadInput) { in.Tagging = tagging })
		out, err := b.complete(t, "other", upload, []types.CompletedPart{b.part(t, "other", upload, 1, []byte("content"))})
		wants(t, "complete", err, "")
		if got := b.tags(t, "other", aws.ToString(out.VersionId)); !maps.Equal(got, want) {
			t.Errorf("uploaded with the tags %v", got)
		}
		_, err = b.tryPut(t, "key", "content", func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=1&a=2") })
		if err == nil {
			t.Error("stored with two tags of one name")
		}
	}},
	{"tags of a version", true, func(t *testing.T, b *bench) {
		first := b.put(t, "key", "first", func(in *s3.PutObjectInput) {
			until := b.Now().Add(retention)
			in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, &until
		})
		second := b.put(t, "key", "second")
		wants(t, "tag a locked version", b.tag(t, "key", first, "headroom:storage", "deep"), "")
		wants(t, "tag it anew", b.tag(t, "key", first, "storage", "deep"), "")
		if got := b.tags(t, "key", first); len(got) != 1 || got["storage"] != "deep" {
			t.Errorf("tags %v: a request replaces all", got)
		}
		if got := b.tags(t, "key", second); len(got) != 0 {
			t.Errorf("the other version has the tags %v", got)
		}
		var eleven []string
		for i := range 11 {
			eleven = append(eleven, string(rune('a'+i)), "v")
		}
		wants(t, "eleven tags", b.tag(t, "key", first, eleven...), "BadRequest")
		wants(t, "a tag twice", b.tag(t, "key", first, "a", "v", "a", "v"), "InvalidTag")
		wants(t, "no version", b.tag(t, "missing", "", "a", "v"), "NoSuchKey")
	}},
}

func (b *bench) tag(t *testing.T, key, version string, pairs ...string) error {
	t.Helper()
	in := &s3.PutObjectTaggingInput{Bucket: &b.bucket, Key: &key, Tagging: &types.Tagging{}}
	if version != "" {
		in.VersionId = &version
	}
	for i := 0; i < len(pairs); i += 2 {
		in.Tagging.TagSet = append(in.Tagging.TagSet, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	_, err := b.Client.PutObjectTagging(t.Context(), in)
	return err
}

// tags are those of a version; unlike a bucket's, none are no error.
func (b *bench) tags(t *testing.T, key, version string) map[string]string {
	t.Helper()
	out, err := b.Client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &b.bucket, Key: &key, VersionId: &version})
	wants(t, "read the tags of "+key, err, "")
	tags := map[string]string{}
	for _, tag := range out.TagSet {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}
