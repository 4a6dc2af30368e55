package s3

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
)

// listUploads lists unfinished uploads: by key, then in the order in which they began.
func (s *S3) listUploads(_ context.Context, call endpoint.Call) (any, error) {
	if param(call, "delimiter") != "" {
		return nil, errNotImplemented
	}
	return s.in(call, func(b *bucket) (any, error) {
		const root = "ListMultipartUploadsResult"
		l, err := b.newListing(call, root, "max-uploads")
		if err != nil {
			return nil, err
		}
		uploads := slices.SortedFunc(maps.Values(b.uploads), func(a, b *upload) int {
			return cmp.Or(strings.Compare(a.version.key, b.version.key), cmp.Compare(a.version.number, b.version.number))
		})
		keyMarker, idMarker := param(call, "key-marker"), param(call, "upload-id-marker")
		l.d.element("Bucket", b.name)
		l.d.element("KeyMarker", l.name(keyMarker))
		l.d.element("UploadIdMarker", idMarker)
		passed := idMarker == "" || b.uploads[idMarker] == nil // of one that has gone since nothing is known: all of the key
		var last *upload
		for _, u := range uploads {
			key := u.version.key
			switch {
			case !strings.HasPrefix(key, l.prefix), key < keyMarker, key == keyMarker && idMarker == "" && keyMarker != "":
				continue
			case key == keyMarker && !passed:
				passed = u.id == idMarker
				continue
			}
			if !l.room() {
				break
			}
			last = u
			l.d.open("Upload")
			l.d.element("Key", l.name(key))
			l.d.element("UploadId", u.id)
			l.d.element("StorageClass", u.version.class)
			l.d.time("Initiated", u.version.modified)
			l.d.optional("ChecksumAlgorithm", string(u.algorithm))
			l.d.close("Upload")
		}
		l.d.element("IsTruncated", strconv.FormatBool(l.more))
		if l.more {
			l.d.element("NextKeyMarker", l.name(last.version.key))
			l.d.element("NextUploadIdMarker", last.id)
		}
		return l.d.answer(root), nil
	})
}

func (s *S3) listParts(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		u, err := b.upload(call)
		if err != nil {
			return nil, err
		}
		most, marker := maxPage, 0
		for name, into := range map[string]*int{"max-parts": &most, "part-number-marker": &marker} {
			if text := param(call, name); text != "" {
				if *into, err = strconv.Atoi(text); err != nil || *into < 0 {
					return nil, invalid("Argument %s must be an integer between 0 and 2147483647", name)
				}
			}
		}
		most = min(most, maxPage)
		const root = "ListPartsResult"
		d := newDocument(root)
		d.element("Bucket", b.name)
		d.key(u.version.key)
		d.element("UploadId", u.id)
		d.number("PartNumberMarker", int64(marker))
		d.number("MaxParts", int64(most))
		d.element("StorageClass", u.version.class)
		if u.algorithm != "" {
			d.element("ChecksumAlgorithm", string(u.algorithm))
			d.element("ChecksumType", checksum{composite: u.composite}.kind())
		}
		count, last := 0, marker
		for _, number := range slices.Sorted(maps.Keys(u.parts)) {
			if number <= marker {
				continue
			}
			if count == most {
				d.element("IsTruncated", "true")
				d.number("NextPartNumberMarker", int64(last))
				return d.answer(root), nil
			}
			p := u.parts[number]
			count, last = count+1, number
			d.open("Part")
			d.number("PartNumber", int64(number))
			d.time("LastModified", p.modified)
			d.element("ETag", quoted(p.etag))
			d.number("Size", p.blob.size())
			if u.algorithm != "" {
				d.element("Checksum"+string(u.algorithm), p.checksum.value)
			}
			d.close("Part")
		}
		d.element("IsTruncated", "false")
		return d.answer(root), nil
	})
}
