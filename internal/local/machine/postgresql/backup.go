package postgresql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Backup adds a base backup of a server that runs and archives, and ships its log, so that it can be brought back
// from now on. It is a copy of the files under the server's hands; what is torn in it is mended by the log.
func (a *Archive) Backup(ctx context.Context, s *Server) error {
	a.making.Lock()
	defer a.making.Unlock()
	a.using.RLock()
	defer a.using.RUnlock()
	dir, err := os.MkdirTemp(a.dir.Path, "base-")
	if err != nil {
		return fmt.Errorf("back up server %s: %w", s.name, err)
	}
	made, err := copyServer(ctx, s, dir)
	if err != nil {
		return errors.Join(fmt.Errorf("back up server %s: %w", s.name, err), os.RemoveAll(dir))
	}
	a.mu.Lock()
	a.bases = append(a.bases, made)
	a.mu.Unlock()
	return a.ship(ctx, s)
}

// copyServer copies a server's data in the way of PostgreSQL's manual, "Making a Base Backup Using the Low Level
// API". The session that begins it must end it.
func copyServer(ctx context.Context, s *Server, dir string) (made base, err error) {
	conn, err := session(ctx, s)
	if err != nil {
		return made, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	made.dir = dir
	if err := conn.QueryRow(ctx, "SELECT pg_walfile_name(pg_backup_start('base', true))").Scan(&made.segment); err != nil {
		return made, fmt.Errorf("begin: %w", err)
	}
	if made.size, err = copyData(ctx, s.data(), dir); err != nil {
		return made, err
	}
	var label, tablespaces string
	if err := conn.QueryRow(ctx, "SELECT labelfile, spcmapfile FROM pg_backup_stop(true)").Scan(&label, &tablespaces); err != nil {
		return made, fmt.Errorf("end: %w", err)
	}
	if tablespaces != "" {
		return made, errors.New("it has tablespaces, which are elsewhere")
	}
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&made.whole); err != nil {
		return made, fmt.Errorf("ask for the time: %w", err)
	}
	for name, content := range map[string]string{"backup_label": label, "recovery.signal": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return made, err
		}
	}
	return made, nil
}

// Of these folders only the empty folder is wanted, and these files not at all: the manual names most; the rest
// every server gets of its own.
var (
	emptied = []string{
		"pg_wal", "pg_wal/archive_status", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans",
	}
	left = []string{
		"postmaster.pid", "postmaster.opts", "backup_label", "recovery.signal", "server.crt", "server.key", "pg_hba.conf", "postgresql.auto.conf", "pg_internal.init",
	}
)

// copyData copies a server's data while it is at work: files come and go.
func copyData(ctx context.Context, from, to string) (size int64, err error) {
	err = filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		at := filepath.Join(to, name)
		switch {
		case entry.IsDir():
			return os.MkdirAll(at, 0o700)
		case !entry.Type().IsRegular(), slices.Contains(left, entry.Name()),
			slices.Contains(emptied, filepath.Dir(name)), strings.HasPrefix(entry.Name(), "pgsql_tmp"):
			return nil
		}
		n, err := copyFile(path, at)
		size += n
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return size, fmt.Errorf("copy the data: %w", err)
	}
	return size, nil
}

func copyFile(from, to string) (n int64, err error) {
	source, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(target, source)
	return n, errors.Join(err, target.Close())
}

// recoveryTimeout bounds how long a server may take to come back.
const recoveryTimeout = 10 * time.Minute

// ErrNotCovered means that an archive does not reach to the time that was asked for.
var ErrNotCovered = errors.New("the archive does not cover that time")

// recovery is how a server comes to the state that it begins with.
type recovery struct {
	log string // the folder
	at  time.Time
}

// settings have a server take all from the log that was committed up to the time. Until it has, nobody is let in.
func (r *recovery) settings() map[string]string {
	return map[string]string{
		"restore_command": "cp " + filepath.Join(r.log, "%f") + " %p", "hot_standby": "off",
		"recovery_target_time":   r.at.UTC().Format("2006-01-02 15:04:05.000000+00"),
		"recovery_target_action": "promote", "recovery_target_timeline": "latest",
	}
}

// Restore starts a new server with the data of another one as of a time: what was committed by then is there, in all
// databases, and nothing else; so are its users and their passwords. Master, Password and Database of cfg mean
// nothing. What the archive does not cover is ErrNotCovered.
func (p *Program) Restore(ctx context.Context, cfg Config, from *Archive, at time.Time) (s *Server, err error) {
	if err := p.Warm(ctx); err != nil {
		return nil, err
	}
	from.using.RLock()
	defer from.using.RUnlock()
	dir, ok := from.baseFor(at)
	if !ok {
		return nil, fmt.Errorf("restore server %s as of %s: %w", cfg.Name, at.UTC().Format(time.RFC3339Nano), ErrNotCovered)
	}
	recovering := cfg
	recovering.recovery = &recovery{log: from.log(), at: at}
	if s, err = p.startOnce(ctx, recovering, dir); err != nil {
		return nil, fmt.Errorf("restore server %s: %w", cfg.Name, err)
	}
	if err := s.Configure(cfg); err != nil { // it is not to look there again
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// baseFor is the folder of the last backup that was whole at a time which the archive covers.
func (a *Archive) baseFor(at time.Time) (dir string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.After(a.through) {
		return "", false
	}
	for _, b := range slices.Backward(a.bases) {
		if !b.whole.After(at) {
			return b.dir, true
		}
	}
	return "", false
}
