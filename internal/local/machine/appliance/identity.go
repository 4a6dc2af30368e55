package appliance

import (
	"os"
	"path/filepath"
	"slices"
	"sync"

	"headroom/internal/local/machine"
)

// identity is who an appliance is, as its root volume knows: which gateway, with which cache and which shares. A
// machine that is started with that volume is that gateway again.
type identity struct {
	gateway  string // its ID
	image    string // that it last ran on
	cache    []string
	shares   map[string]Share // by ID
	handles  *handles
	imported int // how often it was taken over by another machine
}

// content is what is on a volume, whichever machine has it. The files of shares are in the volume's folder.
type content struct {
	mu       sync.Mutex
	identity *identity            // of an appliance whose root this is; nil: of none that is a gateway
	dirty    map[string]*dirtySet // by share: what is on this cache only
	lost     bool                 // what was on it can't be read any more
}

// on is what is on a volume.
func (f *Fleet) on(volumeID string) *content {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.volumes[volumeID]
	if c == nil {
		c = &content{dirty: map[string]*dirtySet{}}
		f.volumes[volumeID] = c
	}
	return c
}

// Erase forgets what is on a volume that no machine has any more.
func (f *Fleet) Erase(volumeID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.volumes, volumeID)
	if volumeID != "" {
		_ = os.RemoveAll(filepath.Join(f.cfg.Dir, volumeID))
	}
}

// Lose lets a volume lose what is on it. An appliance whose cache it is serves nothing any more.
func (f *Fleet) Lose(volumeID string) {
	c := f.on(volumeID)
	c.mu.Lock()
	c.lost, c.identity, c.dirty = true, nil, map[string]*dirtySet{}
	c.mu.Unlock()
	for _, a := range f.all() {
		a.missing(volumeID)
	}
	_ = os.RemoveAll(filepath.Join(f.cfg.Dir, volumeID))
}

// who reads an identity from a volume; nil if there is none.
func (c *content) who() *identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity
}

func (c *content) write(who *identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = who
}

func (c *content) readable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.lost
}

// changes are a share's changes that are on this cache only.
func (c *content) changes(shareID string) *dirtySet {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dirty[shareID]
	if d == nil {
		d = &dirtySet{}
		c.dirty[shareID] = d
	}
	return d
}

func (c *content) forget(shareID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.dirty, shareID)
}

// rootOf is the root volume of a machine. One that was given none has one that nobody else can have.
func rootOf(m machine.Machine) string {
	for _, d := range m.Disks {
		if d.Root {
			return d.VolumeID
		}
	}
	return "root of " + m.InstanceID
}

// whole reports whether the cache of an identity is there as it was, and nothing else is: each disk that is missing
// or too many keeps an appliance from running.
func (f *Fleet) whole(who *identity, disks []machine.Disk) bool {
	for _, id := range who.cache {
		there := slices.ContainsFunc(disks, func(d machine.Disk) bool { return diskID(d) == id && f.on(d.VolumeID).readable() })
		if !there {
			return false
		}
	}
	return true
}
