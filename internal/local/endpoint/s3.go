package endpoint

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// s3Operations tells an S3 call by its method, by what its path names ("" nothing, "b" a bucket,
// "o" an object) and by the query parameters and headers that mark it, the more special call first. What
// is not here is in use nowhere and is answered 501.
var s3Operations = []struct {
	method, level string
	marks         []string
	operation     string
}{
	{http.MethodPut, "o", []string{"uploadId", "X-Amz-Copy-Source"}, "UploadPartCopy"},
	{http.MethodPut, "o", []string{"uploadId"}, "UploadPart"},
	{http.MethodPost, "o", []string{"uploads"}, "CreateMultipartUpload"},
	{http.MethodPost, "o", []string{"uploadId"}, "CompleteMultipartUpload"},
	{http.MethodDelete, "o", []string{"uploadId"}, "AbortMultipartUpload"},
	{http.MethodGet, "o", []string{"uploadId"}, "ListParts"},
	{http.MethodPut, "o", []string{"retention"}, "PutObjectRetention"},
	{http.MethodGet, "o", []string{"retention"}, "GetObjectRetention"},
	{http.MethodPut, "o", []string{"tagging"}, "PutObjectTagging"},
	{http.MethodGet, "o", []string{"tagging"}, "GetObjectTagging"},
	{http.MethodPut, "o", []string{"X-Amz-Copy-Source"}, "CopyObject"},
	{http.MethodPut, "o", nil, "PutObject"},
	{http.MethodGet, "o", nil, "GetObject"},
	{http.MethodHead, "o", nil, "HeadObject"},
	{http.MethodDelete, "o", nil, "DeleteObject"},
	{http.MethodPost, "b", []string{"delete"}, "DeleteObjects"},
	{http.MethodGet, "b", []string{"versions"}, "ListObjectVersions"},
	{http.MethodGet, "b", []string{"uploads"}, "ListMultipartUploads"},
	{http.MethodGet, "b", []string{"versioning"}, "GetBucketVersioning"},
	{http.MethodPut, "b", []string{"versioning"}, "PutBucketVersioning"},
	{http.MethodGet, "b", []string{"object-lock"}, "GetObjectLockConfiguration"},
	{http.MethodGet, "b", []string{"lifecycle"}, "GetBucketLifecycleConfiguration"},
	{http.MethodGet, "b", []string{"encryption"}, "GetBucketEncryption"},
	{http.MethodGet, "b", []string{"location"}, "GetBucketLocation"},
	{http.MethodGet, "b", []string{"publicAccessBlock"}, "GetPublicAccessBlock"},
	{http.MethodGet, "b", []string{"tagging"}, "GetBucketTagging"},
	{http.MethodPut, "b", []string{"tagging"}, "PutBucketTagging"},
	{http.MethodGet, "b", []string{"list-type"}, "ListObjectsV2"},
	{http.MethodGet, "b", nil, "ListObjects"},
	{http.MethodPut, "b", nil, "CreateBucket"},
	{http.MethodHead, "b", nil, "HeadBucket"},
	{http.MethodDelete, "b", nil, "DeleteBucket"},
	{http.MethodGet, "", nil, "ListBuckets"},
}

// s3Streams are the operations whose body is an object's, of any size: it is not read before they are
// carried out.
var s3Streams = []string{"PutObject", "UploadPart"}

// s3Subresources are query parameters that make quite another call of the same method and path.
var s3Subresources = []string{
	"acl", "accelerate", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
	"inventory", "legal-hold", "lifecycle", "location", "logging", "metrics", "notification",
	"object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication",
	"requestPayment", "restore", "retention", "select", "tagging", "torrent", "uploadId", "uploads",
	"versioning", "versions", "website",
}

// readS3 tells the operation, and its bucket and key as the parameters Bucket and Key.
func readS3(req *http.Request) (operation string, params map[string]any) {
	query := req.URL.Query()
	bucket, key := s3Target(req)
	params = map[string]any{}
	for name := range query {
		params[name] = query.Get(name)
	}
	level := ""
	if bucket != "" { // after the query, which must not name another one
		level, params["Bucket"] = "b", bucket
	}
	if key != "" {
		level, params["Key"] = "o", key
	}
	for _, o := range s3Operations {
		marked := func(mark string) bool { return query.Has(mark) || req.Header.Get(mark) != "" }
		lacks := func(mark string) bool { return !marked(mark) }
		other := func(sub string) bool { return query.Has(sub) && !slices.Contains(o.marks, sub) }
		if o.method == req.Method && o.level == level && !slices.ContainsFunc(o.marks, lacks) && !slices.ContainsFunc(s3Subresources, other) {
			return o.operation, params
		}
	}
	for _, sub := range s3Subresources {
		if query.Has(sub) {
			return req.Method + " ?" + sub, params
		}
	}
	return req.Method + " " + req.URL.Path, params
}

// isStream reports whether a call of S3 brings an object's body.
func isStream(req *http.Request) bool {
	operation, _ := readS3(req)
	return slices.Contains(s3Streams, operation)
}

// drain reads what is left of a body that was refused, so that the caller, who may still be writing, gets to
// read why. One who waits to be told to go on has sent nothing.
func drain(req *http.Request) {
	if req.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, req.Body, maxBody)
	}
}

// s3Target reads bucket and key from the path, or the bucket from the host name: "b.localhost" and
// "b.s3.localhost" (virtual-host addressing).
func s3Target(req *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(req.URL.Path, "/")
	if bucket := hostBucket(req.Host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func hostBucket(host string) string {
	name := (&url.URL{Host: host}).Hostname()
	rest, ok := strings.CutSuffix(name, ".localhost")
	if !ok {
		return ""
	}
	if rest == "s3" || strings.HasPrefix(rest, "s3.") {
		return ""
	}
	if i := strings.Index(rest, ".s3"); i >= 0 {
		return rest[:i]
	}
	return rest
}

// ObjectOf reads bucket and key from an object's URL, in path or virtual-host style, such as a
// stack's template URL.
func ObjectOf(location string) (bucket, key string, ok bool) {
	u, err := url.Parse(location)
	if err != nil {
		return "", "", false
	}
	path := strings.TrimPrefix(u.Path, "/")
	if bucket, _, virtual := strings.Cut(u.Host, ".s3"); virtual {
		return bucket, path, true
	}
	return strings.Cut(path, "/")
}
