// Package dump copies a tenant's database with PostgreSQL's own programs, and makes sure that a copy is whole: by
// restoring it into a server of its own, which ends with it.
//
// A dump is a program that the tenant wrote. So it is made by a role that is no more than the tenant, and restored by
// one that is less, on a server that holds nothing else and that no network reaches.
package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"headroom/internal/pool"
)

// ErrNoPrograms means that PostgreSQL's programs of a server's major version are not installed. Those of another
// would not do: older ones refuse the server, newer ones write what its own can't read.
var ErrNoPrograms = errors.New("PostgreSQL's programs of that version are not installed")

// Config is what a Copies is built from. Programs and RestoreMost have defaults.
type Config struct {
	// Programs is the folder of PostgreSQL's programs, "{major}" standing for the major version. Default: where
	// Debian's packages have them.
	Programs string

	Authorities string // a file of PEM blocks: who may sign a server's certificate
	Scratch     string // a folder for servers of our own; a short path, because their sockets' have 107 bytes at most
	RestoreMost int64  // the size in bytes up to which a database's copy is restored; 200 GiB

	// Catalog reads what the database holds that a connection is logged in to.
	Catalog func(context.Context, *pgconn.PgConn) (pool.Catalog, error)
}

// Copies makes and checks dumps.
type Copies struct{ Config }

const (
	major       = "{major}"
	debian      = "/usr/lib/postgresql/{major}/bin"
	restoreMost = 200 << 30
)

// New validates the configuration and fills in defaults.
func New(config Config) (*Copies, error) {
	if config.Authorities == "" || config.Scratch == "" || config.Catalog == nil {
		return nil, errors.New("dump adapter: Authorities, Scratch and Catalog are required")
	}
	if config.Programs == "" {
		config.Programs = debian
	}
	if config.RestoreMost == 0 {
		config.RestoreMost = restoreMost
	}
	return &Copies{config}, nil
}

// exitDelay is how long a program that was killed, or whose input does not come, is waited for.
const exitDelay = 5 * time.Second

// program is one of PostgreSQL's programs of a server's version, with nothing in its environment but what is given.
func (c *Copies) program(ctx context.Context, version int, name string, environment []string, args ...string) (*exec.Cmd, error) {
	path := filepath.Join(strings.ReplaceAll(c.Programs, major, strconv.Itoa(version/10000)), name)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: there is no %s", ErrNoPrograms, path)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.WaitDelay = "/", exitDelay
	cmd.Env = append([]string{"PATH=" + filepath.Dir(path) + ":/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C.UTF-8", "TZ=UTC"}, environment...)
	return cmd, nil
}

// Dump writes the database of the slot called name, in PostgreSQL's custom format, logged in as its copier; version
// is the server's (Catalog.Version). All of the tenant's is in it: large objects and the states of sequences too.
// Privileges are not: they name roles of this instance. It restores with "pg_restore --no-owner" into any empty
// database. What is read is whole only if it ends with io.EOF; who closes it before then ends the dump.
func (c *Copies) Dump(ctx context.Context, copier pool.Login, name string, version int) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd, err := c.program(ctx, version, "pg_dump", []string{
		"PGHOST=" + copier.Host, "PGPORT=" + strconv.Itoa(copier.Port), "PGUSER=" + copier.Username,
		"PGPASSWORD=" + copier.Password, "PGDATABASE=" + pool.DatabaseName(name),
		"PGSSLMODE=verify-full", "PGSSLROOTCERT=" + c.Authorities, "PGGSSENCMODE=disable",
		"PGCONNECT_TIMEOUT=10", "PGAPPNAME=headroom",
	}, "--format=custom", "--compress=3", "--no-privileges", "--no-password",
		// A server that is gone without a word is noticed. All else of the connection is in the environment.
		"--dbname=keepalives_idle=60 keepalives_interval=10 keepalives_count=6 tcp_user_timeout=120000",
		// A pattern, quoted: nothing but this schema is left out, and large objects are not.
		`--exclude-schema="`+pool.CopySchema+`"`, "--lock-wait-timeout=60000")
	if err != nil {
		cancel()
		return nil, fmt.Errorf("dump slot %s: %w", name, err)
	}
	d := &dumping{ctx: ctx, cancel: cancel, cmd: cmd, name: name}
	cmd.Stderr = &d.complaints
	if d.output, err = cmd.StdoutPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("dump slot %s: %w", name, err)
	}
	return d, nil
}

// dumping is a dump while it is made.
type dumping struct {
	ctx        context.Context
	cancel     context.CancelFunc
	cmd        *exec.Cmd
	name       string
	output     io.Reader
	complaints complaints
	end        error // nil while it goes on
}

func (d *dumping) Read(p []byte) (int, error) {
	if d.end != nil {
		return 0, d.end
	}
	n, err := d.output.Read(p)
	if n > 0 || err == nil {
		return n, nil
	}
	// The output of a program that failed ends as well.
	failed := d.cmd.Wait()
	d.end = io.EOF
	if failed != nil || err != io.EOF {
		d.end = fmt.Errorf("dump slot %s: %w%s", d.name, errors.Join(d.ctx.Err(), failed), d.complaints.text())
	}
	d.cancel()
	return 0, d.end
}

// Close ends a dump that was not read to its end.
func (d *dumping) Close() error {
	if d.end == nil {
		d.cancel()
		_ = d.cmd.Wait() // it was killed
		d.end = fmt.Errorf("dump slot %s: %w", d.name, os.ErrClosed)
	}
	return nil
}
