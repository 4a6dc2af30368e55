package archive

import (
	"crypto/sha256"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// depthMax is how many parts a plain name may have. Each folder is remembered, so it bounds what one key can
// cost; what lies deeper is flat.
const depthMax = 64

// use is what a name is taken by.
type use byte

const (
	passed use = iota + 1 // a folder that something lies in
	folder                // a folder that is an entry itself
	file
)

// taken remembers which names are taken on a disk where neither capitals nor normal forms count. Of each it
// keeps a quarter of a SHA-256: where two of them meet, by chance or because a tenant made them, one of the names
// is escaped, no more.
type taken map[[8]byte]use

// name gives an object its name below share/, and takes it. The first to come has the plain one.
func (t taken) name(o Object) string {
	name, as := plain(o.Key), file
	if o.folder() {
		name, as = folderName(o.Key), folder
	}
	path := folded(strings.TrimSuffix(name, "/"))
	if strings.Count(name, "/") > depthMax || !t.free(path, as) {
		return flat(o.Key) // meets nothing, so it need not be remembered
	}
	t.take(path, as)
	return name
}

func (t taken) free(path string, as use) bool {
	if was, ok := t[digest(path)]; ok && (as == file || was != passed) {
		return false
	}
	for i := range len(path) {
		if path[i] == '/' && t[digest(path[:i])] == file {
			return false
		}
	}
	return true
}

func (t taken) take(path string, as use) {
	t[digest(path)] = as
	for i := range len(path) {
		if parent := digest(path[:i]); path[i] == '/' && t[parent] == 0 {
			t[parent] = passed
		}
	}
}

func digest(path string) [8]byte {
	sum := sha256.Sum256([]byte(path))
	return [8]byte(sum[:8])
}

// folded is what a name is to a disk that minds capitals and normal forms least: it folds more than any one of
// them does (APFS decomposes and folds, HFS+ passes over characters that are not seen, NTFS knows capitals).
func folded(name string) string {
	if ascii(name) {
		return strings.ToLower(name)
	}
	name = cases.Fold().String(strings.ToUpper(norm.NFD.String(name)))
	return norm.NFD.String(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, name))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
