package decommission

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// overwrite writes an object into the n-th share's bucket as its gateway does, whatever is there.
func (w *world) overwrite(n int, key, content string) {
	w.t.Helper()
	bucket, arn := w.bucket(n), shareKey
	_, err := w.objects.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader(content), ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &arn,
	})
	w.must(err)
}

// remove removes an object, of which a delete marker stays.
func (w *world) remove(n int, key string) {
	w.t.Helper()
	bucket := w.bucket(n)
	_, err := w.objects.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	w.must(err)
}

// begin begins an upload that nobody finishes.
func (w *world) begin(n int, key string) {
	w.t.Helper()
	bucket := w.bucket(n)
	_, err := w.objects.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{
		Bucket: &bucket, Key: &key, ServerSideEncryption: types.ServerSideEncryptionAwsKms,
	})
	w.must(err)
}

// mess leaves in a bucket what a listing of its current objects does not show.
func (w *world) mess(n int) {
	w.t.Helper()
	w.overwrite(n, "a file of acme", "its second content")
	w.overwrite(n, "removed by acme", "content")
	w.remove(n, "removed by acme")
	w.begin(n, "unfinished by acme")
}

// remains lists all that is left in a bucket, in whatever version.
func (w *world) remains(n int) (keys []string) {
	w.t.Helper()
	bucket := w.bucket(n)
	versions, err := w.objects.ListObjectVersions(context.Background(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	w.must(err)
	for _, v := range versions.Versions {
		keys = append(keys, *v.Key)
	}
	for _, m := range versions.DeleteMarkers {
		keys = append(keys, *m.Key+" (marker)")
	}
	uploads, err := w.objects.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	w.must(err)
	for _, u := range uploads.Uploads {
		keys = append(keys, *u.Key+" (upload)")
	}
	return keys
}
