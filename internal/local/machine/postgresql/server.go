package postgresql

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/parts"
)

const (
	// Host is the name of every instance's endpoint; they differ in their ports.
	Host = "localhost"
	// superuser is RDS's own user, which no customer gets.
	superuser = "rdsadmin"

	startTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
)

// roles is what RDS makes in a new cluster. One statement a line, as single-user mode reads them.
const roles = `CREATE ROLE rds_superuser NOLOGIN
CREATE ROLE rds_password NOLOGIN
CREATE ROLE rds_replication NOLOGIN
GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION
DO $$ BEGIN GRANT pg_checkpoint TO rds_superuser WITH ADMIN OPTION; EXCEPTION WHEN undefined_object THEN NULL; END $$
CREATE DATABASE rdsadmin
REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC
`

// Server is one running PostgreSQL.
type Server struct {
	Port    int
	dir     *parts.TempDir // its data and its socket
	process *parts.Process
	log     *os.File
}

// Config is what a server is started with.
type Config struct {
	Name             string
	Template         Template
	Certificate, Key []byte
	Parameters       map[string]string
	LogDir           string
}

// Start starts a server on a copy of the template. A port that was free may be taken a moment later:
// then another one is tried.
func (p Program) Start(ctx context.Context, cfg Config) (s *Server, err error) {
	for range 3 {
		if s, err = p.startOnce(ctx, cfg); err == nil || ctx.Err() != nil {
			break
		}
	}
	return s, err
}

func (p Program) startOnce(ctx context.Context, cfg Config) (*Server, error) {
	dir, err := parts.NewTempDir("hr-pg-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if err := p.launch(ctx, s, cfg); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (p Program) launch(ctx context.Context, s *Server, cfg Config) error {
	if err := p.own(s.dir.Path); err != nil {
		return err
	}
	data := filepath.Join(s.dir.Path, "data")
	if err := copyTree(cfg.Template.dir, data, p.user); err != nil {
		return err
	}
	var err error
	if s.Port, err = parts.FreePort(); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"server.crt":           cfg.Certificate,
		"server.key":           cfg.Key,
		"pg_hba.conf":          []byte(hba(cfg.Parameters["rds.force_ssl"] != "0")),
		"postgresql.auto.conf": []byte(settings(s, cfg)),
	} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("write %s of server %s: %w", name, cfg.Name, err)
		}
		if err := p.own(path); err != nil {
			return err
		}
	}

	cmd := p.command(context.WithoutCancel(ctx), "postgres", "-D", data)
	if cfg.LogDir != "" {
		if err := os.MkdirAll(cfg.LogDir, 0o755); err != nil {
			return fmt.Errorf("make the folder of the servers' logs: %w", err)
		}
		if s.log, err = os.Create(filepath.Join(cfg.LogDir, cfg.Name+".log")); err != nil {
			return fmt.Errorf("open the log of server %s: %w", cfg.Name, err)
		}
		cmd.Stderr = s.log
	}
	if s.process, err = parts.Start(cmd); err != nil {
		return err
	}
	return s.await(ctx)
}

// hba says who may connect and how: RDS's own user only by the socket, which is in a folder of the
// server's user; all others by TCP with a password, and, where TLS is forced, only with TLS.
func hba(forceTLS bool) string {
	kind := "host"
	if forceTLS {
		kind = "hostssl"
	}
	return "local all " + superuser + " trust\n" +
		"host all " + superuser + " all reject\n" +
		"host rdsadmin all all reject\n" +
		kind + " all all all scram-sha-256\n"
}

// notHere are parameters that a parameter group may hold and that would only hurt here: they are
// about the machine's size and disks, and about libraries that may not be installed.
var notHere = []string{
	"shared_buffers", "effective_cache_size", "maintenance_work_mem", "autovacuum_work_mem", "huge_pages",
	"shared_preload_libraries", "ssl_ca_file", "ssl_cert_file", "ssl_key_file", "unix_socket_directories",
	"port", "listen_addresses", "data_directory", "wal_level", "max_wal_senders", "fsync", "hba_file", "ident_file", "log_destination", "logging_collector",
}

// settings is the server's configuration: small and without care for the disk, since it ends with
// this process; then what the parameter group says, where PostgreSQL knows it and no formula of the
// instance's size is in it.
func settings(s *Server, cfg Config) string {
	values := map[string]string{
		"listen_addresses": Host, "port": fmt.Sprint(s.Port), "unix_socket_directories": s.dir.Path,
		"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_min_protocol_version": "TLSv1.2",
		"password_encryption": "scram-sha-256",
		"fsync":               "off", "synchronous_commit": "off", "full_page_writes": "off",
		"dynamic_shared_memory_type": "mmap", "shared_buffers": "16MB", "max_connections": "200", "wal_level": "minimal", "max_wal_senders": "0",
		"min_wal_size": "32MB", "max_wal_size": "256MB", "jit": "off", "autovacuum_naptime": "1min",
		"max_worker_processes": "2", "timezone": "UTC", "log_timezone": "UTC",
	}
	for name, value := range cfg.Parameters {
		if cfg.Template.known[name] && !slices.Contains(notHere, name) && !strings.ContainsAny(value, "{}") {
			values[name] = value
		}
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, strings.ReplaceAll(values[name], "'", "''"))
	}
	return text.String()
}

// await waits until the server answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := s.connect(ctx, "postgres")
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

// connect connects as RDS's own user.
func (s *Server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", s.dir.Path, s.Port, superuser, database))
	if err != nil {
		return nil, fmt.Errorf("configure the connection to a new server: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to a new server: %w", err)
	}
	return conn, nil
}

// MakeMaster makes the master user as RDS does: it may make roles and databases and is a member of
// rds_superuser, but it is no superuser. The databases that are there are its own.
func (s *Server) MakeMaster(ctx context.Context, name, password, database string) error {
	master := pgx.Identifier{name}.Sanitize()
	statements := []string{
		"CREATE ROLE " + master + " LOGIN CREATEROLE CREATEDB PASSWORD " + quote(password) + " VALID UNTIL 'infinity'",
		"GRANT rds_superuser TO " + master,
		"ALTER DATABASE postgres OWNER TO " + master,
		"ALTER DATABASE template1 OWNER TO " + master,
	}
	if database != "" && database != "postgres" {
		statements = append(statements, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()+" OWNER "+master)
	}
	return s.exec(ctx, statements...)
}

func (s *Server) SetPassword(ctx context.Context, name, password string) error {
	return s.exec(ctx, "ALTER ROLE "+pgx.Identifier{name}.Sanitize()+" PASSWORD "+quote(password))
}

// exec runs statements as RDS's own user. Its errors name no statement: one may hold a password.
func (s *Server) exec(ctx context.Context, statements ...string) error {
	conn, err := s.connect(ctx, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// A parameter group may have statements logged, and these are nobody's business.
	quiet := []string{"SET log_statement = 'none'", "SET log_min_duration_statement = -1", "SET log_min_error_statement = 'panic'"}
	for n, statement := range append(quiet, statements...) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("set up the master user, step %d: %w", n+1, err)
		}
	}
	return nil
}

// quote writes a string literal.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

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
