package s3

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// version is one version of an object, or a delete marker. But for its storage class, tags and retention it
// never changes.
type version struct {
	id        string // "null" if it was written when its bucket kept no versions
	number    uint64 // in the order in which they were written
	key       string
	marker    bool // a delete marker, which has nothing of what follows but modified
	modified  time.Time
	blob      blob
	etag      string
	checksum  checksum
	header    http.Header // Content-Type and the like, and the user's metadata
	class     string      // storage class
	kmsKey    string      // "" for S3's own keys
	bucketKey bool
	tags      map[string]string
	tagged    time.Time // when it got them, if that was later
	retention retention
}

const nullVersion = "null"

// versionIDs are the shape of version ids here. AWS says only that they are opaque.
var versionIDs = regexp.MustCompile(`^[A-Z2-7]{20}[0-9a-f]{12}$`)

// arn is what policies call an object.
func (b *bucket) arn(key string) string { return "arn:aws:s3:::" + b.name + "/" + key }

// current is the version that a key stands for; nil if there is none, or if it is deleted.
func (b *bucket) current(key string) *version {
	versions := b.versions.get(key)
	if len(versions) == 0 || versions[0].marker {
		return nil
	}
	return versions[0]
}

// begin gives a version its number and time, which S3 tells in whole seconds.
func (s *S3) begin(v *version) {
	s.last++
	v.number, v.modified = s.last, s.cfg.Now().Truncate(time.Second)
}

// add makes a version that was begun one of its key: the newest, but for those that were begun after it. It takes
// the place of one with the same id.
func (s *S3) add(b *bucket, v *version) {
	v.id = nullVersion
	if b.settings.Versioning == versioningEnabled {
		v.id = rand.Text()[:20] + fmt.Sprintf("%012x", v.number)
	}
	b.drop(v.key, v.id)
	versions := b.versions.get(v.key)
	at := slices.IndexFunc(versions, func(other *version) bool { return other.number < v.number })
	if at < 0 {
		at = len(versions)
	}
	b.versions.put(v.key, slices.Insert(slices.Clone(versions), at, v))
}

// drop removes a version for good, if it is there.
func (b *bucket) drop(key, id string) {
	versions := b.versions.get(key)
	at := slices.IndexFunc(versions, func(v *version) bool { return v.id == id })
	if at < 0 {
		return
	}
	versions[at].blob.remove()
	if len(versions) == 1 {
		b.versions.remove(key)
		return
	}
	b.versions.put(key, slices.Concat(versions[:at], versions[at+1:]))
}

// version is the version of a key with that id; nil if there is none.
func (b *bucket) version(key, id string) (*version, error) {
	if id != nullVersion && !versionIDs.MatchString(id) {
		return nil, invalid("Invalid version id specified")
	}
	for _, v := range b.versions.get(key) {
		if v.id == id {
			return v, nil
		}
	}
	return nil, nil
}

// find is the version that a call names, or the current one. A delete marker can't be read.
func (s *S3) find(b *bucket, call endpoint.Call) (*version, error) {
	key := param(call, "Key")
	if id := param(call, "versionId"); id != "" {
		v, err := b.version(key, id)
		switch {
		case err != nil:
			return nil, err
		case v == nil:
			return nil, refusal("NoSuchVersion", "The specified version does not exist.", http.StatusNotFound)
		case v.marker:
			return nil, &endpoint.Error{
				Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Status: http.StatusMethodNotAllowed,
				Header: http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {v.id}, "Allow": {http.MethodDelete}},
			}
		}
		return v, nil
	}
	if v := b.current(key); v != nil {
		return v, nil
	}
	// Who may not list the bucket is not told that there is no such key.
	if err := s.may(call, "s3:ListBucket", "arn:aws:s3:::"+b.name); err != nil {
		return nil, err
	}
	missing := &endpoint.Error{Code: "NoSuchKey", Message: "The specified key does not exist.", Status: http.StatusNotFound}
	if versions := b.versions.get(key); len(versions) > 0 {
		missing.Header = http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {versions[0].id}}
	}
	return nil, missing
}

// nameVersion tells which version it was, where the bucket has versions.
func (b *bucket) nameVersion(v *version, header http.Header) {
	if b.settings.Versioning != "" {
		header.Set("X-Amz-Version-Id", v.id)
	}
}

func quoted(etag string) string { return `"` + etag + `"` }

// encrypted tells how a version is encrypted.
func (v *version) encrypted(header http.Header) {
	if v.kmsKey == "" {
		header.Set("X-Amz-Server-Side-Encryption", "AES256")
		return
	}
	header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", v.kmsKey)
	if v.bucketKey {
		header.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "true")
	}
}

