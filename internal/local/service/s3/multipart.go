package s3

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// S3's limits of uploads in parts.
const (
	maxParts = 10_000
	minPart  = 5 << 20 // bytes of all parts but the last
)

// upload is an upload that is not complete.
type upload struct {
	id        string
	version   *version  // what it is to become
	algorithm algorithm // of the parts' checksums; "" if the caller named none
	composite bool
	parts     map[int]part
}

// part is one part of it.
type part struct {
	received
	modified time.Time
}

// upload is the one that a call names.
func (b *bucket) upload(call endpoint.Call) (*upload, error) {
	u := b.uploads[param(call, "uploadId")]
	if u == nil || u.version.key != param(call, "Key") {
		return nil, errNoSuchUpload
	}
	return u, nil
}

func (s *S3) createUpload(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		v, err := b.describe(call, s.cfg.Now())
		if err != nil {
			return nil, err
		}
		header := call.Request.Header
		// The object is as old as the upload, and who wrote or deleted the key meanwhile comes before it (user
		// guide, "Working with object metadata" and "Concurrent multipart upload operations").
		s.begin(v)
		u := &upload{id: rand.Text() + rand.Text(), version: v, parts: map[int]part{}}
		if u.algorithm, err = algorithmNamed(header.Get("X-Amz-Checksum-Algorithm")); err != nil {
			return nil, err
		}
		kind := strings.ToUpper(header.Get("X-Amz-Checksum-Type"))
		switch {
		case kind != "" && u.algorithm == "":
			return nil, invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		case kind == "" && u.algorithm != "":
			u.composite = u.algorithm != crc64NVME
		case kind == "COMPOSITE" && u.algorithm != crc64NVME:
			u.composite = true
		case kind != "" && (kind != "FULL_OBJECT" || !u.algorithm.full()):
			return nil, invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(string(u.algorithm)))
		}
		b.uploads[u.id] = u
		d := newDocument("InitiateMultipartUploadResult")
		d.element("Bucket", b.name)
		d.key(v.key)
		d.element("UploadId", u.id)
		reply := d.answer("InitiateMultipartUploadResult")
		v.encrypted(reply.Header)
		if u.algorithm != "" {
			reply.Header.Set("X-Amz-Checksum-Algorithm", string(u.algorithm))
			reply.Header.Set("X-Amz-Checksum-Type", checksum{composite: u.composite}.kind())
		}
		return reply, nil
	})
}

