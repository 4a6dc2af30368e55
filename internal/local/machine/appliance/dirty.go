package appliance

import (
	"sync"
	"time"
)

// dirtySet is the list of a share's paths that changed and are not in the bucket yet.
type dirtySet struct {
	mu     sync.Mutex
	next   uint64
	paths  map[string]change
	open   int  // changes under way
	sealed bool // no change is begun any more
}

// change is the last change of a path.
type change struct {
	first uint64 // number of the oldest change that has not been uploaded
	last  uint64
	at    time.Time
	why   string // why its last upload failed; empty: none has, since the last one that did not
}

// begin notes that a change is under way, which end must follow; false when there may be none any more.
func (d *dirtySet) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sealed {
		return false
	}
	d.open++
	return true
}

func (d *dirtySet) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
}

// seal lets no change begin any more.
func (d *dirtySet) seal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sealed = true
}

func (d *dirtySet) isSealed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sealed
}

// quiet reports whether no change is under way, and none waits for its upload.
func (d *dirtySet) quiet() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open == 0 && len(d.paths) == 0
}

func (d *dirtySet) touch(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paths == nil {
		d.paths = map[string]change{}
	}
	d.next++
	c, ok := d.paths[path]
	if !ok {
		c.first = d.next
	}
	c.last, c.at = d.next, time.Now()
	d.paths[path] = c
}

// settled lists the paths whose last change is older than a time, with that change's number.
func (d *dirtySet) settled(before time.Time) map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := map[string]uint64{}
	for path, c := range d.paths {
		if c.at.Before(before) {
			due[path] = c.last
		}
	}
	return due
}

// clean notes that a path is in the bucket as it was at its change with that number.
func (d *dirtySet) clean(path string, upTo uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.paths[path]
	if !ok {
		return
	}
	if c.last <= upTo {
		delete(d.paths, path)
		return
	}
	c.first, c.why = upTo+1, ""
	d.paths[path] = c
}

// failed notes why a path is not in the bucket.
func (d *dirtySet) failed(path, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.paths[path]; ok {
		c.why = why
		d.paths[path] = c
	}
}

// failing lists the paths whose last upload failed, with why it did.
func (d *dirtySet) failing() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]string{}
	for path, c := range d.paths {
		if c.why != "" {
			all[path] = c.why
		}
	}
	return all
}

func (d *dirtySet) has(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.paths[path]
	return ok
}

func (d *dirtySet) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.paths)
}

// mark is the number of the latest change.
func (d *dirtySet) mark() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next
}

// before reports whether a change up to that number is still to be uploaded.
func (d *dirtySet) before(mark uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.paths {
		if c.first <= mark {
			return true
		}
	}
	return false
}
