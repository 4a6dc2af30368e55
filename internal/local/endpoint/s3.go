package endpoint

import (
	"net/http"
	"net/url"
	"strings"
)

// s3Operations tells an S3 call by its method, by what its path names ("" nothing, "b" a bucket,
// "o" an object) and by the query parameter or header that marks it. What is not here is in use
// nowhere and is answered 501, where a part would take it for another call.
var s3Operations = []struct {
	method, level, mark, operation string
}{
	{http.MethodPut, "o", "uploadId", "UploadPart"},
	{http.MethodPost, "o", "uploads", "CreateMultipartUpload"},
	{http.MethodPost, "o", "uploadId", "CompleteMultipartUpload"},
	{http.MethodDelete, "o", "uploadId", "AbortMultipartUpload"},
	{http.MethodPut, "o", "X-Amz-Copy-Source", "CopyObject"},
	{http.MethodPut, "o", "", "PutObject"},
	{http.MethodGet, "o", "", "GetObject"},
	{http.MethodHead, "o", "", "HeadObject"},
	{http.MethodDelete, "o", "", "DeleteObject"},
	{http.MethodPost, "b", "delete", "DeleteObjects"},
	{http.MethodGet, "b", "list-type", "ListObjectsV2"},
	{http.MethodGet, "b", "", "ListObjects"},
	{http.MethodPut, "b", "", "CreateBucket"},
	{http.MethodHead, "b", "", "HeadBucket"},
	{http.MethodDelete, "b", "", "DeleteBucket"},
	{http.MethodGet, "", "", "ListBuckets"},
}

// s3Tagging are the calls about a bucket's tags, by method. The part has none of them: they are faked.
var s3Tagging = map[string]string{http.MethodGet: "GetBucketTagging", http.MethodPut: "PutBucketTagging"}

// s3Subresources are query parameters that make quite another call of the same method and path.
var s3Subresources = []string{
	"acl", "accelerate", "analytics", "attributes", "cors", "encryption", "intelligent-tiering",
	"inventory", "legal-hold", "lifecycle", "location", "logging", "metrics", "notification",
	"object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication",
	"requestPayment", "restore", "retention", "select", "tagging", "torrent", "versioning", "versions",
	"website",
}

// readS3 tells the operation, and its bucket and key as the parameters Bucket and Key.
func readS3(req *http.Request) (operation string, params map[string]any) {
	query := req.URL.Query()
	bucket, key := s3Target(req)
	params = map[string]any{}
	level := ""
	if bucket != "" {
		level, params["Bucket"] = "b", bucket
	}
	if key != "" {
		level, params["Key"] = "o", key
	}
	for name := range query {
		params[name] = query.Get(name)
	}
	if source := req.Header.Get("X-Amz-Copy-Source"); source != "" {
		params["CopySource"] = source
	}
	if operation, ok := s3Tagging[req.Method]; ok && level == "b" && query.Has("tagging") {
		return operation, params
	}
	for _, sub := range s3Subresources {
		if query.Has(sub) {
			return req.Method + " ?" + sub, params
		}
	}
	for _, o := range s3Operations {
		if o.method == req.Method && o.level == level && (o.mark == "" || query.Has(o.mark) || req.Header.Get(o.mark) != "") {
			return o.operation, params
		}
	}
	return req.Method + " " + req.URL.Path, params
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

// s3Path is the path of a call in path style, whatever style it came in.
func s3Path(req *http.Request) string {
	path := req.URL.EscapedPath()
	if bucket := hostBucket(req.Host); bucket != "" {
		return "/" + bucket + path
	}
	return path
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
