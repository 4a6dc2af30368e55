package s3

import (
	"context"
	"crypto/md5"
	"errors"
	"net/http"
	"strconv"

	"headroom/internal/local/endpoint"
)

// deletion is what deleting came to.
type deletion struct {
	marker bool   // a delete marker was made, or it was one that was deleted
	id     string // of the marker, or of the version that was deleted; "" if there are no versions
}

// remove deletes a version for good, or without an id the object: where versions are kept, by a marker.
// What is not there is deleted too.
func (s *S3) remove(b *bucket, key, id string, call endpoint.Call) (deletion, error) {
	if id == "" {
		if b.settings.Versioning == "" {
			b.drop(key, nullVersion)
			return deletion{}, nil
		}
		marker := &version{key: key, marker: true}
		s.begin(marker)
		s.add(b, marker)
		return deletion{true, marker.id}, nil
	}
	v, err := b.version(key, id)
	if err != nil {
		return deletion{}, err
	}
	if v == nil {
		return deletion{id: id}, nil
	}
	if err := s.mayUnlock(b, v, call); err != nil {
		return deletion{}, err
	}
	b.drop(key, id)
	return deletion{v.marker, id}, nil
}

func (s *S3) deleteObject(_ context.Context, call endpoint.Call) (any, error) {
	if err := checkKey(param(call, "Key")); err != nil {
		return nil, err
	}
	return s.in(call, func(b *bucket) (any, error) {
		done, err := s.remove(b, param(call, "Key"), param(call, "versionId"), call)
		if err != nil {
			return nil, err
		}
		header := http.Header{}
		if done.id != "" {
			header.Set("X-Amz-Version-Id", done.id)
		}
		if done.marker {
			header.Set("X-Amz-Delete-Marker", strconv.FormatBool(true))
		}
		return empty(http.StatusNoContent, header), nil
	})
}

// maxDeleted is how many keys DeleteObjects takes.
const maxDeleted = 1000

// deleteObjects deletes many. Each is refused by itself, also to those who may not: the call succeeds.
func (s *S3) deleteObjects(_ context.Context, call endpoint.Call) (any, error) {
	var wanted struct {
		Quiet  bool
		Object []struct{ Key, VersionId string }
	}
	if err := readXML(call.Body, &wanted); err != nil {
		return nil, err
	}
	if n := len(wanted.Object); n == 0 || n > maxDeleted {
		return nil, errMalformedXML
	}
	if err := checked(call); err != nil {
		return nil, err
	}
	return s.in(call, func(b *bucket) (any, error) {
		d := newDocument("DeleteResult")
		for _, o := range wanted.Object {
			action := "s3:DeleteObject"
			if o.VersionId != "" {
				action = "s3:DeleteObjectVersion"
			}
			var done deletion
			err := s.may(call, action, b.arn(o.Key))
			if err == nil {
				done, err = s.remove(b, o.Key, o.VersionId, call)
			}
			var refused *endpoint.Error
			switch {
			case errors.As(err, &refused):
				d.open("Error")
				d.element("Key", o.Key)
				d.optional("VersionId", o.VersionId)
				d.element("Code", refused.Code)
				d.element("Message", refused.Message)
				d.close("Error")
			case err != nil:
				return nil, err
			case !wanted.Quiet:
				d.open("Deleted")
				d.element("Key", o.Key)
				d.optional("VersionId", o.VersionId)
				if done.marker {
					d.element("DeleteMarker", "true")
					d.element("DeleteMarkerVersionId", done.id)
				}
				d.close("Deleted")
			}
		}
		return d.answer("DeleteResult"), nil
	})
}

// checked refuses a document that comes without a checksum, or with a wrong one.
func checked(call endpoint.Call) error {
	a, value, err := declared(call.Request.Header)
	if err != nil {
		return err
	}
	if a == "" && call.Request.Header.Get("Content-Md5") == "" {
		return invalidRequest("Missing required header for this request: Content-MD5")
	}
	sums := sums{sum: a.new(), md5: md5.New()}
	_, _ = sums.Write(call.Body) // never fails
	_, _, err = sums.check(call.Request.Header, a, value)
	return err
}
