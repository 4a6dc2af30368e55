package pool

import (
	"errors"
	"time"
)

// What a bucket answers of an object.
var (
	// ErrNoObject means that the bucket has no such object or version, or that it is a delete marker.
	ErrNoObject = errors.New("there is no such object")
	// ErrOtherObject means that the key, which was to be new, has an object with another content.
	ErrOtherObject = errors.New("the key has another object")
)

// SizeUnknown is the size of an object of which nothing is known but its name.
const SizeUnknown = -1

// ObjectRef names an object's version; without a version the current one, where that may be.
type ObjectRef struct {
	Bucket  string // its name
	Key     string
	Version string
}

// ObjectVersion is a version of an object, or a delete marker, as a listing has it.
type ObjectVersion struct {
	Key      string
	Version  string
	Size     int64 // bytes
	Modified time.Time
	Latest   bool // it is what the key is now
	Marker   bool // a delete marker: it hides older versions and holds nothing
}

// Ref names the version in its bucket.
func (v ObjectVersion) Ref(bucket string) ObjectRef {
	return ObjectRef{Bucket: bucket, Key: v.Key, Version: v.Version}
}

// ObjectCursor is where a listing goes on: behind this version, whether it is there still or not. The zero value is
// the beginning.
type ObjectCursor struct {
	Key     string
	Version string
}

// ObjectPage is a part of a listing, by ascending bytes of the keys. It can be empty although more come.
type ObjectPage struct {
	Versions []ObjectVersion
	More     bool
	Next     ObjectCursor // where More is
}

// OpenUpload is an upload in parts that was begun, and neither completed nor aborted.
type OpenUpload struct {
	Key   string
	ID    string
	Begun time.Time
}

// UploadCursor is where a listing of uploads goes on. The zero value is the beginning.
type UploadCursor struct {
	Key string
	ID  string
}

// UploadPage is a part of a listing of uploads.
type UploadPage struct {
	Uploads []OpenUpload
	More    bool
	Next    UploadCursor // where More is
}

// ObjectSpec is what an object is stored with. Its bytes come beside it.
type ObjectSpec struct {
	Bucket      string
	Key         string
	KMSKey      string // ARN of the key that encrypts it
	ContentType string
	Metadata    map[string]string
	Tags        map[string]string // that it has from its first moment on; lifecycle rules go by them
	Until       time.Time         // governance retention; zero: none, which can be set later
}

// StoredObject is a version of an object that is in a bucket.
type StoredObject struct {
	Version  string
	Size     int64  // bytes
	SHA256   string // hexadecimal; empty where it is not known, as of what was uploaded in parts
	Modified time.Time
	Metadata map[string]string
	Class    string    // storage class, such as STANDARD or DEEP_ARCHIVE
	Until    time.Time // of its retention; zero without
}

// ObjectRefusal is a version that could not be deleted.
type ObjectRefusal struct {
	Object  ObjectVersion
	Code    string // S3's, such as AccessDenied; SlowDown and InternalError may pass
	Message string
}

// KeysOf are the keys of all versions that a listing has, each once; of delete markers it takes none.
func KeysOf(list func(from ObjectCursor) (ObjectPage, error)) ([]string, error) {
	var keys []string
	for from, more := (ObjectCursor{}), true; more; {
		page, err := list(from)
		if err != nil {
			return nil, err
		}
		for _, v := range page.Versions {
			if !v.Marker && (len(keys) == 0 || keys[len(keys)-1] != v.Key) {
				keys = append(keys, v.Key)
			}
		}
		from, more = page.Next, page.More
	}
	return keys, nil
}
