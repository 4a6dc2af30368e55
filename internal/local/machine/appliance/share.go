package appliance

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Share is what an appliance has to know of a file share.
type Share struct {
	ID       string // such as "share-1234ABCD"
	Name     string // its export is "/" and this
	Bucket   Bucket
	Clients  []netip.Prefix
	ReadOnly bool
}

// share is an exported share.
type share struct {
	files *files

	mu  sync.Mutex
	def Share
}

// definition is the share as it is now.
func (s *share) definition() Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.def
}

// admits reports whether the client list holds an address.
func (s *share) admits(from netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, network := range s.def.Clients {
		if network.Contains(from.Unmap()) {
			return true
		}
	}
	return false
}

// Export serves a share, with what its bucket holds; or, served already, changes its client list
// and whether it can be written.
func (a *Appliance) Export(ctx context.Context, def Share) error {
	a.mu.Lock()
	if a.phase != running || a.away.Load() || a.hung.Load() {
		a.mu.Unlock()
		return ErrNotConnected
	}
	if there := a.shares[def.ID]; there != nil {
		a.mu.Unlock()
		there.mu.Lock()
		there.def = def
		there.files.readOnly.Store(def.ReadOnly)
		there.mu.Unlock()
		a.note(def)
		return nil
	}
	volume := a.cacheVolume()
	a.mu.Unlock()
	if volume == "" {
		return ErrNoCache
	}
	s, err := a.open(volume, def)
	if err != nil {
		return err
	}
	if err := a.fetch(ctx, s); err != nil {
		_ = s.files.Close()
		return err
	}
	a.note(def)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shares[def.ID] = s
	return nil
}

// open opens what a cache volume has of a share.
func (a *Appliance) open(volume string, def Share) (*share, error) {
	dir := filepath.Join(a.cfg.Dir, volume, def.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache of share %s: %w", def.ID, err)
	}
	disk, err := openFiles(dir, def.ReadOnly, a.fleet.on(volume).changes(def.ID), a.vitals.traffic)
	if err != nil {
		return nil, err
	}
	return &share{files: disk, def: def}, nil
}

// note writes a share's definition to the root volume.
func (a *Appliance) note(def Share) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.who.shares[def.ID] = def
}

// restore opens the shares that the gateway had when its machine ended.
func (a *Appliance) restore() error {
	a.mu.Lock()
	volume, definitions := a.cacheVolume(), maps.Clone(a.who.shares)
	a.mu.Unlock()
	opened := map[string]*share{}
	for id, def := range definitions {
		s, err := a.open(volume, def)
		if err != nil {
			return err
		}
		opened[id] = s
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shares = opened
	return nil
}

// Shares lists the IDs of the shares that are served.
func (a *Appliance) Shares() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.shares))
}

// Unexport ends a share. Its clients' handles are stale from now on; what was not uploaded is lost.
func (a *Appliance) Unexport(id string) error {
	a.mu.Lock()
	s := a.shares[id]
	if s == nil {
		a.mu.Unlock()
		return nil
	}
	delete(a.shares, id)
	delete(a.who.shares, id)
	handles, volume := a.who.handles, a.cacheVolume()
	a.mu.Unlock()
	handles.forget(id)
	a.fleet.on(volume).forget(id)
	if err := s.files.Close(); err != nil {
		return fmt.Errorf("close the cache of share %s: %w", id, err)
	}
	return nil
}

// Dirty counts the changes to a share's files that are not in its bucket yet.
func (a *Appliance) Dirty(id string) int {
	s, ok := a.byID(id)
	if !ok {
		return 0
	}
	return s.files.dirty.count()
}

// Refresh brings what its bucket has and it has not into a share.
func (a *Appliance) Refresh(ctx context.Context, id string) error {
	s, ok := a.byID(id)
	if !ok {
		return fmt.Errorf("refresh share %s: %w", id, ErrNoShare)
	}
	return a.fetch(ctx, s)
}

func (a *Appliance) byID(id string) (*share, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.shares[id]
	return s, ok
}

func (a *Appliance) byName(name string) (*share, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.shares {
		if s.definition().Name == name {
			return s, true
		}
	}
	return nil, false
}

// uploadPoll is how often it is looked whether uploads are done.
const uploadPoll = 20 * time.Millisecond

// Uploads returns what waits until all that was changed before this call is in the bucket.
func (a *Appliance) Uploads(id string) (wait func(context.Context) error, err error) {
	s, ok := a.byID(id)
	if !ok {
		return nil, fmt.Errorf("wait for the uploads of share %s: %w", id, ErrNoShare)
	}
	before := s.files.dirty.mark()
	return func(ctx context.Context) error {
		return a.until(ctx, id, func() bool { return !s.files.dirty.before(before) })
	}, nil
}

// AwaitUploaded waits until all that was changed before the call is in the bucket.
func (a *Appliance) AwaitUploaded(ctx context.Context, id string) error {
	wait, err := a.Uploads(id)
	if err != nil {
		return err
	}
	return wait(ctx)
}

// Retire ends a share once all that its clients have written is in the bucket. It takes no change any more, and
// there is no way back: a file that can't be uploaded, or an appliance that is cut off, holds it up for ever.
func (a *Appliance) Retire(ctx context.Context, id string) error {
	s, ok := a.byID(id)
	if !ok {
		return fmt.Errorf("retire share %s: %w", id, ErrNoShare)
	}
	s.files.dirty.seal()
	if err := a.until(ctx, id, s.files.dirty.quiet); err != nil {
		return err
	}
	if err := a.Unexport(id); err != nil {
		return err
	}
	a.mu.Lock()
	volume := a.cacheVolume()
	a.mu.Unlock()
	if err := os.RemoveAll(filepath.Join(a.cfg.Dir, volume, id)); err != nil {
		return fmt.Errorf("free the cache of share %s: %w", id, err)
	}
	return nil
}

// until waits for what becomes of a share's uploads.
func (a *Appliance) until(ctx context.Context, id string, is func() bool) error {
	tick := time.NewTicker(uploadPoll)
	defer tick.Stop()
	for !is() || a.away.Load() || a.hung.Load() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the uploads of share %s: %w", id, ctx.Err())
		case <-a.life.Done():
			return ErrNotConnected
		case <-tick.C:
		}
	}
	return nil
}
