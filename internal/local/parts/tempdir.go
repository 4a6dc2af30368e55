package parts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// TempDir is a directory that is gone after Remove, and also after this process has died without
// calling it.
type TempDir struct {
	Path  string
	leash io.WriteCloser
	guard *exec.Cmd
}

// The guard waits for the end of its input, which comes when the leash is let go: by Remove, or by
// the kernel at our death. A line that comes before is Keep. Programs that are just being killed may
// still write, hence the tries.
const guardScript = `read -r _ && exit 0; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit 0; sleep 0.3; done; exit 1`

// NewTempDir makes a directory in the system's place for temporary files.
func NewTempDir(pattern string) (*TempDir, error) {
	path, err := os.MkdirTemp("", pattern)
	if err != nil {
		return nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	guard := exec.Command("/bin/sh", "-c", guardScript, "guard", path)
	guard.Dir = "/"
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C at the terminal is not for it
	leash, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		_ = os.Remove(path)
		return nil, fmt.Errorf("start the guard of %s: %w", path, err)
	}
	return &TempDir{Path: path, leash: leash, guard: guard}, nil
}

// Remove deletes the directory and all that is in it.
func (d *TempDir) Remove() error {
	_ = d.leash.Close()
	if err := d.guard.Wait(); err != nil {
		return fmt.Errorf("remove %s: %w", d.Path, err)
	}
	return nil
}

// Keep leaves the directory where it is, for good.
func (d *TempDir) Keep() error {
	_, err := io.WriteString(d.leash, "keep\n")
	_ = d.leash.Close()
	if err = errors.Join(err, d.guard.Wait()); err != nil {
		return fmt.Errorf("keep %s: %w", d.Path, err)
	}
	return nil
}
