package s3

import (
	"context"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
)

// maxPage is how many entries an answer has at most.
const maxPage = 1000

// listing is what the lists have in common.
type listing struct {
	prefix, delimiter string
	most              int
	encoded           bool // keys are URL-encoded, because XML can't hold all of them
	d                 *document
	count             int
	more              bool
}

func (b *bucket) newListing(call endpoint.Call, root, most string) (*listing, error) {
	l := &listing{prefix: param(call, "prefix"), delimiter: param(call, "delimiter"), most: maxPage}
	switch encoding := param(call, "encoding-type"); encoding {
	case "":
	case "url":
		l.encoded = true
	default:
		return nil, invalid("Invalid Encoding Method specified in Request")
	}
	if text := param(call, most); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return nil, invalid("Argument %s must be an integer between 0 and 2147483647", most)
		}
		l.most = min(int(n), maxPage)
	}
	l.d = newDocument(root)
	l.d.element("Name", b.name)
	l.d.element("Prefix", l.name(l.prefix))
	l.d.optional("Delimiter", l.name(l.delimiter))
	l.d.number("MaxKeys", int64(l.most))
	if l.encoded {
		l.d.element("EncodingType", "url")
	}
	return l, nil
}

// name writes a key or a part of one.
func (l *listing) name(text string) string {
	if !l.encoded {
		return text
	}
	return strings.ReplaceAll(url.QueryEscape(text), "%2F", "/")
}

// room reports whether an entry more goes onto the page; if not, there is more.
func (l *listing) room() bool {
	if l.count >= l.most {
		l.more = l.most > 0 // who asks for nothing gets all of it
		return false
	}
	l.count++
	return true
}

func (l *listing) common(prefixes []string) {
	for _, prefix := range prefixes {
		l.d.open("CommonPrefixes")
		l.d.element("Prefix", l.name(prefix))
		l.d.close("CommonPrefixes")
	}
}

// objects lists current versions after a marker, and returns what was listed last.
func (l *listing) objects(b *bucket, marker string) (last string) {
	var prefixes []string
	there := func(versions []*version) bool { return !versions[0].marker }
	b.versions.walk(l.prefix, l.delimiter, after(marker, l.prefix, l.delimiter), there, func(key string, common bool) bool {
		if !l.room() {
			return false
		}
		last = key
		if common {
			prefixes = append(prefixes, key)
			return true
		}
		l.d.open("Contents")
		l.version(b.current(key))
		l.d.close("Contents")
		return true
	})
	l.common(prefixes)
	return last
}

// version writes what lists say of a version.
func (l *listing) version(v *version) {
	l.d.element("Key", l.name(v.key))
	l.d.time("LastModified", v.modified)
	if v.marker {
		return
	}
	l.d.element("ETag", quoted(v.etag))
	l.d.element("ChecksumAlgorithm", string(v.checksum.algorithm))
	l.d.element("ChecksumType", v.checksum.kind())
	l.d.number("Size", v.blob.size())
	l.d.element("StorageClass", v.class)
}

func (s *S3) listObjects(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		const root = "ListBucketResult"
		l, err := b.newListing(call, root, "max-keys")
		if err != nil {
			return nil, err
		}
		l.d.element("Marker", l.name(param(call, "marker")))
		last := l.objects(b, param(call, "marker"))
		l.d.element("IsTruncated", strconv.FormatBool(l.more))
		if l.more && l.delimiter != "" { // without one it is the last key
			l.d.element("NextMarker", l.name(last))
		}
		return l.d.answer(root), nil
	})
}

func (s *S3) listObjectsV2(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		const root = "ListBucketResult"
		l, err := b.newListing(call, root, "max-keys")
		if err != nil {
			return nil, err
		}
		marker := param(call, "start-after")
		l.d.optional("StartAfter", l.name(marker))
		if _, given := call.Params["continuation-token"]; given {
			token := param(call, "continuation-token")
			decoded, err := base64.URLEncoding.DecodeString(token)
			if err != nil || len(decoded) == 0 {
				return nil, invalid("The continuation token provided is incorrect")
			}
			marker = string(decoded)
			l.d.element("ContinuationToken", token)
		}
		last := l.objects(b, marker)
		l.d.number("KeyCount", int64(l.count))
		l.d.element("IsTruncated", strconv.FormatBool(l.more))
		if l.more {
			l.d.element("NextContinuationToken", base64.URLEncoding.EncodeToString([]byte(last)))
		}
		return l.d.answer(root), nil
	})
}

// listVersions lists all versions and delete markers: keys in order, the newest first of each.
func (s *S3) listVersions(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		const root = "ListVersionsResult"
		l, err := b.newListing(call, root, "max-keys")
		if err != nil {
			return nil, err
		}
		key, id := param(call, "key-marker"), param(call, "version-id-marker")
		from, below, err := b.resume(key, id, l)
		if err != nil {
			return nil, err
		}
		l.d.element("KeyMarker", l.name(key))
		l.d.element("VersionIdMarker", id)
		var lastKey, lastID string
		var prefixes []string
		all := func([]*version) bool { return true }
		b.versions.walk(l.prefix, l.delimiter, from, all, func(key string, common bool) bool {
			if common {
				if !l.room() {
					return false
				}
				lastKey, lastID = key, ""
				prefixes = append(prefixes, key)
				return true
			}
			for i, v := range b.versions.get(key) {
				if key == from && v.number >= below {
					continue
				}
				if !l.room() {
					return false
				}
				lastKey, lastID = key, v.id
				element := "Version"
				if v.marker {
					element = "DeleteMarker"
				}
				l.d.open(element)
				l.version(v)
				l.d.element("VersionId", v.id)
				l.d.element("IsLatest", strconv.FormatBool(i == 0))
				l.d.open("Owner")
				l.d.element("ID", s.cfg.Account)
				l.d.close("Owner")
				l.d.close(element)
			}
			return true
		})
		l.common(prefixes)
		l.d.element("IsTruncated", strconv.FormatBool(l.more))
		if l.more {
			l.d.element("NextKeyMarker", l.name(lastKey))
			l.d.optional("NextVersionIdMarker", lastID)
		}
		return l.d.answer(root), nil
	})
}

// resume is where a list of versions goes on: from a key on, of that one with the versions whose number is
// below. It may do so after a version that was deleted since.
func (b *bucket) resume(key, id string, l *listing) (from string, below uint64, err error) {
	const all = 1<<64 - 1
	switch {
	case id == "":
		return after(key, l.prefix, l.delimiter), all, nil
	case key == "":
		return "", 0, invalid("A version-id marker cannot be specified without a key marker.")
	}
	v, err := b.version(key, id)
	switch {
	case err != nil:
		return "", 0, err
	case v != nil:
		return key, v.number, nil
	case id == nullVersion:
		return key, all, nil // when it was written is not known any more
	}
	below, err = strconv.ParseUint(id[len(id)-12:], 16, 64)
	return key, below, err
}
