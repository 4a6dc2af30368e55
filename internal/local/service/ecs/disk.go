package ecs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"headroom/internal/local/parts"
)

const (
	// diskLook is how often the disk of a task is measured, on the machine's clock.
	diskLook = 200 * time.Millisecond
	// defaultDisk is the disk that Fargate gives a task whose definition asks for no other, in GiB.
	defaultDisk = 20
	// blockSize is what stat counts by.
	blockSize = 512
)

// workFolder makes the folder in which a task writes. It lies where temporary files do: its path is short, as a
// socket's must be, and all may pass through it, because a task may run programs as somebody else, as a database
// server wants it.
func (e *ECS) workFolder(t *task) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.scratch == nil {
		made, err := parts.NewTempDir("hr-task-")
		if err != nil {
			return "", err
		}
		e.scratch = made
		if err := os.Chmod(made.Path, 0o711); err != nil {
			return "", fmt.Errorf("open the tasks' work folder: %w", err)
		}
	}
	folder := filepath.Join(e.scratch.Path, t.id[:12])
	if err := os.Mkdir(folder, 0o711); err != nil {
		return "", fmt.Errorf("make a task's work folder: %w", err)
	}
	return folder, nil
}

// disk is how many bytes a task may write.
func (e *ECS) disk(t *task) int64 {
	if e.cfg.Disk > 0 {
		return e.cfg.Disk
	}
	gib := int64(t.definition.properties.EphemeralStorage.SizeInGiB)
	if gib == 0 {
		gib = defaultDisk
	}
	return gib << 30
}

// bound ends a task that has written more than its disk holds. Fargate fails its writes instead: a folder can't be
// given a size here.
func (e *ECS) bound(t *task, process *parts.Process, folder string) {
	tick := time.NewTicker(diskLook)
	defer tick.Stop()
	for {
		select {
		case <-process.Done():
			return
		case <-tick.C:
		}
		used, most := usage(folder), e.disk(t)
		if used <= most {
			continue
		}
		e.mu.Lock()
		t.exitReason = fmt.Sprintf("no space left on device: the task wrote %d bytes, its disk has %d", used, most)
		e.mu.Unlock()
		process.Kill()
		return
	}
}

// usage is how many bytes the files of a folder take on the disk. Those that come and go meanwhile may be missed.
func usage(folder string) (bytes int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				return fs.SkipDir // another user's, and we are not root
			}
			return nil
		}
		if info, err := entry.Info(); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				bytes += stat.Blocks * blockSize
			}
		}
		return nil
	})
	return bytes
}
