package s3

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// maxCopy is how large an object may be that CopyObject copies, and what UploadPartCopy takes at most.
const maxCopy = 5 << 30

// copied is what a call copies: a version, whose bytes are kept for the copy under names of their own.
type copied struct {
	version *version
	tags    map[string]string
	blob    blob
}

// CopySource is the object that a call copies, as its header names it; ok is false without one.
func CopySource(header http.Header) (bucket, key, version string, ok bool) {
	source := header.Get("X-Amz-Copy-Source")
	path, query, _ := strings.Cut(source, "?")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil || source == "" {
		return "", "", "", false
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", "", "", false
	}
	bucket, key, ok = strings.Cut(path, "/")
	return bucket, key, values.Get("versionId"), ok && bucket != "" && key != ""
}

// source finds what a call copies, and keeps its bytes by other names in a folder: the version may be deleted meanwhile.
func (s *S3) source(call endpoint.Call, dir string) (copied, error) {
	name, key, id, ok := CopySource(call.Request.Header)
	if !ok {
		return copied{}, invalid("Invalid copy source object key")
	}
	named := endpoint.Call{Principal: call.Principal, Params: map[string]any{"Bucket": name, "Key": key, "versionId": id}}
	var found copied
	_, err := s.in(named, func(b *bucket) (any, error) {
		v, err := s.find(b, named)
		var refused *endpoint.Error
		if errors.As(err, &refused) && refused.Code == "MethodNotAllowed" {
			return nil, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		}
		if err != nil {
			return nil, err
		}
		if v.class == "GLACIER" || v.class == "DEEP_ARCHIVE" {
			return nil, refusal("InvalidObjectState", "The source object of the COPY operation is not in the active tier and is only stored in Amazon S3 Glacier.", http.StatusForbidden)
		}
		found.version, found.tags = v, v.tags
		found.blob, err = v.blob.linked(dir)
		return nil, err
	})
	return found, err
}

// linked is the same bytes by other names in a folder.
func (b blob) linked(dir string) (blob, error) {
	var other blob
	for _, s := range b {
		path := filepath.Join(dir, rand.Text())
		if err := os.Link(s.path, path); err != nil {
			other.remove()
			return nil, fmt.Errorf("keep an object's file: %w", err)
		}
		other = append(other, segment{path, s.size})
	}
	return other, nil
}

// copyObject answers CopyObject.
func (s *S3) copyObject(_ context.Context, call endpoint.Call) (any, error) {
	var v *version
	var dir string
	header := call.Request.Header
	if _, err := s.in(call, func(b *bucket) (_ any, err error) {
		if err := b.precondition(call); err != nil {
			return nil, err
		}
		dir = b.dir
		v, err = b.describe(call, s.cfg.Now())
		return nil, err
	}); err != nil {
		return nil, err
	}
	from, err := s.source(call, dir)
	if err != nil {
		return nil, err
	}
	metadata, tags := header.Get("X-Amz-Metadata-Directive"), header.Get("X-Amz-Tagging-Directive")
	name, key, id, _ := CopySource(header)
	switch {
	case metadata != "" && metadata != "COPY" && metadata != "REPLACE":
		err = invalid("Unknown metadata directive.")
	case tags != "" && tags != "COPY" && tags != "REPLACE":
		err = invalid("Unknown tagging directive.")
	case from.blob.size() > maxCopy:
		err = invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", maxCopy)
	case name == param(call, "Bucket") && key == v.key && id == "" && metadata != "REPLACE":
		err = invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if err != nil {
		from.blob.remove()
		return nil, err
	}
	if metadata != "REPLACE" {
		v.header = from.version.header.Clone()
	}
	if tags != "REPLACE" {
		v.tags = from.tags
	}
	v.blob, v.etag, v.checksum = from.blob, from.version.etag, from.version.checksum
	if v.kmsKey != "" || from.version.kmsKey != "" || strings.Contains(v.etag, "-") { // it is made anew
		v.etag = randomTag()
	}
	reply, err := s.in(call, func(b *bucket) (any, error) {
		if err := b.precondition(call); err != nil {
			return nil, err
		}
		s.begin(v)
		s.add(b, v)
		reply := copyResult("CopyObjectResult", v.etag, v.modified)
		b.nameVersion(v, reply.Header)
		from.name(reply.Header)
		v.encrypted(reply.Header)
		return reply, nil
	})
	if err != nil {
		from.blob.remove()
	}
	return reply, err
}

// uploadPartCopy answers UploadPartCopy.
func (s *S3) uploadPartCopy(_ context.Context, call endpoint.Call) (any, error) {
	number, err := strconv.Atoi(param(call, "partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return nil, invalid("Part number must be an integer between 1 and 10000, inclusive")
	}
	var u *upload
	var dir string
	if _, err := s.in(call, func(b *bucket) (_ any, err error) {
		dir = b.dir
		u, err = b.upload(call)
		return nil, err
	}); err != nil {
		return nil, err
	}
	from, err := s.source(call, dir)
	if err != nil {
		return nil, err
	}
	defer from.blob.remove()
	got, err := from.part(call.Request.Header.Get("X-Amz-Copy-Source-Range"), dir, u.algorithm)
	if err != nil {
		return nil, err
	}
	reply, err := s.in(call, func(b *bucket) (any, error) {
		if _, err := b.upload(call); err != nil {
			return nil, err // it was aborted or completed meanwhile
		}
		u.parts[number].blob.remove()
		now := s.cfg.Now().Truncate(time.Second)
		u.parts[number] = part{got, now}
		reply := copyResult("CopyPartResult", got.etag, now)
		from.name(reply.Header)
		u.version.encrypted(reply.Header)
		return reply, nil
	})
	if err != nil {
		got.blob.remove()
	}
	return reply, err
}

// part copies a span of bytes, or all of them, to a file of its own.
func (c copied) part(span, dir string, wanted algorithm) (received, error) {
	offset, length := int64(0), c.blob.size()
	if span != "" {
		first, last, ok := strings.Cut(strings.TrimPrefix(span, "bytes="), "-")
		from, err1 := strconv.ParseInt(first, 10, 64)
		to, err2 := strconv.ParseInt(last, 10, 64)
		if !ok || errors.Join(err1, err2) != nil || to < from {
			return received{}, invalid("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		if to >= length {
			return received{}, invalid("Range specified is not valid for source object of size: %d", length)
		}
		offset, length = from, to-from+1
	}
	if length > maxCopy {
		return received{}, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", maxCopy)
	}
	in, err := c.blob.open(offset, length)
	if err != nil {
		return received{}, err
	}
	if wanted == "" {
		wanted = crc64NVME
	}
	sum := wanted.new()
	written, err := writeSegment(dir, io.TeeReader(in, sum))
	if err = errors.Join(err, in.Close()); err != nil {
		return received{}, err
	}
	return received{
		blob: blob{written}, etag: randomTag(),
		checksum: checksum{algorithm: wanted, value: base64.StdEncoding.EncodeToString(sum.Sum(nil))},
	}, nil
}

// name tells which version was copied.
func (c copied) name(header http.Header) { header.Set("X-Amz-Copy-Source-Version-Id", c.version.id) }

func copyResult(root, etag string, modified time.Time) endpoint.Raw {
	d := newDocument(root)
	d.time("LastModified", modified)
	d.element("ETag", quoted(etag))
	return d.answer(root)
}

// randomTag is an ETag that says nothing, as that of what a KMS key encrypts.
func randomTag() string {
	var random [md5.Size]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}
