package appliance

import (
	"crypto/rand"
	"path"
	"slices"
	"strings"
	"sync"
)

// handles gives out the file handles of an appliance. They say nothing by themselves, can't be
// guessed, and stay good until their share ends, as long as clients may keep them.
type handles struct {
	mu      sync.Mutex
	targets map[string]target
	known   map[target]string
}

// target is what a handle stands for.
type target struct {
	share string // id
	path  string // below the share's root, "" for the root itself
}

func newHandles() *handles {
	return &handles{targets: map[string]target{}, known: map[target]string{}}
}

// of returns the handle of a path in a share, the same one each time.
func (h *handles) of(share string, elements []string) []byte {
	to := target{share: share, path: path.Join(elements...)}
	h.mu.Lock()
	defer h.mu.Unlock()
	handle, ok := h.known[to]
	if !ok {
		handle = rand.Text() // 26 bytes; NFS allows 64
		h.known[to], h.targets[handle] = handle, to
	}
	return []byte(handle)
}

// resolve tells what a handle stands for.
func (h *handles) resolve(handle []byte) (share string, elements []string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	to, ok := h.targets[string(handle)]
	if to.path != "" {
		elements = slices.Clip(strings.Split(to.path, "/"))
	}
	return to.share, elements, ok
}

// drop forgets one handle.
func (h *handles) drop(handle []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.known, h.targets[string(handle)])
	delete(h.targets, string(handle))
}

// forget drops all handles of a share.
func (h *handles) forget(share string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for handle, to := range h.targets {
		if to.share == share {
			delete(h.targets, handle)
			delete(h.known, to)
		}
	}
}
