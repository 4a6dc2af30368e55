package objectstest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
)

// smallestPart is what each part but the last must have.
const smallestPart = 5 << 20

var uploadCases = []testCase{
	{"an upload in parts is one object, seen when it is complete", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key", func(in *s3.CreateMultipartUploadInput) {
			in.Metadata = map[string]string{"headroom-mark": "m"}
			in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled = types.ServerSideEncryptionAwsKms, &b.Key, aws.Bool(true)
		})
		first, last := bytes.Repeat([]byte("0123456789abcdef"), smallestPart/16), []byte("the last part is short")
		parts := []types.CompletedPart{b.part(t, "key", upload, 1, first), b.part(t, "key", upload, 2, last)}
		_, _, err := b.get(t, "key", "", "")
		wants(t, "get before it is complete", err, "NoSuchKey")
		out, err := b.complete(t, "key", upload, parts)
		wants(t, "complete", err, "")
		if got := aws.ToString(out.ChecksumSHA256); got != sumOfSums(first, last) {
			t.Errorf("its checksum is %q, want %q", got, sumOfSums(first, last))
		}
		b.holds(t, "key", aws.ToString(out.VersionId), string(first)+string(last))
		head, err := b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: aws.String("key")})
		wants(t, "head", err, "")
		if aws.ToInt64(head.ContentLength) != int64(len(first)+len(last)) || head.Metadata["headroom-mark"] != "m" || aws.ToString(head.SSEKMSKeyId) != b.Key {
			t.Errorf("%d bytes, metadata %v, key %q", aws.ToInt64(head.ContentLength), head.Metadata, aws.ToString(head.SSEKMSKeyId))
		}
		if got := b.uploads(t, 1000); len(got) != 0 {
			t.Errorf("the uploads %v are left", got)
		}
	}},
	{"a part that is sent again replaces the first", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key")
		b.part(t, "key", upload, 1, []byte("first"))
		again := b.part(t, "key", upload, 1, []byte("again"))
		_, err := b.complete(t, "key", upload, []types.CompletedPart{again})
		wants(t, "complete", err, "")
		b.holds(t, "key", "", "again")
	}},
	{"an upload of nothing has one empty part", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key")
		_, err := b.complete(t, "key", upload, []types.CompletedPart{b.part(t, "key", upload, 1, nil)})
		wants(t, "complete", err, "")
		b.holds(t, "key", "", "")
		_, _, err = b.get(t, "key", "", "bytes=0-0")
		wants(t, "a range of it", err, "InvalidRange")
	}},
	{"a part that does not match its checksum", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key")
		_, err := b.Client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: &b.bucket, Key: aws.String("key"), UploadId: &upload, PartNumber: aws.Int32(1),
			Body: bytes.NewReader([]byte("content")), ChecksumSHA256: aws.String(sum([]byte("another"))),
		})
		wants(t, "send", err, "BadDigest")
	}},
	{"what is no upload can't be completed", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key")
		short := b.part(t, "key", upload, 1, []byte("too short to be the first of two"))
		last := b.part(t, "key", upload, 2, []byte("last"))
		wrong := last
		wrong.ETag = aws.String(`"00000000000000000000000000000000"`)
		missing := last
		missing.PartNumber = aws.Int32(3)
		for what, c := range map[string]struct {
			parts []types.CompletedPart
			want  string
		}{
			"a first part that is too small": {[]types.CompletedPart{short, last}, "EntityTooSmall"},
			"parts in another order":         {[]types.CompletedPart{last, short}, "InvalidPartOrder"},
			"a part that never came":         {[]types.CompletedPart{missing}, "InvalidPart"},
			"a part with another ETag":       {[]types.CompletedPart{wrong}, "InvalidPart"},
			"no parts":                       {nil, "MalformedXML"},
		} {
			_, err := b.complete(t, "key", upload, c.parts)
			wants(t, what, err, c.want)
		}
		// It is there still, and can be completed. What is not named is dropped.
		_, err := b.complete(t, "key", upload, []types.CompletedPart{last})
		wants(t, "complete", err, "")
		b.holds(t, "key", "", "last")
	}},
	{"an upload that is over", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key")
		part := b.part(t, "key", upload, 1, []byte("content"))
		wants(t, "abort", b.abort(t, "key", upload), "")
		_, err := b.complete(t, "key", upload, []types.CompletedPart{part})
		wants(t, "complete", err, "NoSuchUpload")
		_, err = b.Client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: &b.bucket, Key: aws.String("key"), UploadId: &upload, PartNumber: aws.Int32(2), Body: bytes.NewReader(nil),
		})
		wants(t, "send a part", err, "NoSuchUpload")
		// A second abort is refused or taken: who cleans up needs neither.
		if err := b.abort(t, "key", upload); err != nil && awsclient.Code(err) != "NoSuchUpload" {
			t.Errorf("abort again: %v", err)
		}
		if got := b.uploads(t, 1000); len(got) != 0 {
			t.Errorf("the uploads %v are left", got)
		}
	}},
	{"completed only where there is none yet", false, func(t *testing.T, b *bench) {
		once := func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }
		upload := b.begin(t, "key")
		parts := []types.CompletedPart{b.part(t, "key", upload, 1, []byte("content"))}
		other := b.begin(t, "key")
		others := []types.CompletedPart{b.part(t, "key", other, 1, []byte("other"))}
		_, err := b.complete(t, "key", upload, parts, once)
		wants(t, "complete", err, "")
		_, err = b.complete(t, "key", other, others, once)
		wants(t, "complete the other", err, "PreconditionFailed")
		b.holds(t, "key", "", "content")
	}},
	{"uploads are listed in pages, by key and age", false, func(t *testing.T, b *bench) {
		var want []string
		for _, key := range []string{"a", "b c", "b\x01", "ü", "ü"} {
			b.begin(t, key)
			want = append(want, key)
		}
		slices.Sort(want)
		all := b.uploads(t, 1000)
		var got []string
		for _, u := range all {
			got = append(got, u[0])
		}
		if !slices.Equal(got, want) {
			t.Fatalf("listed %q, want %q", got, want)
		}
		for _, size := range []int32{1, 2, 3, 4, 5} {
			if got := b.uploads(t, size); !slices.Equal(got, all) {
				t.Errorf("pages of %d: listed %q, want %q", size, got, all)
			}
		}
		for _, u := range all {
			wants(t, fmt.Sprintf("abort %q", u[0]), b.abort(t, u[0], u[1]), "")
		}
		if got := b.uploads(t, 1000); len(got) != 0 {
			t.Errorf("the uploads %v are left", got)
		}
	}},
	{"uploads under a prefix", false, func(t *testing.T, b *bench) {
		for _, key := range []string{"a/1", "b/1", "b/2"} {
			b.begin(t, key)
		}
		out, err := b.Client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &b.bucket, Prefix: aws.String("b/")})
		wants(t, "list", err, "")
		if len(out.Uploads) != 2 || aws.ToString(out.Uploads[0].Key) != "b/1" {
			t.Errorf("listed %d uploads", len(out.Uploads))
		}
		if age := b.Now().Sub(aws.ToTime(out.Uploads[0].Initiated)); age < -5*1e9 || age > 600*1e9 {
			t.Errorf("begun %s ago", age)
		}
	}},
	{"an upload is no version", false, func(t *testing.T, b *bench) {
		upload := b.begin(t, "key")
		b.part(t, "key", upload, 1, []byte("content"))
		if got := b.list(t, 1000); len(got) != 0 {
			t.Errorf("listed %v", got)
		}
	}},
}

func (b *bench) abort(t *testing.T, key, upload string) error {
	t.Helper()
	_, err := b.Client.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: &b.bucket, Key: &key, UploadId: &upload})
	return err
}

// uploads lists all unfinished uploads, key and id, in pages of a size.
func (b *bench) uploads(t *testing.T, size int32) [][2]string {
	t.Helper()
	var all [][2]string
	in := &s3.ListMultipartUploadsInput{Bucket: &b.bucket, EncodingType: types.EncodingTypeUrl, MaxUploads: &size}
	for range 100 {
		out, err := b.Client.ListMultipartUploads(t.Context(), in)
		wants(t, "list uploads", err, "")
		for _, u := range out.Uploads {
			all = append(all, [2]string{decoded(t, u.Key), aws.ToString(u.UploadId)})
		}
		if !aws.ToBool(out.IsTruncated) {
			return all
		}
		key := decoded(t, out.NextKeyMarker)
		in.KeyMarker, in.UploadIdMarker = &key, out.NextUploadIdMarker
	}
	t.Fatal("the listing of uploads does not end")
	return nil
}
