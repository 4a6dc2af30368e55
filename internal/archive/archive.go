// Package archive is the form in which a tenant's data is kept: one zip with the share's files under share/,
// the database's dump, and a manifest that says of every one of them what it is. It deals in streams alone:
// nothing is sought in, nothing is laid on a disk, and what is held in memory grows with the number of entries alone.
//
// A Writer makes an archive. Verify reads one back, by other code, byte by byte.
//
// The zip is as PKWARE's APPNOTE 6.3.10 has it, with data descriptors (4.3.9) behind what is written, because
// sizes are not known before, and zip64 (4.3.14, 4.5.3) where sizes, offsets or the number of entries want it.
package archive

import (
	"errors"
	"strings"
	"time"
)

// Names of entries in the zip. Files of the share lie in a folder of their own, so no key is one of these.
const (
	// ShareFolder is where the share's files are.
	ShareFolder = "share/"
	// DumpName is the database's dump, as pg_dump writes it.
	DumpName = "database.dump"
	// ManifestName is the manifest, which is the zip's last entry.
	ManifestName = "manifest.jsonl"
)

// form is the version of the manifest's form.
const form = 1

// ErrDamaged is what every Fault is: the archive, or its manifest, is not what was written.
var ErrDamaged = errors.New("the archive is damaged")

// Fault is what Verify found. Who gets it must not believe anything of the archive.
type Fault struct {
	Where string // the entry's name, "manifest, line 7", "directory", or "end"
	What  string
}

// Error says where and what.
func (f *Fault) Error() string { return ErrDamaged.Error() + ": " + f.Where + ": " + f.What }

// Unwrap makes a fault ErrDamaged.
func (f *Fault) Unwrap() error { return ErrDamaged }

// Header says whose archive it is: the manifest's first line.
type Header struct {
	Tenant       string    // the tenant's id
	Mark         string    // of the signup that ends
	ShareMark    string    // mark of the share slot's generation; empty when the tenant had none
	DatabaseMark string    // mark of the database slot's generation; empty when the tenant had none
	Bucket       string    // the bucket that the files are from
	Attempt      string    // which of several tries made it
	Made         time.Time // when it was begun
}

// Object is a version of an object of the share's bucket.
type Object struct {
	Key      string // any bytes
	Version  string
	Size     int64 // bytes
	Modified time.Time
	Metadata map[string]string // the user metadata, where the gateway keeps owner, mode and times
}

// folder reports whether an object stands for a folder: the gateway keeps one as an empty object whose key
// ends in a slash.
func (o Object) folder() bool { return o.Size == 0 && strings.HasSuffix(o.Key, "/") }

// Database says what was dumped.
type Database struct {
	Name          string
	ServerVersion string // as the server words it, such as "15.9"
	Bytes         int64  // the size of the database on its server, which is not that of its dump
}

// Table says of a table what the dump has of it, and what it has not.
type Table struct {
	Schema string
	Name   string
	Rows   int64
	Forced bool // its row security binds its owner too, which a dump does not say: it is lifted while it is made
}

// Content is what an entry of the zip holds.
type Content struct {
	Name   string // in the zip
	Size   int64  // bytes, unpacked
	SHA256 string // of what is unpacked, 64 hexadecimal digits
	CRC32  uint32 // of what is unpacked, which zip has (IEEE's polynomial)
}

// Totals are what an archive holds: the manifest's last line.
type Totals struct {
	Objects   int64 // entries under share/, folders among them
	Bytes     int64 // of all objects, unpacked
	Databases int64 // dumps: one or none
	DumpBytes int64
	Tables    int64
	Rows      int64 // of all tables
}
