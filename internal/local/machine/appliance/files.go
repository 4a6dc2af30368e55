package appliance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-git/go-billy/v5"
)

// files is a share's folder on the cache disk, as the NFS server wants it. No path leads out of it
// (os.Root sees to that), and it notes what changes.
type files struct {
	dir      string
	root     *os.Root
	readOnly atomic.Bool
	dirty    *dirtySet
	traffic  func(read, written int) // hears what goes through open files
}

var (
	_ billy.Filesystem = (*files)(nil)
	_ billy.Change     = (*files)(nil)
	_ billy.Capable    = (*files)(nil)
)

func openFiles(dir string, readOnly bool, dirty *dirtySet, traffic func(read, written int)) (*files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open a share's folder: %w", err)
	}
	f := &files{dir: dir, root: root, dirty: dirty, traffic: traffic}
	f.readOnly.Store(readOnly)
	return f, nil
}

func (f *files) Close() error { return f.root.Close() }

// local turns a path as the NFS server gives it into one below the root.
func local(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// Capabilities tells the NFS server whether it may write.
func (f *files) Capabilities() billy.Capability {
	if f.readOnly.Load() || f.dirty.isSealed() {
		return billy.ReadCapability | billy.SeekCapability
	}
	return billy.DefaultCapabilities
}

func (f *files) Create(name string) (billy.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (f *files) Open(name string) (billy.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

func (f *files) OpenFile(name string, flag int, perm os.FileMode) (billy.File, error) {
	writes := flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0
	if len(local(name)) > pathMax {
		return nil, errTooLong
	}
	if writes && !f.dirty.begin() {
		return nil, errSealed
	}
	opened, err := f.root.OpenFile(local(name), flag, perm)
	if err != nil {
		if writes {
			f.dirty.end()
		}
		return nil, err
	}
	return &file{File: opened, name: name, files: f, writes: writes}, nil
}

// pathMax is how many bytes a path below a share's root may have (S3 File Gateway User Guide, "Limits and quotas").
const pathMax = 1024

// errTooLong is what a path meets that would be no key.
var errTooLong = fmt.Errorf("the path has more than %d bytes: %w", pathMax, syscall.ENAMETOOLONG)

// errSealed is what a change of a share meets that is being deleted.
var errSealed = fmt.Errorf("the share is being deleted: %w", fs.ErrPermission)

// change makes a change that is no open file's, unless the share takes none any more.
func (f *files) change(make func() error) error {
	if !f.dirty.begin() {
		return errSealed
	}
	defer f.dirty.end()
	return make()
}

func (f *files) Stat(name string) (os.FileInfo, error)  { return f.root.Stat(local(name)) }
func (f *files) Lstat(name string) (os.FileInfo, error) { return f.root.Lstat(local(name)) }

func (f *files) Rename(from, to string) error {
	if len(local(to)) > pathMax {
		return errTooLong
	}
	return f.change(func() error {
		if err := f.root.Rename(local(from), local(to)); err != nil {
			return err
		}
		f.dirty.touch(local(from))
		// All that a renamed folder holds has new keys.
		return fs.WalkDir(f.root.FS(), local(to), func(below string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				f.dirty.touch(below)
				f.dirty.touch(path.Join(local(from), strings.TrimPrefix(below, local(to))))
			}
			return err
		})
	})
}

func (f *files) Remove(name string) error {
	return f.change(func() error {
		if err := f.root.Remove(local(name)); err != nil {
			return err
		}
		f.dirty.touch(local(name))
		return nil
	})
}

func (f *files) Join(elem ...string) string { return path.Join(elem...) }

func (f *files) ReadDir(name string) ([]os.FileInfo, error) {
	entries, err := fs.ReadDir(f.root.FS(), local(name))
	if err != nil {
		return nil, err
	}
	infos := make([]os.FileInfo, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went between the two calls
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (f *files) MkdirAll(name string, perm os.FileMode) error {
	if len(local(name))+len("/") > pathMax {
		return errTooLong
	}
	return f.change(func() error {
		if err := f.root.MkdirAll(local(name), perm|0o700); err != nil {
			return err
		}
		f.dirty.touch(local(name))
		return nil
	})
}

func (f *files) Chmod(name string, mode os.FileMode) error { return f.root.Chmod(local(name), mode) }

// Lchown does nothing: clients are squashed, files belong to the appliance.
func (f *files) Lchown(string, int, int) error { return nil }

// Chown does nothing, as Lchown.
func (f *files) Chown(string, int, int) error { return nil }

func (f *files) Chtimes(name string, atime, mtime time.Time) error {
	return f.root.Chtimes(local(name), atime, mtime)
}

// File gateways keep no links, and the NFS server asks for none of the others.
func (f *files) Symlink(string, string) error { return billy.ErrNotSupported }

// Readlink fails: there are no links.
func (f *files) Readlink(string) (string, error) { return "", billy.ErrNotSupported }

// TempFile fails: the NFS server makes none.
func (f *files) TempFile(string, string) (billy.File, error) { return nil, billy.ErrNotSupported }

// Chroot fails: a share is exported whole.
func (f *files) Chroot(string) (billy.Filesystem, error) { return nil, billy.ErrNotSupported }

// Root is the share's folder.
func (f *files) Root() string { return f.dir }

// file is an open file that notes that it changed, when it is closed.
type file struct {
	*os.File
	name   string
	files  *files
	writes bool // until it was noted
}

func (o *file) Name() string  { return o.name }
func (o *file) Lock() error   { return nil } // NFSv3 locks are another protocol, which gateways don't speak
func (o *file) Unlock() error { return nil }

func (o *file) ReadAt(into []byte, offset int64) (int, error) {
	n, err := o.File.ReadAt(into, offset)
	o.files.traffic(n, 0)
	return n, err
}

// Write notes the change also where it fails: the NFS server does not close the file then.
func (o *file) Write(data []byte) (int, error) {
	n, err := o.File.Write(data)
	o.files.traffic(0, n)
	if err != nil {
		o.changed()
	}
	return n, err
}

// Truncate is as Write.
func (o *file) Truncate(size int64) error {
	err := o.File.Truncate(size)
	if err != nil {
		o.changed()
	}
	return err
}

func (o *file) Close() error {
	err := o.File.Close()
	o.changed()
	return err
}

func (o *file) changed() {
	if o.writes {
		o.writes = false
		o.files.dirty.touch(local(o.name))
		o.files.dirty.end()
	}
}
