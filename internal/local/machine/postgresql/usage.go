package postgresql

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a server takes of its machine.
type Usage struct {
	Connections int           // of clients; RDS's own are not counted
	Databases   int           // beside the templates
	Processor   time.Duration // that it has had since it was run last
	Storage     int64         // bytes of its data
	Memory      int64         // bytes that the machine can still give
}

// ErrDown means that a server does not run.
var ErrDown = errors.New("the server does not run")

// Usage asks the server for its connections, and the machine for the rest. A server that does not answer before
// ctx ends has none.
func (s *Server) Usage(ctx context.Context) (u Usage, err error) {
	process := s.running.Load()
	if process == nil || ended(process) {
		return u, fmt.Errorf("measure server %s: %w", s.name, ErrDown)
	}
	if u.Connections, u.Databases, err = s.counts(ctx); err != nil {
		return u, fmt.Errorf("measure server %s: %w", s.name, err)
	}
	if u.Processor, err = processor(process.PID()); err != nil {
		return u, fmt.Errorf("measure server %s: %w", s.name, err)
	}
	if u.Memory, err = memoryAvailable(); err != nil {
		return u, fmt.Errorf("measure server %s: %w", s.name, err)
	}
	u.Storage = size(s.data())
	return u, nil
}

func (s *Server) counts(ctx context.Context) (connections, databases int, err error) {
	conn, err := s.Superuser(ctx, "postgres")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	err = conn.QueryRow(ctx, "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> current_user), "+
		"(SELECT count(*) FROM pg_database WHERE NOT datistemplate)").Scan(&connections, &databases)
	if err != nil {
		return 0, 0, fmt.Errorf("count the connections and databases: %w", err)
	}
	return connections, databases, nil
}

// processor is what a process and its children, those that have ended among them, have had of processors.
func processor(pid int) (time.Duration, error) {
	all, err := ticks(pid, 4)
	if err != nil {
		return 0, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, fmt.Errorf("list the children of process %d: %w", pid, err)
	}
	for _, child := range strings.Fields(string(children)) {
		if id, err := strconv.Atoi(child); err == nil {
			own, _ := ticks(id, 2) // one that has ended since counts the next time, with its parent's
			all += own
		}
	}
	const tick = 10 * time.Millisecond // Linux tells all programs hundredths of a second (proc(5), USER_HZ)
	return time.Duration(all) * tick, nil
}

// ticks adds the first n of a process's times: its own as a user's and as the kernel's, then those of its children
// that have ended (proc(5), /proc/pid/stat, from field 14 on).
func ticks(pid, n int) (sum int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the times of process %d: %w", pid, err)
	}
	name := strings.LastIndexByte(string(text), ')') // the second field, which may have blanks
	fields := strings.Fields(string(text[name+1:]))
	const first = 14 - 3
	if len(fields) < first+n {
		return 0, fmt.Errorf("read the times of process %d: it has %d fields", pid, len(fields))
	}
	for _, field := range fields[first : first+n] {
		value, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("read the times of process %d: %w", pid, err)
		}
		sum += value
	}
	return sum, nil
}

// memoryAvailable is what RDS calls freeable memory (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS").
func memoryAvailable() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read the machine's memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			value, err := strconv.ParseInt(strings.Fields(kib + " ?")[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the machine's memory: %w", err)
			}
			return value << 10, nil
		}
	}
	return 0, errors.New("the machine does not say how much memory is available")
}

// size is what the files in a folder hold, in bytes. What goes away meanwhile holds nothing.
func size(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // it is gone
		}
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
