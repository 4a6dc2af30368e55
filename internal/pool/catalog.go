package pool

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Catalog is what a tenant's database holds, by its own account: what a copy of it is held against.
// Names are qualified, and quoted as a statement would have them.
type Catalog struct {
	Version      int          `json:"version"` // the server's, as server_version_num: 150014 is 15.14
	Bytes        int64        `json:"bytes"`   // on the server's disk; a copy's is another
	Collate      string       `json:"collate"` // the locale of its order, and of its characters
	Ctype        string       `json:"ctype"`
	Tables       []TableRows  `json:"tables"`
	Sequences    []SequenceAt `json:"sequences"`
	LargeObjects int64        `json:"largeObjects"`
	Views        []string     `json:"views"` // also materialized ones
	Types        []string     `json:"types"` // composite types, enumerations, domains and ranges
	Routines     []string     `json:"routines"`

	// Forced are the tables whose row security binds their owner too. It is lifted while they are copied, so a
	// dump does not say so.
	Forced []string `json:"forced"`
}

// TableRows is a table with its rows, without those of tables that inherit from it.
type TableRows struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// SequenceAt is a sequence with its last value, or the first if it was not called.
type SequenceAt struct {
	Name   string `json:"name"`
	Last   int64  `json:"last"`
	Called bool   `json:"called"`
}

// ErrBadDump means that a dump is not what was written, does not restore, or holds other than the database held.
var ErrBadDump = errors.New("the dump is no good")

// CopySchema is the platform's schema in a tenant's database, there only while it is copied, and left out of the
// copy. The tenant can neither make it nor look into it.
const CopySchema = "headroom"

// DumpFile is what a dump must be: its bytes, and what they hold.
type DumpFile struct {
	Bytes   int64
	SHA256  [sha256.Size]byte
	Catalog Catalog // of the database, when it was dumped
}

// DumpCheck is how a dump was found to be good. One that was restored held what its database held; of one that was too
// large for that, each section was read and unpacked.
type DumpCheck struct {
	Restored bool
	Catalog  Catalog // of what was restored
}

// Major is the server's major version, such as 15.
func (c Catalog) Major() int { return c.Version / 10000 }

// Differences names what a copy holds other than c, or other than as c has it: nothing, if it is whole.
func (c Catalog) Differences(replica Catalog) []string {
	found := slices.Concat(
		unlike("table", "rows", rows(c.Tables), rows(replica.Tables)),
		unlike("sequence", "as its state", states(c.Sequences), states(replica.Sequences)),
		unlike("view", "", present(c.Views), present(replica.Views)),
		unlike("type", "", present(c.Types), present(replica.Types)),
		unlike("routine", "", present(c.Routines), present(replica.Routines)),
	)
	if c.LargeObjects != replica.LargeObjects {
		found = append(found, fmt.Sprintf("%d large objects instead of %d", replica.LargeObjects, c.LargeObjects))
	}
	return found
}

// unlike names what differs between two catalogs' things of one kind, in the order of their names.
func unlike[V comparable](kind, unit string, want, got map[string]V) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch value, there := got[name]; {
		case !there:
			found = append(found, fmt.Sprintf("%s %s is missing", kind, name))
		case value != want[name]:
			found = append(found, fmt.Sprintf("%s %s has %v instead of %v %s", kind, name, value, want[name], unit))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, wanted := want[name]; !wanted {
			found = append(found, fmt.Sprintf("%s %s is too many", kind, name))
		}
	}
	return found
}

func rows(tables []TableRows) map[string]int64 {
	byName := map[string]int64{}
	for _, table := range tables {
		byName[table.Name] = table.Rows
	}
	return byName
}

// state is where a sequence stands.
type state struct {
	last   int64
	called bool
}

func (s state) String() string {
	if s.called {
		return fmt.Sprint(s.last)
	}
	return fmt.Sprintf("%d (not called)", s.last)
}

func states(sequences []SequenceAt) map[string]state {
	byName := map[string]state{}
	for _, sequence := range sequences {
		byName[sequence.Name] = state{sequence.Last, sequence.Called}
	}
	return byName
}

func present(names []string) map[string]bool {
	byName := map[string]bool{}
	for _, name := range names {
		byName[name] = true
	}
	return byName
}
