package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"headroom/internal/local/endpoint"
)

// keptHeaders are given back as they came.
var keptHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

const metadataPrefix = "X-Amz-Meta-"

// maxMetadata bounds the names and values of a user's metadata, in bytes.
const maxMetadata = 2 << 10

// storageClasses are those that can be written to, in the order in which lifecycle rules may go down.
var storageClasses = []string{"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"}

// describe reads what an object is to be like from the headers of a call that writes it or begins an upload.
func (b *bucket) describe(call endpoint.Call, now time.Time) (*version, error) {
	header := call.Request.Header
	v := &version{key: param(call, "Key"), header: http.Header{}, class: header.Get("X-Amz-Storage-Class")}
	if err := checkKey(v.key); err != nil {
		return nil, err
	}
	for _, name := range keptHeaders {
		if value := header.Get(name); value != "" {
			v.header.Set(name, value)
		}
	}
	if encoding := withoutChunked(header.Get("Content-Encoding")); encoding != "" {
		v.header.Set("Content-Encoding", encoding)
	} else {
		v.header.Del("Content-Encoding")
	}
	if v.header.Get("Content-Type") == "" {
		v.header.Set("Content-Type", "binary/octet-stream")
	}
	size := 0
	for name, values := range header {
		if rest, ok := strings.CutPrefix(name, metadataPrefix); ok {
			v.header[name] = values
			size += len(rest) + len(strings.Join(values, ","))
		}
	}
	if size > maxMetadata {
		return nil, refusal("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", 0)
	}
	if v.class == "" {
		v.class = "STANDARD"
	}
	if !slices.Contains(storageClasses, v.class) {
		return nil, refusal("InvalidStorageClass", "The storage class you specified is not valid", 0)
	}
	if err := b.describeEncryption(header, v); err != nil {
		return nil, err
	}
	var err error
	if v.tags, err = taggingOf(header.Get("X-Amz-Tagging")); err != nil {
		return nil, err
	}
	v.retention, err = b.retentionOf(header, now)
	return v, err
}

func (b *bucket) describeEncryption(header http.Header, v *version) error {
	v.kmsKey, v.bucketKey = b.settings.KMSKey, b.settings.BucketKey
	key := header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	switch header.Get("X-Amz-Server-Side-Encryption") {
	case "":
	case "AES256":
		v.kmsKey, v.bucketKey = "", false
	case "aws:kms":
		if key == "" && v.kmsKey == "" {
			return errNotImplemented // the account's own key for S3, which nothing here is encrypted with
		}
		if key != "" {
			v.kmsKey = key
		}
		if enabled := header.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"); enabled != "" {
			v.bucketKey = enabled == "true"
		}
		return nil
	default:
		return invalid("The encryption method specified is not supported")
	}
	if key != "" {
		return invalid("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	}
	return nil
}

// maxKey is the length of a key in UTF-8, in bytes.
const maxKey = 1024

func checkKey(key string) error {
	if !utf8.ValidString(key) {
		return refusal("InvalidURI", "Couldn't parse the specified URI.", 0)
	}
	if len(key) > maxKey {
		return refusal("KeyTooLongError", "Your key is too long", 0)
	}
	return nil
}

// taggingOf reads the tags that a header gives an object.
func taggingOf(header string) (map[string]string, error) {
	values, err := url.ParseQuery(header)
	tags := map[string]string{}
	for key, all := range values {
		if len(all) > 1 {
			err = errMalformedXML
		}
		tags[key] = all[0]
	}
	if err != nil {
		return nil, invalid("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	if len(tags) > tagsPerObject {
		return nil, refusal("BadRequest", "Object tags cannot be greater than 10", 0)
	}
	if err := keepsSystemTags(nil, tags); err != nil {
		return nil, err
	}
	return tags, CheckTags(tags)
}
