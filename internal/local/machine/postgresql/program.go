package postgresql

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"headroom/internal/local/parts"
)

// Program is PostgreSQL as it is installed, and whom it runs as.
type Program struct {
	bin  string
	user *syscall.Credential // nil: as we do
}

// Template is a cluster that has never been started, to be copied.
type Template struct {
	dir   string
	known map[string]bool // the parameters that this PostgreSQL has
}

// ErrNoPostgreSQL says that the server's programs can't be found.
var ErrNoPostgreSQL = errors.New("no PostgreSQL server found: install it (apt-get install postgresql) or put initdb and postgres on the PATH")

// Find looks for PostgreSQL.
func Find(dir string) (Program, error) {
	candidates := []string{dir}
	if dir == "" {
		debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is good
		slices.SortFunc(debian, func(a, b string) int { return debianVersion(b) - debianVersion(a) })
		candidates = debian
		if found, err := exec.LookPath("initdb"); err == nil {
			candidates = append(candidates, filepath.Dir(found))
		}
	}
	for _, candidate := range candidates {
		if isFile(filepath.Join(candidate, "initdb")) && isFile(filepath.Join(candidate, "postgres")) {
			credential, err := unprivileged()
			return Program{bin: candidate, user: credential}, err
		}
	}
	return Program{}, ErrNoPostgreSQL
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

// command is one of PostgreSQL's programs, run as the server's user. It is in a process group of its own,
// so that Ctrl-C ends it by its context, and not before that is over.
func (p Program) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + p.bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Template finds the template in the cache, or makes it.
func (p Program) Template(ctx context.Context, cache string) (Template, error) {
	described, err := p.command(ctx, "postgres", "--describe-config").Output()
	if err != nil {
		return Template{}, fmt.Errorf("ask PostgreSQL for its parameters: %w", err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(described)) {
		name, _, _ := strings.Cut(line, "\t")
		known[name] = true
	}
	// Another version of the programs, or of how the template is made, has a template of its own.
	sum := sha256.Sum256(append(described, []byte(roles)...))
	dir := filepath.Join(cache, fmt.Sprintf("postgres-%x", sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return Template{dir: dir, known: known}, nil
	}

	work, err := parts.NewTempDir("hr-initdb-")
	if err != nil {
		return Template{}, err
	}
	defer func() { _ = work.Remove() }()
	if err := p.own(work.Path); err != nil {
		return Template{}, err
	}
	data := filepath.Join(work.Path, "data")
	if err := run(p.command(ctx, "initdb", "--pgdata", data, "--username", superuser, "--auth", "reject",
		"--auth-local", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")); err != nil {
		return Template{}, err
	}
	setup := p.command(ctx, "postgres", "--single", "-F", "-c", "exit_on_error=on", "-D", data, "postgres")
	setup.Stdin = strings.NewReader(roles)
	if err := run(setup); err != nil {
		return Template{}, err
	}
	// Several local clouds may make it at once: each in a place of its own, the first one's stays.
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Template{}, fmt.Errorf("make the cache of the template: %w", err)
	}
	mine, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return Template{}, fmt.Errorf("make the template's folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(mine) }()
	if err := copyTree(data, filepath.Join(mine, "data"), nil); err != nil {
		return Template{}, err
	}
	err = os.Rename(filepath.Join(mine, "data"), dir)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return Template{}, fmt.Errorf("put the template into the cache: %w", err)
	}
	return Template{dir: dir, known: known}, nil
}

// own gives a folder to the server's user.
func (p Program) own(dir string) error {
	if p.user == nil {
		return nil
	}
	if err := os.Chown(dir, int(p.user.Uid), int(p.user.Gid)); err != nil {
		return fmt.Errorf("give %s to the server's user: %w", dir, err)
	}
	return nil
}

// run runs a program to its end; what it printed is part of its failure.
func run(cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// copyTree copies a folder with its modes, and gives the copy to a user.
func copyTree(from, to string, owner *syscall.Credential) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			err = os.MkdirAll(target, 0o700)
		} else {
			var content []byte
			if content, err = os.ReadFile(path); err == nil {
				err = os.WriteFile(target, content, 0o600)
			}
		}
		if err == nil && owner != nil {
			err = os.Lchown(target, int(owner.Uid), int(owner.Gid))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w", from, to, err)
	}
	return nil
}
