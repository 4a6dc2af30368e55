package postgresql

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/parts"
)

// Archive is what a server can be brought back from: copies of its data (base backups), and all that it has
// written since the first of them (its write-ahead log), as PostgreSQL's manual has it ("Continuous Archiving and
// Point-in-Time Recovery"). It outlives its server. All times are the machine's. Its methods may be called at once.
type Archive struct {
	dir      *parts.TempDir
	compress bool // the server can

	making sync.Mutex   // one backup at a time
	using  sync.RWMutex // read by who copies from it: what is there stays

	mu      sync.Mutex
	bases   []base // the oldest first
	through time.Time
	closed  bool
}

// base is a base backup.
type base struct {
	dir     string
	segment string    // the first of the log that it needs
	whole   time.Time // from when on a server can be brought back with it
	size    int64     // bytes
}

// shipLook is how often it is looked whether a segment of the log has come.
const shipLook = 5 * time.Millisecond

// NewArchive makes an archive with nothing in it.
func (p *Program) NewArchive() (*Archive, error) {
	dir, err := parts.NewTempDir("hr-wal-")
	if err != nil {
		return nil, err
	}
	a := &Archive{dir: dir, compress: compresses(p.bin)}
	err = os.Mkdir(a.log(), 0o700)
	if err == nil {
		err = p.own(dir.Path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make an archive: %w", err), dir.Remove())
	}
	return a, nil
}

// log is the folder of what the server has written.
func (a *Archive) log() string { return filepath.Join(a.dir.Path, "log") }

// settings have a server archive what it writes. A segment that is full is never written to again, nor is its file
// taken for another one (wal_recycle): so the archive may have the same file. Whether it has it already is asked
// because a server that crashes in between archives it again.
func (a *Archive) settings() map[string]string {
	settings := map[string]string{
		"wal_level": "replica", "archive_mode": "on", "wal_recycle": "off", "wal_init_zero": "off",
		"archive_command": fmt.Sprintf("test %%p -ef %[1]s || ln -f %%p %[1]s", filepath.Join(a.log(), "%f")),
	}
	if a.compress {
		settings["wal_compression"] = "lz4" // most of what a new database writes are pages, which get a third as long
	}
	return settings
}

// compresses reports whether a server can compress what it writes, which it is built for or not.
func compresses(bin string) bool {
	program, err := elf.Open(filepath.Join(bin, "postgres"))
	if err != nil {
		return false
	}
	defer func() { _ = program.Close() }()
	libraries, _ := program.ImportedLibraries() // none of what is no dynamic program
	return slices.ContainsFunc(libraries, func(name string) bool { return strings.HasPrefix(name, "liblz4.") })
}

// Window is from when to when a server can be brought back; ok is false while there is nothing.
func (a *Archive) Window() (earliest, latest time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.bases) == 0 || !a.through.After(a.bases[0].whole) {
		return time.Time{}, time.Time{}, false
	}
	return a.bases[0].whole, a.through, true
}

// Ship has a server hand over what it has written by now, and moves the window's end up to when it was asked. What
// follows must have been seen to have been committed later, or a recovery up to that time would not know that it is
// complete: so an empty transaction is committed first.
func (a *Archive) Ship(ctx context.Context, s *Server) error {
	a.using.RLock()
	defer a.using.RUnlock()
	return a.ship(ctx, s)
}

func (a *Archive) ship(ctx context.Context, s *Server) error {
	conn, err := session(ctx, s)
	if err != nil {
		return fmt.Errorf("ship the log of server %s: %w", s.name, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var at time.Time
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at); err != nil {
		return fmt.Errorf("ship the log of server %s: %w", s.name, err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_current_xact_id()"); err != nil {
		return fmt.Errorf("ship the log of server %s: commit: %w", s.name, err)
	}
	var segment string
	if err := conn.QueryRow(ctx, "SELECT pg_walfile_name(pg_switch_wal())").Scan(&segment); err != nil {
		return fmt.Errorf("ship the log of server %s: close its segment: %w", s.name, err)
	}
	if err := a.arrived(ctx, segment); err != nil {
		return fmt.Errorf("ship the log of server %s: %w", s.name, err)
	}
	dig(filepath.Join(a.log(), segment))
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.After(a.through) && !a.closed {
		a.through = at
	}
	return nil
}

// arrived waits until a segment is in the archive.
func (a *Archive) arrived(ctx context.Context, segment string) error {
	for !isFile(filepath.Join(a.log(), segment)) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for segment %s: %w", segment, ctx.Err())
		case <-time.After(shipLook):
		}
	}
	return nil
}

// dig gives back the room of the zeros that a segment ends in which was closed early, where the disk can.
func dig(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		return
	}
	const block = 4096
	end := (int64(len(bytes.TrimRight(content, "\x00"))) + block - 1) / block * block
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	const keepSize, punchHole = 1, 2 // of fallocate(2); Go's syscall does not name them
	if hole := int64(len(content)) - end; hole > 0 {
		_ = syscall.Fallocate(int(file.Fd()), keepSize|punchHole, end, hole)
	}
}

// session is one of RDS's own user that leaves no lines in the server's log.
func session(ctx context.Context, s *Server) (*pgx.Conn, error) {
	conn, err := s.Superuser(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "SET log_statement = 'none'; SET log_min_duration_statement = -1"); err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

// Due reports whether a new backup is worth its room: there is none, or what was written since the last one takes
// more than it. A recovery then has more to do with what was written than with the copy.
func (a *Archive) Due() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.bases) == 0 {
		return true
	}
	last := a.bases[len(a.bases)-1]
	var written int64
	for _, name := range a.segments() {
		if name >= last.segment {
			written += a.room(name)
		}
	}
	return written > last.size
}

// segments names the files of the log that belong to one of its segments.
func (a *Archive) segments() (names []string) {
	entries, _ := os.ReadDir(a.log()) // of an archive that is closed there are none
	for _, entry := range entries {
		if len(entry.Name()) >= segmentName && !strings.HasSuffix(entry.Name(), ".history") {
			names = append(names, entry.Name())
		}
	}
	return names
}

// taken is what the archive has taken of the disk, in bytes.
func (a *Archive) taken() (bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.bases {
		bytes += b.size
	}
	for _, name := range a.segments() {
		bytes += a.room(name)
	}
	return bytes
}

// room is what a file of the log takes of the disk, in bytes.
func (a *Archive) room(name string) int64 {
	var at syscall.Stat_t
	if err := syscall.Stat(filepath.Join(a.log(), name), &at); err != nil {
		return 0 // it is gone
	}
	return at.Blocks * 512 // stat(2): of which a file system's blocks are made
}

// segmentName is the length of a segment's name (PostgreSQL's manual, "WAL Internals").
const segmentName = 24

// Expire forgets what is only good for a return to before the given time, unless it is being copied from.
func (a *Archive) Expire(before time.Time) error {
	if !a.using.TryLock() {
		return nil
	}
	defer a.using.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for len(a.bases) > 1 && !a.bases[1].whole.After(before) {
		errs = append(errs, os.RemoveAll(a.bases[0].dir))
		a.bases = a.bases[1:]
	}
	if len(a.bases) == 0 {
		return nil
	}
	for _, name := range a.segments() {
		if name < a.bases[0].segment {
			errs = append(errs, os.Remove(filepath.Join(a.log(), name)))
		}
	}
	return errors.Join(errs...)
}

// Close removes the archive, when nobody copies from it any more.
func (a *Archive) Close() error {
	a.using.Lock()
	defer a.using.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.bases, a.through, a.closed = nil, time.Time{}, true
	return a.dir.Remove()
}