func (s *S3) uploadPart(_ context.Context, call endpoint.Call) (any, error) {
	number, err := strconv.Atoi(param(call, "partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return nil, invalid("Part number must be an integer between 1 and 10000, inclusive")
	}
	var u *upload
	var dir string
	if _, err := s.in(call, func(b *bucket) (_ any, err error) {
		dir = b.dir
		if u, err = b.upload(call); err != nil {
			return nil, err
		}
		given, _, err := declared(call.Request.Header)
		if err == nil && given != "" && given != u.algorithm {
			expected := strings.ToLower(string(u.algorithm))
			if expected == "" {
				expected = "null"
			}
			err = invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", expected, strings.ToLower(string(given)))
		}
		return nil, err
	}); err != nil {
		return nil, err
	}
	got, err := receive(call.Request, dir, u.version.kmsKey == "", u.algorithm)
	if err != nil {
		return nil, err
	}
	reply, err := s.in(call, func(b *bucket) (any, error) {
		if _, err := b.upload(call); err != nil {
			return nil, err // it was aborted or completed meanwhile
		}
		u.parts[number].blob.remove()
		u.parts[number] = part{got, s.cfg.Now().Truncate(time.Second)}
		header := http.Header{"Etag": {quoted(got.etag)}}
		u.version.encrypted(header)
		if u.algorithm != "" {
			header.Set(u.algorithm.header(), got.checksum.value)
		}
		return empty(http.StatusOK, header), nil
	})
	if err != nil {
		got.blob.remove()
	}
	return reply, err
}

// completed is a part as the call that completes an upload names it.
type completed struct {
	PartNumber                                                                     int
	ETag                                                                           string
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
}

func (c completed) checksum(a algorithm) string {
	return map[algorithm]string{
		crc32IEEE: c.ChecksumCRC32, crc32C: c.ChecksumCRC32C, crc64NVME: c.ChecksumCRC64NVME, sha1Sum: c.ChecksumSHA1, sha256Sum: c.ChecksumSHA256,
	}[a]
}

func (s *S3) completeUpload(_ context.Context, call endpoint.Call) (any, error) {
	var wanted struct {
		Part []completed
	}
	if err := readXML(call.Body, &wanted); err != nil {
		return nil, err
	}
	if n := len(wanted.Part); n == 0 || n > maxParts {
		return nil, errMalformedXML
	}
	return s.in(call, func(b *bucket) (any, error) {
		u, err := b.upload(call)
		if err != nil {
			return nil, err
		}
		if err := b.precondition(call); err != nil {
			return nil, err
		}
		parts, err := u.chosen(wanted.Part)
		if err != nil {
			return nil, err
		}
		v := u.version
		v.blob, v.etag, v.checksum = u.joined(parts)
		if err := v.asAnnounced(call.Request.Header); err != nil {
			return nil, err
		}
		for _, c := range wanted.Part {
			delete(u.parts, c.PartNumber)
		}
		u.remove() // what was sent and not named
		delete(b.uploads, u.id)
		s.add(b, v)

		const root = "CompleteMultipartUploadResult"
		d := newDocument(root)
		d.element("Location", "http://"+call.Request.Host+call.Request.URL.EscapedPath())
		d.element("Bucket", b.name)
		d.key(v.key)
		d.element("ETag", quoted(v.etag))
		d.element("Checksum"+string(v.checksum.algorithm), v.checksum.value)
		d.element("ChecksumType", v.checksum.kind())
		reply := d.answer(root)
		b.nameVersion(v, reply.Header)
		v.encrypted(reply.Header)
		return reply, nil
	})
}

// chosen are the parts that are to become the object.
func (u *upload) chosen(wanted []completed) ([]part, error) {
	parts := make([]part, 0, len(wanted))
	for i, c := range wanted {
		if i > 0 && c.PartNumber <= wanted[i-1].PartNumber {
			return nil, refusal("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.", 0)
		}
		p, there := u.parts[c.PartNumber]
		given := c.checksum(u.algorithm)
		if u.composite && given == "" {
			return nil, invalidRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.",
				strings.ToLower(string(u.algorithm)), c.PartNumber)
		}
		if !there || strings.Trim(c.ETag, `"`) != p.etag || given != "" && given != p.checksum.value {
			return nil, refusal("InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.", 0)
		}
		parts = append(parts, p)
	}
	for _, p := range parts[:len(parts)-1] {
		if p.blob.size() < minPart {
			return nil, refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 0)
		}
	}
	return parts, nil
}

// joined is what the parts come to: their files one after the other, nothing is copied.
func (u *upload) joined(parts []part) (all blob, etag string, sum checksum) {
	tags, sums := md5.New(), parts[0].checksum.algorithm.new()
	var whole []byte
	for i, p := range parts {
		tag, _ := hex.DecodeString(p.etag)                            // which receive wrote
		value, _ := base64.StdEncoding.DecodeString(p.checksum.value) // and this
		_, _ = tags.Write(tag)
		_, _ = sums.Write(value)
		switch {
		case u.composite:
		case i == 0:
			whole = value
		default:
			whole = p.checksum.algorithm.joined(whole, value, p.blob.size())
		}
		all = append(all, p.blob...)
	}
	sum = checksum{algorithm: parts[0].checksum.algorithm, composite: u.composite, value: base64.StdEncoding.EncodeToString(whole)}
	if u.composite {
		sum.value = fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(sums.Sum(nil)), len(parts))
	}
	return all, fmt.Sprintf("%s-%d", hex.EncodeToString(tags.Sum(nil)), len(parts)), sum
}

// asAnnounced compares an object with what the call that completes it says of it.
func (v *version) asAnnounced(header http.Header) error {
	if size := header.Get("X-Amz-Mp-Object-Size"); size != "" && size != strconv.FormatInt(v.blob.size(), 10) {
		return invalidRequest("The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	a, value, err := declared(header)
	if err != nil {
		return err
	}
	whole, _, _ := strings.Cut(value, "-")
	computed, _, _ := strings.Cut(v.checksum.value, "-")
	if value != "" && (a != v.checksum.algorithm || whole != computed) {
		return badChecksum(a)
	}
	return nil
}

// remove deletes the files of all parts.
func (u *upload) remove() {
	for _, p := range u.parts {
		p.blob.remove()
	}
}

func (s *S3) abortUpload(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		u, err := b.upload(call)
		if err != nil {
			return nil, err
		}
		u.remove()
		delete(b.uploads, u.id)
		return nil, nil
	})
}
