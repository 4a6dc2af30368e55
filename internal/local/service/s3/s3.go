// Package s3 is the local cloud's S3: buckets with versions and Object Lock, multipart uploads and checksums,
// as far as Headroom and its operators use them. The bytes of objects are files, streamed to and from the
// caller; what they are called is in memory, as all that the local cloud knows, and goes with it. Lifecycle
// rules move versions to other storage classes, and what lies in a glacier can't be read; they delete nothing.
package s3

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"headroom/internal/local/endpoint"
)

// Config is what S3 needs. All but Allowed is required.
type Config struct {
	Account, Region string
	Dir             string           // for the objects' bytes; what is in it is deleted
	Now             func() time.Time // when things change, and retentions end
	// Allowed decides what can't be decided before a call is carried out; nil allows it. See iam.Store.Allowed.
	Allowed func(principal, action, resource string) error
}

// S3 is all buckets.
type S3 struct {
	cfg Config

	mu      sync.Mutex // of all that is below; not held while bytes are read or written
	buckets map[string]*bucket
	last    uint64 // number of the latest version
}

// bucket is one bucket.
type bucket struct {
	name      string
	dir       string
	created   time.Time
	settings  Settings
	versions  index[[]*version] // of each key, the newest first
	uploads   map[string]*upload
	transited time.Time // the midnight when the lifecycle rules were last carried out
}

// New makes an S3 without buckets.
func New(cfg Config) (*S3, error) {
	if err := os.RemoveAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("empty the folder of S3: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of S3: %w", err)
	}
	return &S3{cfg: cfg, buckets: map[string]*bucket{}}, nil
}

// Service answers the operations in use.
func (s *S3) Service() endpoint.Service {
	return endpoint.Service{Name: "s3", Operations: map[string]endpoint.Operation{
		"ListBuckets":                     s.listBuckets,
		"CreateBucket":                    s.createBucket,
		"HeadBucket":                      s.headBucket,
		"DeleteBucket":                    s.deleteBucket,
		"GetBucketTagging":                s.getBucketTagging,
		"PutBucketTagging":                s.putBucketTagging,
		"GetBucketVersioning":             s.getVersioning,
		"PutBucketVersioning":             s.putVersioning,
		"GetObjectLockConfiguration":      s.getLockConfiguration,
		"GetBucketLifecycleConfiguration": s.getLifecycle,
		"GetBucketEncryption":             s.getEncryption,
		"GetBucketLocation":               s.getLocation,
		"GetPublicAccessBlock":            s.getPublicAccess,
		"PutObject":                       s.putObject,
		"GetObject":                       s.getObject,
		"HeadObject":                      s.getObject,
		"CopyObject":                      s.copyObject,
		"DeleteObject":                    s.deleteObject,
		"DeleteObjects":                   s.deleteObjects,
		"ListObjects":                     s.listObjects,
		"ListObjectsV2":                   s.listObjectsV2,
		"ListObjectVersions":              s.listVersions,
		"GetObjectRetention":              s.getRetention,
		"PutObjectRetention":              s.putRetention,
		"GetObjectTagging":                s.getTagging,
		"PutObjectTagging":                s.putTagging,
		"CreateMultipartUpload":           s.createUpload,
		"UploadPart":                      s.uploadPart,
		"UploadPartCopy":                  s.uploadPartCopy,
		"CompleteMultipartUpload":         s.completeUpload,
		"AbortMultipartUpload":            s.abortUpload,
		"ListMultipartUploads":            s.listUploads,
		"ListParts":                       s.listParts,
	}}
}

// may asks whether the caller may do something that the call turned out to need.
func (s *S3) may(call endpoint.Call, action, resource string) error {
	if call.Principal == "" || s.cfg.Allowed == nil {
		return nil
	}
	if err := s.cfg.Allowed(call.Principal, action, resource); err != nil {
		return refusal("AccessDenied", err.Error(), http.StatusForbidden)
	}
	return nil
}

// bucketNames are S3's rules for the names of general purpose buckets, as far as a pattern says them. Here one
// character will do: what is made by hand may be short.
var bucketNames = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

// Create makes a bucket.
func (s *S3) Create(name string, settings Settings) error {
	if !bucketNames.MatchString(name) {
		return refusal("InvalidBucketName", "The specified bucket is not valid.", http.StatusBadRequest)
	}
	if err := settings.complete(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] != nil {
		return refusal("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", http.StatusConflict)
	}
	dir := filepath.Join(s.cfg.Dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of bucket %s: %w", name, err)
	}
	s.buckets[name] = &bucket{name: name, dir: dir, created: s.cfg.Now(), settings: settings, uploads: map[string]*upload{}}
	return nil
}

// Change makes a bucket as the settings say. What it once had it can't be without: versions are suspended, and
// Object Lock stays.
func (s *S3) Change(name string, settings Settings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return errNoSuchBucket
	}
	if b.settings.ObjectLock && !settings.ObjectLock {
		return refusal("InvalidRequest", "Object Lock cannot be disabled once it is enabled.", http.StatusBadRequest)
	}
	if settings.Versioning == "" && b.settings.Versioning != "" && !settings.ObjectLock {
		settings.Versioning = versioningSuspended
	}
	if err := settings.complete(); err != nil {
		return err
	}
	b.settings = settings
	return nil
}

// Delete deletes a bucket that has no object, version or delete marker. Unfinished uploads go with it.
func (s *S3) Delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return errNoSuchBucket
	}
	if len(b.versions.entries) > 0 {
		message := "The bucket you tried to delete is not empty"
		if b.settings.Versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return refusal("BucketNotEmpty", message, http.StatusConflict)
	}
	delete(s.buckets, name)
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("delete the folder of bucket %s: %w", name, err)
	}
	return nil
}

// in runs a function about the bucket that a call names, with the lock held.
func (s *S3) in(call endpoint.Call, do func(*bucket) (any, error)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[param(call, "Bucket")]
	if b == nil {
		return nil, errNoSuchBucket
	}
	b.transit(s.cfg.Now())
	return do(b)
}

func (s *S3) createBucket(_ context.Context, call endpoint.Call) (any, error) {
	name := param(call, "Bucket")
	settings := Settings{PublicAccess: BlockPublic{true, true, true, true}, ObjectLock: call.Request.Header.Get("X-Amz-Bucket-Object-Lock-Enabled") == "true"}
	if err := s.Create(name, settings); err != nil {
		return nil, err
	}
	return empty(http.StatusOK, http.Header{"Location": {"/" + name}}), nil
}

func (s *S3) headBucket(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(*bucket) (any, error) {
		return empty(http.StatusOK, http.Header{"X-Amz-Bucket-Region": {s.cfg.Region}}), nil
	})
}

func (s *S3) deleteBucket(_ context.Context, call endpoint.Call) (any, error) {
	return nil, s.Delete(param(call, "Bucket"))
}

func (s *S3) listBuckets(context.Context, endpoint.Call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const root = "ListAllMyBucketsResult"
	d := newDocument(root)
	d.open("Owner")
	d.element("ID", s.cfg.Account)
	d.close("Owner")
	d.open("Buckets")
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		d.open("Bucket")
		d.element("Name", name)
		d.time("CreationDate", s.buckets[name].created)
		d.close("Bucket")
	}
	d.close("Buckets")
	return d.answer(root), nil
}
