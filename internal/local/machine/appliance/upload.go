package appliance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Bucket is where a share's files go, and as whom.
type Bucket struct {
	Name    string
	Prefix  string // "" or ending with "/"
	RoleARN string
	KeyARN  string // the KMS key of SSE-KMS, or ""
}

// Objects reaches buckets. Each call is the role's of the bucket that it names.
type Objects interface {
	Put(ctx context.Context, bucket Bucket, key string, body []byte) error
	// Delete of what is not there succeeds.
	Delete(ctx context.Context, bucket Bucket, key string) error
	Keys(ctx context.Context, bucket Bucket) ([]string, error)
	Get(ctx context.Context, bucket Bucket, key string) ([]byte, error)
}

// uploadTimeout is for one file.
const uploadTimeout = 30 * time.Second

// uploadLoop brings what has changed to the buckets, a little later, until the appliance is stopped.
func (a *Appliance) uploadLoop() {
	for a.pause(a.cfg.UploadDelay / 4) {
		if a.away.Load() || a.hung.Load() {
			continue
		}
		a.mu.Lock()
		if a.phase != running {
			a.mu.Unlock()
			continue
		}
		shares := make([]*share, 0, len(a.shares))
		for _, s := range a.shares {
			shares = append(shares, s)
		}
		a.mu.Unlock()
		for _, s := range shares {
			for changed, number := range s.files.dirty.settled(time.Now().Add(-a.cfg.UploadDelay)) {
				if err := a.upload(s, changed); err != nil {
					// It stays dirty: the next round tries again, as the real one does for ever.
					s.files.dirty.failed(changed, reasonOf(err))
					a.cfg.Log.Warn("upload failed", "share", s.definition().ID, "path", changed, "error", err)
					continue
				}
				s.files.dirty.clean(changed, number)
			}
		}
	}
}

// upload makes an object of a path what the file is: there, gone, or a folder's marker.
func (a *Appliance) upload(s *share, changed string) error {
	ctx, cancel := context.WithTimeout(a.life, uploadTimeout)
	defer cancel()
	bucket := s.definition().Bucket
	key := bucket.Prefix + changed
	info, err := s.files.root.Lstat(changed)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !a.Connected() {
			return ErrNotConnected // the cache was lost, not the file deleted
		}
		if err := a.cfg.Objects.Delete(ctx, bucket, key); err != nil {
			return fmt.Errorf("delete object %s: %w", key, err)
		}
		if err := a.cfg.Objects.Delete(ctx, bucket, key+"/"); err != nil {
			return fmt.Errorf("delete object %s/: %w", key, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("look at %s: %w", changed, err)
	}
	var body []byte
	if info.IsDir() {
		key += "/"
	} else if body, err = fs.ReadFile(s.files.root.FS(), changed); err != nil {
		return fmt.Errorf("read %s: %w", changed, err)
	}
	if err := a.cfg.Objects.Put(ctx, bucket, key, body); err != nil {
		return fmt.Errorf("put object %s: %w", key, err)
	}
	a.uploaded(len(body))
	return nil
}

// fetch brings objects that a share does not have into its cache. What waits for its upload is newer
// than its object and stays.
func (a *Appliance) fetch(ctx context.Context, s *share) error {
	bucket := s.definition().Bucket
	keys, err := a.cfg.Objects.Keys(ctx, bucket)
	if err != nil {
		return fmt.Errorf("list bucket %s: %w", bucket.Name, err)
	}
	for _, key := range keys {
		name := local(strings.TrimPrefix(key, bucket.Prefix))
		if name == "." || s.files.dirty.has(name) {
			continue
		}
		if strings.HasSuffix(key, "/") {
			if err := s.files.root.MkdirAll(name, 0o755); err != nil {
				return fmt.Errorf("make folder %s: %w", name, err)
			}
			continue
		}
		if _, err := s.files.root.Lstat(name); err == nil {
			continue
		}
		body, err := a.cfg.Objects.Get(ctx, bucket, key)
		if err != nil {
			return fmt.Errorf("get object %s of bucket %s: %w", key, bucket.Name, err)
		}
		if err := s.files.root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return fmt.Errorf("make folder of %s: %w", name, err)
		}
		if err := s.files.root.WriteFile(name, body, 0o644); err != nil {
			return fmt.Errorf("cache object %s: %w", key, err)
		}
	}
	return nil
}
