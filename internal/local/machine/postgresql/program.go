package postgresql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"headroom/internal/local/parts"
)

// Program is PostgreSQL as it is installed. Its methods may be called at once.
type Program struct {
	bin   string
	user  *syscall.Credential // whom it runs as; nil: as we do
	cache string
	free  func(dir string) (bytes int64, err error)

	mu      sync.Mutex
	servers map[*Server]bool // with data on the disk

	templateOnce sync.Once
	template     template
	templateErr  error
}

// ErrMissing means that the server's programs can't be found.
var ErrMissing = errors.New("no PostgreSQL server found: install it (apt-get install postgresql) or put initdb and postgres on the PATH")

// Find looks for PostgreSQL, see Bin. The folder cache keeps the template of all servers from one run to the next;
// the servers' user need not be able to read it.
func Find(cache string) (*Program, error) {
	bin, err := Bin()
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged()
	return &Program{bin: bin, user: credential, cache: cache, free: free, servers: map[*Server]bool{}}, err
}

// Bin is the folder of PostgreSQL's programs: the newest in Debian's places, then on the PATH.
func Bin() (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is good
	slices.SortFunc(candidates, func(a, b string) int { return debianVersion(b) - debianVersion(a) })
	if found, err := exec.LookPath("initdb"); err == nil {
		if found, err = filepath.EvalSymlinks(found); err == nil {
			candidates = append(candidates, filepath.Dir(found))
		}
	}
	for _, candidate := range candidates {
		if isFile(filepath.Join(candidate, "initdb")) && isFile(filepath.Join(candidate, "postgres")) {
			return candidate, nil
		}
	}
	return "", ErrMissing
}

func debianVersion(path string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))) // 0 for what is no number
	return version
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// unprivileged is whom the server runs as when we are root, which it refuses to be.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read the user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// command is one of PostgreSQL's programs, run as the server's user.
func (p *Program) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + p.bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user}
	return cmd
}

// run runs a program to its end and returns its output. What it complained of is part of its failure.
func run(cmd *exec.Cmd) ([]byte, error) {
	var output, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaints
	process, err := parts.Start(cmd)
	if err != nil {
		return nil, err
	}
	<-process.Done()
	if err := process.Err(); err != nil {
		return nil, fmt.Errorf("run %s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(complaints.Bytes()))
	}
	return output.Bytes(), nil
}

// own gives a folder and all that is in it to the server's user.
func (p *Program) own(dir string) error {
	if p.user == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(p.user.Uid), int(p.user.Gid))
	})
	if err != nil {
		return fmt.Errorf("give %s to the server's user: %w", dir, err)
	}
	return nil
}
