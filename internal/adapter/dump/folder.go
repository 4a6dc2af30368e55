package dump

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// folderPrefix is how the folders of our servers begin.
const folderPrefix = "copy-"

// folder is where a server of ours lives. It is locked as long as its maker lives, so what is not locked was left by
// one that was killed.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes a folder in scratch, after it removed those that were left there, and had stop end their servers.
func newFolder(scratch string, stop func(folder string)) (*folder, error) {
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of scratch servers: %w", err)
	}
	// One at a time: between its making and its locking a folder looks as if it were left.
	door, err := lock(filepath.Join(scratch, ".lock"), syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer func() { _ = door.Close() }()
	left, _ := filepath.Glob(filepath.Join(scratch, folderPrefix+"*")) // the pattern is good
	for _, path := range left {
		if err := removeLeft(path, stop); err != nil {
			return nil, fmt.Errorf("remove what was left in %s: %w", path, err)
		}
	}
	path, err := os.MkdirTemp(scratch, folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("make the folder of a scratch server: %w", err)
	}
	f := &folder{path: path}
	if f.lock, err = lock(filepath.Join(path, ".lock"), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return f, nil
}

func lock(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// removeLeft removes a folder that nobody has locked, and ends the server in it.
func removeLeft(path string, stop func(folder string)) error {
	held, err := lock(filepath.Join(path, ".lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return nil // another's, or gone by now
	}
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()
	stop(path)
	return removeAll(path)
}

func (f *folder) remove() error {
	defer func() { _ = f.lock.Close() }()
	if err := removeAll(f.path); err != nil {
		return fmt.Errorf("remove a scratch server: %w", err)
	}
	return nil
}

// removeAll ends what runs in the folder, and removes it. A server that is being killed may still write, so some
// tries are made.
func removeAll(path string) error {
	var err error
	for range 5 {
		killIn(filepath.Join(path, "data"))
		if err = os.RemoveAll(path); err == nil {
			return nil
		}
	}
	return err
}

// killIn kills a server and its sessions.
func killIn(data string) {
	for _, pid := range processesIn(data) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// processesIn are a server and its sessions, known by where they work: not by a number in a file, which may be
// another's by now. Where there is no /proc, none are found, and a server ends by itself a minute after its folder
// is gone.
func processesIn(data string) (pids []int) {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is good
	for _, folder := range folders {
		at, err := os.Readlink(folder)
		if err != nil || strings.TrimSuffix(at, " (deleted)") != data {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
