package postgresql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
	"archive_mode", "archive_command", "archive_library", "archive_timeout", "hot_standby", "restore_command",
}

// settings is the server's configuration: small and without care for the disk, since it ends with
// this process; then what the parameter group says, where PostgreSQL knows it and no formula of the
// instance's size is in it.
func (s *Server) settings(cfg Config, known map[string]bool) string {
	values := map[string]string{
		"listen_addresses": Host, "port": fmt.Sprint(s.Port()), "unix_socket_directories": s.dir.Path,
		"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_min_protocol_version": "TLSv1.2",
		"password_encryption": "scram-sha-256",
		"fsync":               "off", "full_page_writes": "off", // a commit is written, though, and outlives a crash of the server
		"dynamic_shared_memory_type": "mmap", "shared_buffers": "16MB", "max_connections": "200", "wal_level": "minimal", "max_wal_senders": "0",
		"min_wal_size": "2MB", "max_wal_size": "8MB", "checkpoint_warning": "0", "log_checkpoints": "off", "jit": "off", "autovacuum_naptime": "1min",
		"max_worker_processes": "2", "timezone": "UTC", "log_timezone": "UTC", "log_line_prefix": "%t:%r:%u@%d:[%p]:",
	}
	if cfg.Archive != nil {
		maps.Copy(values, cfg.Archive.settings())
	}
	if cfg.recovery != nil {
		maps.Copy(values, cfg.recovery.settings())
	}
	for name, value := range cfg.Parameters {
		if known[name] && !slices.Contains(notHere, name) && !strings.ContainsAny(value, "{}") {
			values[name] = value
		}
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s = %s\n", name, quote(values[name]))
	}
	return text.String()
}
