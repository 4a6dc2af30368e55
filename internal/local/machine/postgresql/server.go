// Package postgresql runs PostgreSQL servers as RDS makes them: with TLS forced, a superuser whom no
// customer gets, and a master user who is no superuser. A server and its data end with this process.
package postgresql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/parts"
)

// Host is the name of every server, which its certificate is good for; they differ in their ports.
const Host = "localhost"

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
)

// Config is what a server is started with.
type Config struct {
	Name       string            // of its log, <name>.log
	LogDir     string            // where the log is; default with its data, which it goes with
	Authority  *Authority        // who signs its certificate
	Parameters map[string]string // of its DB parameter group; what would not do here is left out

	Master, Password string // the master user
	Database         string // that the master user owns, besides those of every server; may be ""

	Port    int      // where it listens; 0: at one that is free
	Archive *Archive // where it is backed up to; nil: it is not

	recovery *recovery // how it comes to the state that it begins with; nil: it has it
}

// Server is one PostgreSQL with its data. It may be stopped and run again. Its methods may be called at once.
type Server struct {
	program *Program
	name    string
	dir     *parts.TempDir // its data and its socket
	log     *os.File
	port    atomic.Int64
	archive *Archive      // that it was made with; nil: none
	term    time.Duration // within which it must answer when it is run

	mu      sync.Mutex // one start or stop at a time
	process *parts.Process
	running atomic.Pointer[parts.Process] // process, to be looked at while it starts or stops
	closed  bool
}

// ErrClosed means that a server has no data any more.
var ErrClosed = errors.New("the server is closed")

