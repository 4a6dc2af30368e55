package postgresql

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"headroom/internal/local/parts"
)

// initdb is how the template is made. WAL segments are small, since a server keeps some of them: by default it
// would take twice the disk.
var initdb = []string{
	"--username", superuser, "--auth", "reject", "--auth-local", "trust", "--encoding", "UTF8", "--locale", "C",
	"--wal-segsize", "1", "--no-sync", "--no-instructions",
}

// template is a cluster that has never been started, to be copied.
type template struct {
	dir   string
	known map[string]bool // the parameters that this PostgreSQL has
}

// Warm makes the template that all servers are copied from, unless it is there: to be called while
// there is time.
func (p *Program) Warm(ctx context.Context) error {
	p.templateOnce.Do(func() { p.template, p.templateErr = p.findTemplate(ctx) })
	return p.templateErr
}

// findTemplate finds the template in the cache, or makes it.
func (p *Program) findTemplate(ctx context.Context) (template, error) {
	described, err := run(p.command(ctx, "postgres", "--describe-config"))
	if err != nil {
		return template{}, fmt.Errorf("ask PostgreSQL for its parameters: %w", err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(described)) {
		name, _, _ := strings.Cut(line, "\t")
		known[name] = true
	}
	// Another version of the programs, or of how the template is made, has a template of its own.
	sum := sha256.Sum256(append(described, strings.Join(initdb, " ")+roles...))
	found := template{dir: filepath.Join(p.cache, fmt.Sprintf("postgres-%x", sum[:6])), known: known}
	if _, err := os.Stat(found.dir); err == nil {
		return found, nil
	}
	return found, p.makeTemplate(ctx, found.dir)
}

// makeTemplate makes the template in a folder of the server's user, and copies it into the cache.
func (p *Program) makeTemplate(ctx context.Context, dir string) error {
	work, err := parts.NewTempDir("hr-initdb-")
	if err != nil {
		return err
	}
	defer func() { _ = work.Remove() }()
	if err := p.own(work.Path); err != nil {
		return err
	}
	data := filepath.Join(work.Path, "data")
	if _, err := run(p.command(ctx, "initdb", append([]string{"--pgdata", data}, initdb...)...)); err != nil {
		return err
	}
	setup := p.command(ctx, "postgres", "--single", "-F", "-c", "exit_on_error=on", "-D", data, "postgres")
	setup.Stdin = strings.NewReader(roles)
	if _, err := run(setup); err != nil {
		return err
	}
	// Several local clouds may make it at once: each in a place of its own, the first one's stays.
	if err := os.MkdirAll(p.cache, 0o755); err != nil {
		return fmt.Errorf("make the cache of the template: %w", err)
	}
	mine, err := os.MkdirTemp(p.cache, "new-")
	if err != nil {
		return fmt.Errorf("make the template's folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(mine) }()
	ready := filepath.Join(mine, "data")
	if err := os.CopyFS(ready, os.DirFS(data)); err != nil {
		return fmt.Errorf("copy the template into the cache: %w", err)
	}
	err = os.Rename(ready, dir)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return fmt.Errorf("put the template into the cache: %w", err)
	}
	return nil
}
