package archive

import "strings"

// What a Writer holds of an entry beside its name, and of a folder that is new, in bytes of memory: as it was measured,
// and somewhat more (TestWhatIsKeptOfEachEntry).
const (
	entryLoad  = 240
	folderLoad = 40
)

// A Load is about what a Writer will hold of objects, for who has to know before whether there is memory for it: as
// much again may be garbage. A key whose name is escaped because it meets another's takes up to three times its length.
type Load struct {
	folders string // of the last key
	bytes   int64
}

// Add counts an object in. Keys come as S3 lists them: so what they have of their folders in common is next to them.
func (l *Load) Add(key string) {
	name := plain(key)
	l.bytes += entryLoad + int64(len(ShareFolder)+len(name))*9/8 // sizes of memory are an eighth apart
	folders := name[:strings.LastIndexByte(name, '/')+1]
	common := 0
	for i := range min(len(folders), len(l.folders)) {
		if folders[i] != l.folders[i] {
			break
		}
		if folders[i] == '/' {
			common = i + 1
		}
	}
	l.bytes += folderLoad * int64(min(strings.Count(folders[common:], "/"), depthMax))
	l.folders = folders
}

// Bytes of memory.
func (l *Load) Bytes() int64 { return l.bytes }
