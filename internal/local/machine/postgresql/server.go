// Package postgresql runs PostgreSQL servers as RDS makes them: with TLS forced, a superuser whom no
// customer gets, and a master user who is no superuser. A server and its data end with this process.
package postgresql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
}

// Server is one running PostgreSQL.
type Server struct {
	Port    int
	dir     *parts.TempDir // its data and its socket
	process *parts.Process
	log     *os.File
}

// Start starts a server on a copy of the template. A port that was free may be taken a moment later:
// then another one is tried.
func (p *Program) Start(ctx context.Context, cfg Config) (s *Server, err error) {
	if err := p.Warm(ctx); err != nil {
		return nil, err
	}
	for range 3 {
		if s, err = p.startOnce(ctx, cfg); err == nil || ctx.Err() != nil {
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

func (p *Program) startOnce(ctx context.Context, cfg Config) (*Server, error) {
	dir, err := parts.NewTempDir("hr-pg-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if err := p.launch(ctx, s, cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (p *Program) launch(ctx context.Context, s *Server, cfg Config) (err error) {
	if s.Port, err = parts.FreePort(); err != nil {
		return err
	}
	if err := p.furnish(s, cfg); err != nil {
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
	cmd := p.command(context.WithoutCancel(ctx), "postgres", "-D", s.data())
	cmd.Stderr = s.log
	if s.process, err = parts.Start(cmd); err != nil {
		return err
	}
	if err := s.await(ctx); err != nil {
		return fmt.Errorf("start server %s: %w\n%s", cfg.Name, err, s.Log())
	}
	return nil
}

// furnish makes a server's data.
func (p *Program) furnish(s *Server, cfg Config) error {
	certificate, key, err := cfg.Authority.issue(Host)
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.data(), os.DirFS(p.template.dir)); err != nil {
		return fmt.Errorf("copy the template: %w", err)
	}
	if err := os.Chmod(s.data(), 0o700); err != nil { // or the server would not have it
		return err
	}
	for name, content := range map[string][]byte{
		"server.crt":           certificate,
		"server.key":           key,
		"pg_hba.conf":          []byte(hba(cfg.Parameters["rds.force_ssl"] != "0")),
		"postgresql.auto.conf": []byte(s.settings(cfg.Parameters, p.template.known)),
	} {
		if err := os.WriteFile(filepath.Join(s.data(), name), content, 0o600); err != nil {
			return err
		}
	}
	return p.own(s.dir.Path)
}

func (s *Server) data() string { return filepath.Join(s.dir.Path, "data") }

// await waits until the server answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
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
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", s.dir.Path, s.Port, superuser, database))
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

// Close stops the server and removes its data.
func (s *Server) Close() error {
	if s.process != nil {
		select {
		case <-s.process.Done():
		default:
			_ = syscall.Kill(s.process.PID(), syscall.SIGINT) // a fast shutdown: sessions are ended
		}
		select {
		case <-s.process.Done():
		case <-time.After(stopTimeout):
			s.process.Kill()
			<-s.process.Done()
		}
	}
	if s.log != nil {
		_ = s.log.Close()
	}
	return s.dir.Remove()
}
