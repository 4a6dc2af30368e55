package objectstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
)

// API is what is used of S3 about objects.
type API interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	UploadPartCopy(context.Context, *s3.UploadPartCopyInput, ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	PutObjectRetention(context.Context, *s3.PutObjectRetentionInput, ...func(*s3.Options)) (*s3.PutObjectRetentionOutput, error)
	GetObjectRetention(context.Context, *s3.GetObjectRetentionInput, ...func(*s3.Options)) (*s3.GetObjectRetentionOutput, error)
	PutObjectTagging(context.Context, *s3.PutObjectTaggingInput, ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error)
	GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error)
}

// World is one that stands for S3. Its caller may do everything, bypassing of governance retention included;
// the client retries nothing, so that each refusal is seen.
type World struct {
	Client API
	// Bucket makes an empty bucket with versioning, with Object Lock (and no default retention) where
	// locked says so, and returns its name. It is asked at most twice in a test.
	Bucket func(t *testing.T, locked bool) string
	// Key is the ARN of a KMS key that S3 may use.
	Key string
	// Now is the world's clock, where retention is measured.
	Now func() time.Time
}

// Suite is what S3 does with objects, versions, uploads, locks and tags, and what it refuses. Each case
// begins in a new world.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"objects", objectCases}, {"versions", versionCases}, {"uploads", uploadCases}, {"copies", copyCases}, {"locks", lockCases},
	} {
		for _, c := range group.cases {
			t.Run(group.name+"/"+c.name, func(t *testing.T) {
				w := newWorld(t)
				c.run(t, &bench{World: w, bucket: w.Bucket(t, c.locked)})
			})
		}
	}
}

type testCase struct {
	name   string
	locked bool
	run    func(t *testing.T, b *bench)
}

// bench is a world with the bucket that a case is about.
type bench struct {
	World
	bucket string
}

// wants fails the test unless err has a code; "" wants no error.
func wants(t *testing.T, what string, err error, code string) {
	t.Helper()
	if (err != nil) != (code != "") || code != "" && awsclient.Code(err) != code {
		t.Fatalf("%s: got %v, want %q", what, err, code)
	}
}

// put stores content and returns its version.
func (b *bench) put(t *testing.T, key, content string, change ...func(*s3.PutObjectInput)) string {
	t.Helper()
	version, err := b.tryPut(t, key, content, change...)
	wants(t, "put "+key, err, "")
	if version == "" {
		t.Fatalf("put %s: it has no version", key)
	}
	return version
}

func (b *bench) tryPut(t *testing.T, key, content string, change ...func(*s3.PutObjectInput)) (string, error) {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: &b.bucket, Key: &key, Body: strings.NewReader(content)}
	for _, c := range change {
		c(in)
	}
	out, err := b.Client.PutObject(t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

// get reads an object: a version of it, or with "" the current one; a part of it, or with "" all.
func (b *bench) get(t *testing.T, key, version, bytes string) (string, *s3.GetObjectOutput, error) {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: &b.bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	if bytes != "" {
		in.Range = &bytes
	}
	out, err := b.Client.GetObject(t.Context(), in)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = out.Body.Close() }()
	content, err := io.ReadAll(out.Body)
	return string(content), out, err
}

// holds fails the test unless a version, or with "" the current one, has a content.
func (b *bench) holds(t *testing.T, key, version, want string) {
	t.Helper()
	got, _, err := b.get(t, key, version, "")
	wants(t, "get "+key, err, "")
	if got != want {
		t.Errorf("get %s: got %d bytes (%.40q), want %d (%.40q)", key, len(got), got, len(want), want)
	}
}

// remove deletes by DeleteObjects: a version, or with "" what is current. It returns what was deleted and
// the code of the error of the key.
func (b *bench) remove(t *testing.T, key, version string, bypass bool) (*types.DeletedObject, string) {
	t.Helper()
	id := types.ObjectIdentifier{Key: &key}
	if version != "" {
		id.VersionId = &version
	}
	in := &s3.DeleteObjectsInput{Bucket: &b.bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{id}}}
	if bypass {
		in.BypassGovernanceRetention = aws.Bool(true)
	}
	out, err := b.Client.DeleteObjects(t.Context(), in)
	wants(t, "delete "+key, err, "")
	if len(out.Errors)+len(out.Deleted) != 1 {
		t.Fatalf("delete %s: %d errors and %d deleted, want one", key, len(out.Errors), len(out.Deleted))
	}
	if len(out.Errors) == 1 {
		if got := aws.ToString(out.Errors[0].Key); got != key {
			t.Errorf("delete %s: the error is of key %q", key, got)
		}
		return nil, aws.ToString(out.Errors[0].Code)
	}
	return &out.Deleted[0], ""
}

// begin begins a multipart upload whose parts have SHA-256 checksums.
func (b *bench) begin(t *testing.T, key string, change ...func(*s3.CreateMultipartUploadInput)) string {
	t.Helper()
	in := &s3.CreateMultipartUploadInput{Bucket: &b.bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256}
	for _, c := range change {
		c(in)
	}
	out, err := b.Client.CreateMultipartUpload(t.Context(), in)
	wants(t, "begin an upload of "+key, err, "")
	return aws.ToString(out.UploadId)
}

// part sends a part with its checksum, and returns how Complete names it.
func (b *bench) part(t *testing.T, key, upload string, number int32, content []byte) types.CompletedPart {
	t.Helper()
	out, err := b.Client.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &b.bucket, Key: &key, UploadId: &upload, PartNumber: &number,
		Body: bytes.NewReader(content), ChecksumSHA256: aws.String(sum(content)),
	})
	wants(t, "send a part of "+key, err, "")
	if got := aws.ToString(out.ChecksumSHA256); got != sum(content) {
		t.Errorf("the part's checksum is %q, want %q", got, sum(content))
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: aws.String(sum(content))}
}

func (b *bench) complete(t *testing.T, key, upload string, parts []types.CompletedPart, change ...func(*s3.CompleteMultipartUploadInput)) (*s3.CompleteMultipartUploadOutput, error) {
	t.Helper()
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &b.bucket, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	for _, c := range change {
		c(in)
	}
	return b.Client.CompleteMultipartUpload(t.Context(), in)
}

// sum is a SHA-256 as S3 writes it.
func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return base64.StdEncoding.EncodeToString(digest[:])
}

// sumOfSums is the SHA-256 that S3 has of an upload in parts: of the parts' checksums, and their number.
func sumOfSums(parts ...[]byte) string {
	all := sha256.New()
	for _, part := range parts {
		digest := sha256.Sum256(part)
		all.Write(digest[:])
	}
	return base64.StdEncoding.EncodeToString(all.Sum(nil)) + "-" + strconv.Itoa(len(parts))
}

// decoded is a name of a listing that was asked for URL-encoded: S3 writes spaces as "+".
func decoded(t *testing.T, name *string) string {
	t.Helper()
	text, err := url.QueryUnescape(aws.ToString(name))
	if err != nil {
		t.Fatalf("the listing has the name %q: %v", aws.ToString(name), err)
	}
	return text
}
