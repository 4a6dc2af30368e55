package pool

import (
	"regexp"
	"sync"
	"time"
)

// CopiedFrom is the name of the metadata of an object that was copied out of the past: its value is the version that it was.
const CopiedFrom = "headroom-version"

// ObjectCopy is a copy that is to be made of a version, within its bucket.
type ObjectCopy struct {
	From  ObjectVersion
	To    string // key
	There bool   // it may have been made already: the key has something
}

// restoredKey is how keys of files begin that came back from the past (Restoration.Folder).
var restoredKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^restored-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?/`) })

// CameBack reports whether a key is that of a file, or folder, that came back from the past.
func CameBack(key string) bool { return restoredKey().MatchString(key) }

// Then picks what a bucket held at a time, out of its versions in the order of listings: by keys, within a key the newest
// first. S3 tells times in whole seconds: what was changed within the second of At counts, and a file that was written and
// deleted within one second may count as there.
type Then struct {
	At time.Time

	key     string
	settled bool // what the key was is known
}

// Takes reports whether a version is what its key was. A key that was deleted then, or not there yet, was nothing; files
// that had come back from an earlier past are none of the bucket's own.
func (n *Then) Takes(v ObjectVersion) bool {
	if v.Key != n.key {
		n.key, n.settled = v.Key, false
	}
	if n.settled || v.Modified.After(n.At) {
		return false
	}
	n.settled = true
	return !v.Marker && !CameBack(v.Key)
}
