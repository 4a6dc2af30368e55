package dump

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"headroom/internal/pool"
)

const (
	administrator = "postgres" // the scratch server's superuser, which only makes the restorer
	restorer      = "restorer" // who restores: no superuser, and owner of one database
	restored      = "restored" // that database

	socketMost = 107 // bytes of a socket's path
	startMost  = 2 * time.Minute
)

// hba lets each in where it works, by a socket in a folder of the server's user.
const hba = "local " + restored + " " + restorer + " trust\nlocal all " + administrator + " trust\n"

// settings are a server's that nobody reaches but by its socket, that need not outlive anything, and that says in its
// log only which kind of error there was. A task has little shared memory.
const settings = `listen_addresses = ''
unix_socket_permissions = 0700
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 1GB
autovacuum = off
jit = off
shared_buffers = 64MB
maintenance_work_mem = 64MB
dynamic_shared_memory_type = mmap
max_connections = 10
max_locks_per_transaction = 1024
max_worker_processes = 0
max_parallel_maintenance_workers = 0
logging_collector = off
log_min_messages = error
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%e '
`

// restore restores a dump into a server of its own, and reads what it holds then.
func (c *Copies) restore(ctx context.Context, dump io.Reader, want pool.Catalog) (got pool.Catalog, err error) {
	s, err := c.startScratch(ctx, want.Version)
	if err != nil {
		return got, fmt.Errorf("start a server to restore into: %w", err)
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	if err := s.makeDatabase(ctx, want); err != nil {
		return got, fmt.Errorf("make a database to restore into: %w", err)
	}
	// Privileges and owners are those of an instance, and a dump may come with some.
	cmd, err := c.program(ctx, want.Version, "pg_restore", []string{"PGHOST=" + s.folder.path, "PGUSER=" + restorer, "PGGSSENCMODE=disable"},
		"--dbname="+restored, "--exit-on-error", "--no-owner", "--no-privileges", "--no-password")
	if err != nil {
		return got, err
	}
	var said complaints
	cmd.Stdin, cmd.Stderr = dump, &said
	if err := cmd.Run(); err != nil {
		state := s.lastError()
		err = fmt.Errorf("restore it: %w%s (SQLSTATE %s)", err, said.text(), state)
		if !ours(state) && !errors.Is(err, exec.ErrWaitDelay) {
			err = fmt.Errorf("%w: %w", pool.ErrBadDump, err)
		}
		return got, err
	}
	conn, err := s.connect(ctx, restorer, restored)
	if err != nil {
		return got, fmt.Errorf("look into what was restored: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if got, err = c.Catalog(ctx, conn); err != nil {
		return got, fmt.Errorf("look into what was restored: %w", err)
	}
	return got, nil
}

// ours reports whether an error is the scratch server's own fault and not the dump's: it has no room, is being ended,
// or can't read its own files.
func ours(state string) bool {
	return strings.HasPrefix(state, "53") || strings.HasPrefix(state, "57P") || strings.HasPrefix(state, "58")
}

// scratch is a server of our own.
type scratch struct {
	copies  *Copies
	folder  *folder
	version int
	user    *syscall.Credential
}

func (c *Copies) startScratch(ctx context.Context, version int) (s *scratch, err error) {
	s = &scratch{copies: c, version: version}
	if s.user, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.folder, err = newFolder(c.Scratch, c.stop); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

func (s *scratch) data() string { return filepath.Join(s.folder.path, "data") }
func (s *scratch) log() string  { return filepath.Join(s.folder.path, "log") }

func (s *scratch) start(ctx context.Context) error {
	if socket := filepath.Join(s.folder.path, ".s.PGSQL.5432"); len(socket) > socketMost {
		return fmt.Errorf("the path %s is too long for a socket", socket)
	}
	if s.user != nil {
		if err := os.Chown(s.folder.path, int(s.user.Uid), int(s.user.Gid)); err != nil {
			return fmt.Errorf("give the folder to the server's user: %w", err)
		}
	}
	err := s.run(ctx, "initdb", "--pgdata="+s.data(), "--username="+administrator, "--auth=reject", "--auth-local=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	// They are the server's user's by having been made by it.
	for name, content := range map[string]string{
		"pg_hba.conf":          hba,
		"postgresql.auto.conf": settings + "unix_socket_directories = '" + strings.ReplaceAll(s.folder.path, "'", "''") + "'\n",
	} {
		if err := overwrite(filepath.Join(s.data(), name), content); err != nil {
			return fmt.Errorf("configure the server: %w", err)
		}
	}
	return s.run(ctx, "pg_ctl", "start", "--pgdata="+s.data(), "--log="+s.log(), "--silent", "--wait",
		"--timeout="+strconv.Itoa(int(startMost.Seconds())))
}

func overwrite(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}

// run runs one of the server's own programs, which refuse to be root.
func (s *scratch) run(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startMost)
	defer cancel()
	cmd, err := s.copies.program(ctx, s.version, name, nil, args...)
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	var said complaints
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w%s", name, err, said.text())
	}
	return nil
}

// makeDatabase makes the restorer and its database, in the locale of the one that was dumped where the machine has it:
// what is sorted, or told letters from others by, checks and partitions may depend on.
func (s *scratch) makeDatabase(ctx context.Context, want pool.Catalog) error {
	conn, err := s.connect(ctx, administrator, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	create := "CREATE DATABASE " + restored + " OWNER " + restorer + " TEMPLATE template0"
	if _, err := conn.Exec(ctx, "CREATE ROLE "+restorer+" LOGIN").ReadAll(); err != nil {
		return err
	}
	same := create + " LC_COLLATE " + literal(want.Collate) + " LC_CTYPE " + literal(want.Ctype)
	_, err = conn.Exec(ctx, same).ReadAll()
	if reported := (*pgconn.PgError)(nil); errors.As(err, &reported) && reported.Code == "42809" { // no such locale
		_, err = conn.Exec(ctx, create).ReadAll()
	}
	return err
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (s *scratch) connect(ctx context.Context, username, database string) (*pgconn.PgConn, error) {
	config, err := pgx.ParseConfig("host=" + literal(s.folder.path) + " port=5432 user=" + username + " dbname=" + database + " sslmode=disable connect_timeout=10")
	if err != nil {
		return nil, fmt.Errorf("configure the connection to a scratch server: %w", err)
	}
	return pgconn.ConnectConfig(ctx, &config.Config)
}

// logged is how a line of the server's log begins that says what it refused.
var logged = regexp.MustCompile(`^([0-9A-Z]{5}) (ERROR|FATAL|PANIC):`)

// lastError is the SQLSTATE of what the server refused last, "" if there is none: all of its log that may be said.
func (s *scratch) lastError() (state string) {
	file, err := os.Open(s.log())
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewReader(io.LimitReader(file, 64<<20))
	for {
		line, err := lines.ReadSlice('\n') // what is longer comes in pieces
		if found := logged.FindSubmatch(line); found != nil {
			state = string(found[1])
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return state
		}
	}
}

// remove ends the server and all that is in it.
func (s *scratch) remove() error {
	s.copies.stop(s.folder.path)
	return s.folder.remove()
}

// stop ends the server in a folder, so that it gives back what it has beyond its folder. One that does not end is
// killed when the folder is removed.
func (c *Copies) stop(folder string) {
	data := filepath.Join(folder, "data")
	if len(processesIn(data)) == 0 {
		return // the number in its folder may be another process's by now
	}
	version, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return
	}
	number, _ := strconv.Atoi(strings.TrimSpace(string(version))) // 0 has no programs
	server := &scratch{copies: c, version: number * 10000}
	if server.user, err = unprivileged(); err == nil {
		_ = server.run(context.Background(), "pg_ctl", "stop", "--pgdata="+data, "--mode=immediate", "--silent", "--timeout=20")
	}
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
