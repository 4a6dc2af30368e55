package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/parts"
)

// initdb makes the data folder.
func (c *Cluster) initdb(ctx context.Context, bin string, owner *owner) error {
	passwordFile := filepath.Join(c.dir.Path, "password")
	if err := owner.write(passwordFile, []byte(c.adminPassword)); err != nil {
		return err
	}
	var output bytes.Buffer
	initdb := owner.command(filepath.Join(bin, "initdb"), "--pgdata="+c.data(), "--username="+superuser,
		"--pwfile="+passwordFile, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Stdout, initdb.Stderr = &output, &output
	process, err := parts.Start(initdb)
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		process.Kill()
		<-process.Done()
	}
	if err := process.Err(); err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, output.String())
	}
	if err := os.Remove(passwordFile); err != nil {
		return fmt.Errorf("prepare PostgreSQL: %w", err)
	}
	return nil
}

// configure writes the certificate and the configuration: TLS only, like rds.force_ssl=1, and
// durable enough for a cluster that is deleted in the end.
func (c *Cluster) configure(config Config, owner *owner) error {
	certificate, key, err := c.CA.issue(append([]string{c.Host, "localhost"}, config.Names...)...)
	if err != nil {
		return err
	}
	settings := map[string]string{
		"listen_addresses":        c.Host,
		"port":                    fmt.Sprint(c.Port),
		"unix_socket_directories": "",
		"ssl":                     "on",
		"ssl_cert_file":           "server.crt",
		"ssl_key_file":            "server.key",
		"password_encryption":     "scram-sha-256",
		"max_connections":         "100",
		"shared_buffers":          "32MB",
		"fsync":                   "off",
		"full_page_writes":        "off",
		"synchronous_commit":      "off",
	}
	maps.Copy(settings, config.Settings)
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&conf, "%s = %s\n", name, literal(settings[name]))
	}
	for name, content := range map[string][]byte{
		"server.crt":           certificate,
		"server.key":           key,
		"postgresql.auto.conf": []byte(conf.String()),
		"pg_hba.conf":          []byte("hostssl all all all scram-sha-256\n"),
	} {
		if err := owner.write(filepath.Join(c.data(), name), content); err != nil {
			return err
		}
	}
	return nil
}

// likeRDS makes the master user what RDS makes it: no superuser, but a member of rds_superuser, who
// may create roles and databases and owns the databases that an instance begins with.
func (c *Cluster) likeRDS(ctx context.Context) error {
	conn, err := c.Superuser(ctx, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	master := pgx.Identifier{c.Username}.Sanitize()
	for _, statement := range []string{
		"SET log_statement = 'none'", // or the log would hold the password
		"CREATE ROLE rds_superuser NOLOGIN",
		"GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION",
		"CREATE ROLE " + master + " LOGIN CREATEROLE CREATEDB PASSWORD " + literal(c.Password),
		"GRANT rds_superuser TO " + master,
		"ALTER DATABASE postgres OWNER TO " + master,
		"ALTER DATABASE template1 OWNER TO " + master,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("make PostgreSQL like RDS: %w", err)
		}
	}
	return nil
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