// precondition checks If-None-Match and If-Match of a call that writes.
func (b *bucket) precondition(call endpoint.Call) error {
	now := b.current(param(call, "Key"))
	switch none := call.Request.Header.Get("If-None-Match"); {
	case none != "" && none != "*":
		return errNotImplemented
	case none == "*" && now != nil:
		return errPrecondition
	}
	match := call.Request.Header.Get("If-Match")
	switch {
	case match == "":
		return nil
	case now == nil:
		return refusal("NoSuchKey", "The specified key does not exist.", http.StatusNotFound)
	case strings.Trim(match, `"`) != now.etag:
		return errPrecondition
	}
	return nil
}

func (s *S3) putObject(_ context.Context, call endpoint.Call) (any, error) {
	var v *version
	var dir string
	_, err := s.in(call, func(b *bucket) (_ any, err error) {
		if err := b.precondition(call); err != nil {
			return nil, err
		}
		dir = b.dir
		v, err = b.describe(call, s.cfg.Now())
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	got, err := receive(call.Request, dir, v.kmsKey == "", "")
	if err != nil {
		return nil, err
	}
	v.blob, v.etag, v.checksum = got.blob, got.etag, got.checksum
	// Until here nobody sees anything of it. Whoever wrote the key meanwhile was first.
	reply, err := s.in(call, func(b *bucket) (any, error) {
		if err := b.precondition(call); err != nil {
			return nil, err
		}
		s.begin(v)
		s.add(b, v)
		header := http.Header{"Etag": {quoted(v.etag)}}
		b.nameVersion(v, header)
		v.encrypted(header)
		v.checksum.set(header)
		return empty(http.StatusOK, header), nil
	})
	if err != nil {
		got.blob.remove()
	}
	return reply, err
}

// getObject answers GetObject and HeadObject.
func (s *S3) getObject(_ context.Context, call endpoint.Call) (any, error) {
	if err := checkKey(param(call, "Key")); err != nil {
		return nil, err
	}
	if param(call, "partNumber") != "" {
		return nil, errNotImplemented
	}
	return s.in(call, func(b *bucket) (any, error) {
		v, err := s.find(b, call)
		if err != nil {
			return nil, err
		}
		request, header := call.Request.Header, v.header.Clone()
		header.Set("Etag", quoted(v.etag))
		header.Set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
		header.Set("Accept-Ranges", "bytes")
		b.nameVersion(v, header)
		v.encrypted(header)
		v.retention.set(header)
		if len(v.tags) > 0 {
			header.Set("X-Amz-Tagging-Count", strconv.Itoa(len(v.tags)))
		}
		if v.class != "STANDARD" {
			header.Set("X-Amz-Storage-Class", v.class)
		}
		if match := request.Get("If-Match"); match != "" && match != "*" && strings.Trim(match, `"`) != v.etag {
			return nil, errPrecondition
		}
		if none := request.Get("If-None-Match"); none == "*" || none != "" && strings.Trim(none, `"`) == v.etag {
			return empty(http.StatusNotModified, header), nil
		}
		size := v.blob.size()
		status, offset, length := http.StatusOK, int64(0), size
		if from, n, ok, err := readRange(request.Get("Range"), size); err != nil {
			return nil, err
		} else if ok {
			status, offset, length = http.StatusPartialContent, from, n
			header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, size))
		} else if request.Get("X-Amz-Checksum-Mode") == "ENABLED" {
			v.checksum.set(header)
		}
		header.Set("Content-Length", strconv.FormatInt(length, 10))
		reply := endpoint.Raw{Status: status, Header: header}
		if call.Operation == "HeadObject" {
			return reply, nil
		}
		if v.class == "GLACIER" || v.class == "DEEP_ARCHIVE" {
			return nil, refusal("InvalidObjectState", "The operation is not valid for the object's storage class", http.StatusForbidden)
		}
		reply.Stream, err = v.blob.open(offset, length)
		return reply, err
	})
}

// readRange reads a Range header; what is no range of bytes, or several, asks for the whole.
func readRange(header string, size int64) (offset, length int64, ok bool, err error) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(spec, "-")
	if !isBytes || !isRange || strings.Contains(spec, ",") {
		return 0, 0, false, nil
	}
	from, fromErr := strconv.ParseInt(first, 10, 64)
	to, toErr := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && toErr == nil: // the last so many
		from, to = max(0, size-to), size-1
	case fromErr == nil && last == "":
		to = size - 1
	case fromErr != nil || toErr != nil || to < from:
		return 0, 0, false, nil
	}
	if to = min(to, size-1); from > to {
		return 0, 0, false, &endpoint.Error{
			Code: "InvalidRange", Message: "The requested range is not satisfiable", Status: http.StatusRequestedRangeNotSatisfiable,
			Header: http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", size)}},
		}
	}
	return from, to - from + 1, true, nil
}