// Start starts a server on a copy of the template. A port that was free may be taken a moment later:
// then another one is tried. Without room for it on the disk, the error is a *NoRoomError.
func (p *Program) Start(ctx context.Context, cfg Config) (s *Server, err error) {
	if err := p.Warm(ctx); err != nil {
		return nil, err
	}
	for range 3 {
		if s, err = p.startOnce(ctx, cfg, p.template.dir); err == nil || ctx.Err() != nil || errors.As(err, new(*NoRoomError)) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.makeMaster(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// startOnce starts a server on a copy of a folder: the template, or what a backup was made of.
func (p *Program) startOnce(ctx context.Context, cfg Config, from string) (*Server, error) {
	dir, err := parts.NewTempDir("hr-pg-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{program: p, name: cfg.Name, dir: dir, term: startTimeout, archive: cfg.Archive}
	if cfg.recovery != nil {
		s.term = recoveryTimeout
	}
	if err := p.take(s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := p.launch(ctx, s, cfg, from); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (p *Program) launch(ctx context.Context, s *Server, cfg Config, from string) (err error) {
	port := cfg.Port
	if port == 0 {
		if port, err = parts.FreePort(); err != nil {
			return err
		}
	}
	s.port.Store(int64(port))
	if err := p.furnish(s, cfg, from); err != nil {
		return fmt.Errorf("furnish server %s: %w", cfg.Name, err)
	}
	logDir := cfg.LogDir
	if logDir == "" {
		logDir = s.dir.Path
	}
	if err := os.MkdirAll(logDir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the servers' logs: %w", err)
	}
	if s.log, err = os.Create(filepath.Join(logDir, cfg.Name+".log")); err != nil {
		return fmt.Errorf("open the log of server %s: %w", cfg.Name, err)
	}
	return s.Run(ctx)
}

// Run has the server run, with the data that it has, and returns when it answers. After a crash it first
// recovers, as PostgreSQL does. A server that runs is left alone.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("start server %s: %w", s.name, ErrClosed)
	}
	if s.process != nil && !ended(s.process) {
		return nil
	}
	s.sweep()
	cmd := s.program.command(context.WithoutCancel(ctx), "postgres", "-D", s.data())
	cmd.Stderr = s.log
	process, err := parts.Start(cmd)
	if err != nil {
		return err
	}
	s.process = process
	s.running.Store(process)
	if err := s.await(ctx); err != nil {
		s.process.Kill()
		<-s.process.Done()
		return fmt.Errorf("start server %s: %w\n%s", s.name, err, s.Log())
	}
	return nil
}

// Done is closed when the server that was run last has ended, by itself or not.
func (s *Server) Done() <-chan struct{} { return s.running.Load().Done() }

// Kill ends the server at once, as a crash does. Its data stays.
func (s *Server) Kill() {
	if process := s.running.Load(); process != nil {
		process.Kill()
	}
}

// Stop ends the server as a shutdown of its host does: sessions are ended, and what they committed is kept.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(syscall.SIGINT)
}

// end signals the server and waits until it is gone, which it is after some seconds in any case.
func (s *Server) end(signal syscall.Signal) {
	if s.process == nil || ended(s.process) {
		return
	}
	_ = syscall.Kill(s.process.PID(), signal)
	select {
	case <-s.process.Done():
	case <-time.After(stopTimeout):
		s.process.Kill()
		<-s.process.Done()
	}
}

// sweep ends what a server that was killed has left: sessions at work do not notice at once, and no server
// starts on their data. They are leaders of groups of their own, known by their folder.
func (s *Server) sweep() {
	for end := time.Now().Add(stopTimeout); s.killLeftovers() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// killLeftovers returns how many there were.
func (s *Server) killLeftovers() (found int) {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is good
	for _, folder := range folders {
		if at, err := os.Readlink(folder); err != nil || at != s.data() {
			continue
		}
		found++
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return found
}

func ended(p *parts.Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// furnish makes a server's data, of a copy of a folder.
func (p *Program) furnish(s *Server, cfg Config, from string) error {
	certificate, key, err := cfg.Authority.issue(Host)
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.data(), os.DirFS(from)); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	if err := os.Chmod(s.data(), 0o700); err != nil { // or the server would not have it
		return err
	}
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		if err := os.WriteFile(filepath.Join(s.data(), name), content, 0o600); err != nil {
			return err
		}
	}
	if err := s.configure(cfg); err != nil {
		return err
	}
	return p.own(s.dir.Path)
}

// Configure gives a server other parameters, another port and another archive, which hold from when it is run the
// next time. Port 0 means the one that it has.
func (s *Server) Configure(cfg Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("configure server %s: %w", s.name, ErrClosed)
	}
	if cfg.Port != 0 {
		s.port.Store(int64(cfg.Port))
	}
	s.term = startTimeout
	return s.configure(cfg)
}

func (s *Server) configure(cfg Config) error {
	for name, content := range map[string]string{
		"pg_hba.conf":          hba(cfg.Parameters["rds.force_ssl"] != "0"),
		"postgresql.auto.conf": s.settings(cfg, s.program.template.known),
	} {
		path := filepath.Join(s.data(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return fmt.Errorf("configure server %s: %w", s.name, err)
		}
		if err := s.program.own(path); err != nil {
			return err
		}
	}
	return nil
}

// Reload has a server that runs take what it was configured with, as far as that goes without a restart.
func (s *Server) Reload() {
	if process := s.running.Load(); process != nil && !ended(process) {
		_ = syscall.Kill(process.PID(), syscall.SIGHUP)
	}
}

// Port is where the server listens.
func (s *Server) Port() int { return int(s.port.Load()) }

// Dir is the folder of the server's data and its socket.
func (s *Server) Dir() string { return s.dir.Path }

func (s *Server) data() string { return filepath.Join(s.dir.Path, "data") }

// await waits until the server answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.term)
	defer cancel()
	for {
		conn, err := s.Superuser(ctx, "postgres")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server to answer: %w", err)
		case <-s.process.Done():
			return fmt.Errorf("the server ended before it answered: %w", s.process.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Superuser logs in as RDS's own user, by the socket.
func (s *Server) Superuser(ctx context.Context, database string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", s.dir.Path, s.Port(), superuser, database))
	if err != nil {
		return nil, fmt.Errorf("configure the superuser's connection: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect as superuser: %w", err)
	}
	return conn, nil
}

// Log returns what the server has logged so far.
func (s *Server) Log() string {
	content, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// Close stops the server and removes its data. So nothing is worth keeping, and it ends at once.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.end(syscall.SIGQUIT)
	s.sweep()
	if s.log != nil {
		_ = s.log.Close()
	}
	defer s.program.giveBack(s)
	return s.dir.Remove()
}
